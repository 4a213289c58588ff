"""How well two sides agree on the faces of the same photos: boxes, landmarks, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facecluster.records import Face, Float32

SURE, OVERLAP = 0.9, 0.5
"""The score of a face that counts, and the intersection over union from which two boxes are one."""

Vectors = dict[str, Float32]
"""An embedding by model."""


@dataclass(frozen=True)
class Known:
    """A face with its embeddings."""

    face: Face
    vectors: Vectors


class Comparison:
    """Two lists of faces for each photo, theirs and ours, and how they agree."""

    def __init__(self, photos: Sequence[tuple[list[Known], list[Known]]]) -> None:
        self.photos = photos
        self.pairs = [
            (one, match)
            for theirs, own in photos
            for one in theirs
            if one.face.score >= SURE and (match := best(one, own))
        ]

    def recall(self, least: float = 0.0) -> tuple[int, int]:
        """Of the plain boxes, how many were found, and how many there are; ``least`` is the score of the other."""
        return hits(self.photos, least)

    def precision(self, least: float = 0.0) -> tuple[int, int]:
        return hits([(own, theirs) for theirs, own in self.photos], least)

    def shifts(self) -> Float32:
        """Landmark errors (N,) of the worst landmark of each face that both sides have."""
        return np.array([shift(one.face, match.face) for one, match in self.pairs], np.float32)

    def cosines(self, model: str) -> Float32:
        return np.array([one.vectors[model] @ match.vectors[model] for one, match in self.pairs], np.float32)


def hits(photos: Sequence[tuple[list[Known], list[Known]]], least: float) -> tuple[int, int]:
    asked = [(one, others) for ones, others in photos for one in ones if one.face.score >= SURE]
    found = (best(one, [other for other in others if other.face.score >= least]) for one, others in asked)
    return sum(match is not None for match in found), len(asked)


def best(one: Known, others: Sequence[Known]) -> Known | None:
    """The face that overlaps ``one`` most, if it does so by ``OVERLAP``."""
    match = max(others, key=lambda other: one.face.box.overlap(other.face.box), default=None)
    return match if match and one.face.box.overlap(match.face.box) >= OVERLAP else None


def shift(plain: Face, own: Face) -> float:
    off = np.linalg.norm(plain.landmarks - own.landmarks, axis=1).max()
    return float(off / max(plain.box.width, plain.box.height))
