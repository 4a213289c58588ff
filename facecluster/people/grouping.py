"""What clustering takes and gives: options, constraints, grouping."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32, Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

STRONG = 0.35
"""Two faces of one photo may be one person (a mirror, a collage) when their squared distance is below this
share of the join distance: so close are only pictures of one person in one moment."""

NOBODY = -1
"""The label of a face that belongs to nobody yet."""


class Reason(StrEnum):
    """Why a face belongs to nobody."""

    ALONE = "alone"
    TOO_FEW = "too few"
    QUALITY = "quality"
    SAME_PHOTO = "same photo"


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """How to cluster.

    ``min_size`` is the least number of faces that make a person. ``min_samples`` is HDBSCAN's: the neighbour
    whose distance counts as the density around a face. ``join_distance`` is a squared L2 distance, calibrated
    per model: groups whose members are nearer than this on average are one person. ``k`` is the number of
    people for k-means; None has it chosen by silhouette. ``seed`` steers k-means only.
    """

    algorithm: Literal["hdbscan", "kmeans"] = "hdbscan"
    min_size: int = 3
    min_samples: int = 2
    join_distance: float = 1.05
    k: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """What is known about the faces besides their embeddings.

    ``photo`` is (N,) int64, the photo each face is in. ``may_form`` is (N,) bool: the face is good enough to
    form a person; the others may only join one. ``together`` (M, 2) and ``apart`` (K, 2) int64 are pairs of faces
    that the user says are, or are not, of one person. ``taken`` (N,) float64 is when the photo was taken, in years
    (2015.5 is the middle of 2015), nan where unknown; None: all unknown.
    """

    photo: Int64
    may_form: Bool
    together: Int64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    apart: Int64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    taken: Float64 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What clustering finds and does not take apart: ``labels`` (N,) int64, the person of each face or -1.

    ``refused`` is (R, 2) int64, pairs of a face and a person whose it is not and must not become. ``born`` has the
    year of birth of some of the people (2015.5: the middle of 2015). ``final`` (N,) bool are faces that stay where
    they are though another person be nearer; None: those of nobody.
    """

    labels: Int64
    refused: Int64
    born: dict[int, float] = field(default_factory=dict)
    final: Bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Who is who.

    ``labels`` is (N,) int64, -1 for nobody, else 0.. by decreasing number of faces, then by first face.
    ``distance`` is (N,) float32, squared L2 to the mean of the person's embeddings, nan for nobody.
    ``reason`` is (N,) str, a value of `Reason` for nobody, else the empty string.
    """

    labels: Int64
    distance: Float32
    reason: NDArray[np.str_]


def number_by_size(labels: Int64) -> Int64:
    """Rename the groups of ``labels`` (N,) to 0.. by decreasing size, then by first member; -1 stays."""
    kept = labels != NOBODY
    _, first, inverse, sizes = np.unique(labels[kept], return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    numbered = np.full(len(labels), NOBODY, np.int64)
    numbered[kept] = rank[inverse]
    return numbered


def compact(labels: Int64) -> Int64:
    """``labels`` (N,) as 0.. without gaps, in the same order; -1 stays."""
    ids, numbered = np.unique(labels, return_inverse=True)
    return (numbered - int((ids == NOBODY).any())).astype(np.int64)


def means(vectors: Float32, labels: Int64) -> tuple[Float32, Int64]:
    """Mean vector (G, D) float32 and size (G,) of each group; ``labels`` (N,) are -1 or 0..G-1.

    Means are not of unit length. For unit vectors 2 - 2·x·mean is the mean squared distance of x to the
    members, and 2 - 2·mean_a·mean_b that between the members of two groups.
    """
    kept = np.flatnonzero(labels != NOBODY)
    order = kept[np.argsort(labels[kept], kind="stable")]
    sizes = np.bincount(labels[kept])
    if not len(sizes):
        return np.zeros((0, vectors.shape[1]), np.float32), sizes
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    sums = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64)
    return (sums / sizes[:, None]).astype(np.float32), sizes


def distance_to_mean(vectors: Float32, labels: Int64) -> Float32:
    """Squared L2 distance (N,) float32 of each face to the mean vector of its group, nan for nobody."""
    centre, _ = means(vectors, labels)
    distance = np.full(len(labels), np.nan, np.float32)
    kept = labels != NOBODY
    distance[kept] = np.square(vectors[kept] - centre[labels[kept]]).sum(axis=1)
    return distance


def tightness(vectors: Float32, labels: Int64) -> Float32:
    """Mean squared distance between two different faces of each person, (G,) float32; 0 for a single face.

    ``vectors`` is (N, D) float32 unit rows, ``labels`` (N,) int64, -1 or 0..G-1 with none missing. Over all
    ordered pairs of n faces, self pairs included, the mean of |x - y|² = 2 - 2·x·y is 2 - 2|m|² with m the
    mean vector; the n self pairs add nothing to the sum, so dividing by n(n - 1) instead of n² is left.
    """
    centre, sizes = means(vectors, labels)
    spread = 2 - 2 * np.square(centre.astype(np.float64)).sum(axis=1)
    tight: Float32 = (np.maximum(spread, 0) * sizes / np.maximum(sizes - 1, 1)).astype(np.float32)
    return tight
