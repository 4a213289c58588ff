"""Faces that joined the wrong person before the right one was there move on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from facecluster.people.conflicts import opponents
from facecluster.people.grouping import NOBODY, Bool, ClusterOptions, means
from facecluster.people.neighbours import ROWS
from facecluster.records import Float32, Int64

GAIN = 0.1
"""A face moves when another person is nearer by more than this share of the join distance: not for less, so that a
library does not change with every photo."""


def settle(
    vectors: Float32,
    labels: Int64,
    movable: Bool,
    conflicts: csr_matrix,
    options: ClusterOptions,
    closed: Sequence[int] = (),
) -> Int64:
    """Give each of the ``movable`` (N,) faces that has a group another one that is clearly nearer.

    The distance to a group is the mean squared distance to its other members. Those who gain most go first; nobody
    goes where a face conflicts or to the ``closed`` groups, or leaves fewer than ``min_size`` faces behind.
    ``vectors`` is (N, D) float32 unit rows, ``labels`` (N,) int64, -1 or 0..G-1. Means stay as they were
    meanwhile. Returns the new labels.
    """
    settled, sizes = labels.copy(), np.bincount(labels[labels != NOBODY])
    for face, group in _wishes(vectors, labels, movable, options.join_distance, closed):
        own = labels[face]
        free = not (settled[opponents(conflicts, face)] == group).any()
        if free and sizes[own] > options.min_size:
            settled[face] = group
            sizes[own] -= 1
            sizes[group] += 1
    return settled


def _wishes(
    vectors: Float32, labels: Int64, movable: Bool, join_distance: float, closed: Sequence[int]
) -> list[tuple[int, int]]:
    """Faces and the groups that they would rather have, greatest gain first."""
    faces = np.flatnonzero(movable & (labels != NOBODY))
    centre, sizes = means(vectors, labels)
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(faces), ROWS):
        rows = faces[start : start + ROWS]
        at, own = np.arange(len(rows)), labels[rows]
        apart = 2 - 2 * (vectors[rows] @ centre.T)
        # among n members, the face itself, at distance 0, makes the mean n/(n-1) times too small
        mine = apart[at, own] * sizes[own] / np.maximum(sizes[own] - 1, 1)
        apart[at, own] = np.inf
        apart[:, list(closed)] = np.inf
        best = apart.argmin(axis=1)
        gain = mine - apart[at, best]
        wish = (gain > GAIN * join_distance) & (apart[at, best] <= join_distance)
        found += zip(gain[wish].tolist(), rows[wish].tolist(), best[wish].tolist(), strict=True)
    return [(face, group) for _, face, group in sorted(found, key=lambda one: (-one[0], one[1]))]
