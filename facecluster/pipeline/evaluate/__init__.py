"""Evaluate: how right a model is, on test sets, on folders of people, and on the user's own library.

``verification`` (lists of pairs), ``people`` (folders) and ``library`` measure, ``record`` keeps the figures,
``pictures`` draws them.
"""
