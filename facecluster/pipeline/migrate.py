"""Migrate: the faces of a library, embedded again by another model from their chips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from facecluster import faces
from facecluster.embeddings import BATCH, Embedder, embed
from facecluster.errors import UsageError
from facecluster.nets.weights import dimension
from facecluster.pipeline.readers import Embed, sides
from facecluster.records import Float32
from facecluster.store import Store, StoredFace


def migrate(store: Store, embedder: Embedder, on_progress: Callable[[int, int], None]) -> int:
    """Embed all faces that ``embedder`` has not embedded yet, then use its embeddings; returns how many.

    Every batch is committed. Embeddings of the model before stay, so going back costs nothing.
    """
    if store.faces.model() is None:
        raise UsageError("The library is empty: there is nothing to migrate. Scan with --model instead.")
    with store.transaction():
        store.faces.add_model(embedder.fingerprint, embedder.spec.name, dimension(embedder.spec))
    todo = store.faces.without_vectors(embedder.fingerprint)
    for start in range(0, len(todo), BATCH):
        batch = todo[start : start + BATCH]
        vectors = embed_stored(store, batch, partial(embed, embedder=embedder))
        with store.transaction():
            store.faces.add_vectors([found.id for found in batch], vectors, embedder.fingerprint)
        on_progress(min(start + BATCH, len(todo)), len(todo))
    with store.transaction():
        store.faces.use_model(embedder.fingerprint)
    return len(todo)


def embed_stored(store: Store, batch: list[StoredFace], embed: Embed) -> Float32:
    """The embeddings (N, dimension) of some faces, from their chips."""
    chips = np.stack([faces.decode(jpeg) for _, jpeg in store.faces.chips([found.id for found in batch])])
    points = np.stack([faces.landmarks_in_chip(found.face.landmarks, found.face.box) for found in batch])
    return embed(chips, points, sides([found.face.box for found in batch]))
