"""Training an embedding network: whom to learn from, what to ask of the embeddings, how to get there."""
