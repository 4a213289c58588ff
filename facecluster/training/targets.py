"""What a student should say of each face: the embeddings of its teachers, brought into one space.

A teacher sees the face as it is and in a mirror; the mean of both is better than either, so a student can come
to be better than a teacher was. The network that the training begins with may be one of the teachers, which
keeps what it knows: on few faces, a student that only imitates another network forgets more than it learns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from facecluster.embeddings import Embedder, embed_both_ways
from facecluster.pipeline.portraits import in_parallel
from facecluster.records import Float32, Int64
from facecluster.training.faces import TrainingFaces

BATCH = 64


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model to learn from, and the weight of what it says beside the others."""

    embedder: Embedder
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The space in which the embeddings of several teachers are brought together.

    Each teacher's are centred on their mean, brought to unit length and multiplied with the root of its weight,
    so that squared distances add up by weight. All side by side, they are reduced to principal components.
    ``means`` are (D,) of each teacher, ``components`` (sum of D, E).
    """

    means: tuple[Float32, ...]
    weights: tuple[float, ...]
    components: Float32

    @classmethod
    def fit(cls, said: Sequence[Float32], weights: Sequence[float], dimension: int) -> Self:
        """The space that suits what each teacher said of N faces, (N, D): its means, and the ``dimension``
        components with most variance (as many as there are, if fewer)."""
        means = tuple(np.asarray(vectors.mean(0)) for vectors in said)
        side_by_side = _side_by_side(said, means, weights)
        return cls(means, tuple(weights), principal(side_by_side, dimension))

    def project(self, said: Sequence[Float32]) -> Float32:
        """What each teacher says of N faces, (N, D), in this space: (N, E) float32, unit length."""
        return unit(_side_by_side(said, self.means, self.weights) @ self.components)


def _side_by_side(said: Sequence[Float32], means: Sequence[Float32], weights: Sequence[float]) -> Float32:
    """The teachers' vectors, (N, D) each, centred, weighted and in one row: (N, sum of D)."""
    each = [
        np.sqrt(weight) * unit(vectors - mean) for vectors, mean, weight in zip(said, means, weights, strict=True)
    ]
    return np.concatenate(each, axis=1).astype(np.float32, copy=False)


def targets(
    given: TrainingFaces,
    teachers: Sequence[Teacher],
    dimension: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Float32:
    """Where the teachers together see each of the N faces: (N, dimension) float32, unit length; see ``Space``."""
    said, total = [], len(given) * len(teachers)
    weights = [teacher.weight for teacher in teachers]
    for i, teacher in enumerate(teachers):
        before = i * len(given)
        said.append(seen_twice(given, teacher.embedder, partial(_further, on_progress, before, total)))
    return Space.fit(said, weights, dimension).project(said)


def _further(on_progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    on_progress(before + done, total)


def seen_twice(
    given: TrainingFaces, embedder: Embedder, on_progress: Callable[[int], None] = lambda done: None
) -> Float32:
    """The mean of each face's embedding and that of its mirror image, unit length: (N, D) float32."""

    def embedded(rows: Int64) -> Float32:
        """Embed some faces and their mirror images."""
        return embed_both_ways(given.chips(rows), given.landmarks[rows], given.sides[rows], embedder)

    batches = [np.arange(start, min(start + BATCH, len(given))) for start in range(0, len(given), BATCH)]
    parts = []
    with closing(in_parallel(embedded, batches)) as results:
        for rows, part in zip(batches, results, strict=True):
            parts.append(part)
            on_progress(int(rows[-1]) + 1)
    return np.concatenate(parts)


def principal(vectors: Float32, dimension: int) -> Float32:
    """The directions in which ``vectors`` (N, D) vary most about 0: (D, up to ``dimension``), unit length."""
    exact = vectors.astype(np.float64)
    _, components = np.linalg.eigh(exact.T @ exact)  # ascending
    kept: Float32 = components[:, ::-1][:, :dimension].astype(np.float32)
    return kept


def unit(vectors: Float32) -> Float32:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    shortened: Float32 = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    return shortened


def linear_fit(given: Float32, wanted: Float32, ridge: float = 1e-3) -> Float32:
    """The matrix (D, E) that brings ``given`` (N, D) nearest to ``wanted`` (N, E) in least squares.

    ``ridge`` is the penalty on its entries, as a share of the mean variance (Hoerl & Kennard, Technometrics
    1970).
    """
    x, y = given.astype(np.float64), wanted.astype(np.float64)
    gram = x.T @ x
    penalty = ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram + penalty, x.T @ y).astype(np.float32)


def turned(
    mean: Float32, projection: Float32, seen: Float32, wanted: Float32, ridge: float = 1e-3
) -> tuple[Float32, Float32]:
    """The head ``(seen - mean) @ projection`` turned to ``wanted``, or as it is where it is nearer to it already.

    ``seen`` (N, D) is what the head is given, ``wanted`` (N, E) the unit vectors that it should give, ``mean``
    (D,), ``projection`` (D, E). The turned head is fitted (``linear_fit``) to the first three quarters of the
    faces, and the others decide: the smaller mean squared distance of unit vectors.
    """
    parts = max(1, len(seen) - len(seen) // 4)
    middle = seen[:parts].mean(0)
    fitted = middle, linear_fit(seen[:parts] - middle, wanted[:parts], ridge)
    rest = slice(parts if len(seen) > parts else 0, None)
    heads = ((mean, projection), fitted)
    return min(heads, key=lambda head: _distance((seen[rest] - head[0]) @ head[1], wanted[rest]))


def _distance(vectors: Float32, wanted: Float32) -> float:
    return float(np.square(unit(vectors) - wanted).sum(1).mean())
