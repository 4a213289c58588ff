"""Which pairs to measure where no list says so, and which were measured worst."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32, Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

MOST = 2_000_000
"""Pairs of each kind; more would hardly change a share that is told to four digits."""


class Pairs(NamedTuple):
    """``first`` and ``second`` (P,) int64 are the faces of each pair, ``same`` (P,) bool: of one person."""

    first: Int64
    second: Int64
    same: Bool


class Worst(NamedTuple):
    """Pairs on the wrong side of a threshold, the worst first: of two people taken for one, and of one for two."""

    false_accepts: Int64
    false_rejects: Int64


def sample_pairs(labels: Int64, most: int = MOST, seed: int = 0) -> Pairs:
    """All pairs of N faces; where there are more than ``most`` of one person, or of two, so many are drawn.

    ``labels`` (N,) int64 is the person of each face. Pairs are drawn with replacement, so shares among them are
    true on average; the same seed draws the same.
    """
    random = np.random.default_rng(seed)
    count = len(labels)
    if count * (count - 1) // 2 <= most:
        first, second = (rows.astype(np.int64) for rows in np.triu_indices(count, 1))
        return Pairs(first, second, labels[first] == labels[second])
    own, others = _of_one(labels, most, random), _of_two(labels, most, random)
    first, second = np.concatenate((own, others), axis=1)
    return Pairs(first, second, np.arange(len(first)) < own.shape[1])


def worst(distances: Float32 | Float64, same: Bool, threshold: float, count: int = 10) -> Worst:
    """The numbers of up to ``count`` pairs of each kind; of equals the first comes first.

    ``distances`` (P,) and ``same`` (P,) as for ``verify_distances``; a pair is accepted up to the ``threshold``.
    """
    accepted = np.asarray(distances, np.float64) <= threshold
    near, far = np.flatnonzero(accepted & ~same), np.flatnonzero(~accepted & same)
    return Worst(
        near[np.argsort(distances[near], kind="stable")[:count]],
        far[np.argsort(-distances[far], kind="stable")[:count]],
    )


def _of_one(labels: Int64, most: int, random: np.random.Generator) -> Int64:
    """Pairs (2, P) of one person: all, or ``most`` that are drawn."""
    order = np.argsort(labels, kind="stable")
    _, start, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    ends = np.cumsum(sizes * (sizes - 1) // 2)  # pairs are numbered through, person after person
    total = int(ends[-1])
    numbers = np.arange(total) if total <= most else random.integers(0, total, most)
    person = np.searchsorted(ends, numbers, side="right")
    within = numbers - (ends - sizes * (sizes - 1) // 2)[person]
    later = ((1 + np.sqrt(1 + 8 * within)) / 2).astype(np.int64)  # pair k is of faces k - j(j - 1)/2 and j
    earlier = within - later * (later - 1) // 2
    return np.sort(np.stack((order[start[person] + earlier], order[start[person] + later])), axis=0)


def _of_two(labels: Int64, most: int, random: np.random.Generator) -> Int64:
    """Pairs (2, P) of two people: ``most`` draws of any two faces, without those of one person."""
    drawn = random.integers(0, len(labels), (2, most))
    return np.sort(drawn[:, labels[drawn[0]] != labels[drawn[1]]], axis=0)
