"""Faces that belong to nobody join the group they look like."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from facecluster.people.ages import Ages
from facecluster.people.conflicts import opponents
from facecluster.people.grouping import NOBODY, Bool, means
from facecluster.people.neighbours import ROWS
from facecluster.records import Float32, Int64

CHOICES = 4
"""A face tries its nearest groups, so many at most, while their places are taken by faces of its photo."""


def join(
    vectors: Float32, labels: Int64, join_distance: float, conflicts: csr_matrix, ages: Ages | None = None
) -> tuple[Int64, Bool]:
    """Give each face of nobody the nearest group within ``join_distance`` where no other face conflicts.

    The distance to a group is the mean squared distance to its members, 2 - 2·x·mean; ``ages`` may correct it.
    Nearest faces choose first. Means stay as they were: what joins does not decide what joins next. ``vectors`` is
    (N, D) float32 unit rows, ``labels`` (N,) int64, -1 or 0..G-1. Returns the new labels and (N,) bool, which
    faces found every place taken by a face of their own photo.
    """
    face, group = _offers(vectors, labels, join_distance, ages)
    joined, taken = labels.copy(), np.zeros(len(labels), bool)
    for i, wanted in zip(face.tolist(), group.tolist(), strict=True):
        if joined[i] != NOBODY:
            continue
        if (joined[opponents(conflicts, i)] == wanted).any():
            taken[i] = True
        else:
            joined[i] = wanted
    return joined, taken & (joined == NOBODY)


def _offers(vectors: Float32, labels: Int64, join_distance: float, ages: Ages | None) -> tuple[Int64, Int64]:
    """Pairs of a face of nobody and a group within reach, nearest first, equals by face, then by group."""
    free = np.flatnonzero(labels == NOBODY)
    centre, _ = means(vectors, labels)
    choices = min(CHOICES, len(centre))
    if not choices or not len(free):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found = []
    for start in range(0, len(free), ROWS):
        rows = free[start : start + ROWS]
        apart = 2 - 2 * (vectors[rows] @ centre.T)
        if ages is not None:
            ages.correct(apart, vectors, labels, rows)
        group = np.argpartition(apart, choices - 1, axis=1)[:, :choices]
        distance = np.take_along_axis(apart, group, axis=1)
        row, column = np.nonzero(distance <= join_distance)
        found.append((distance[row, column], rows[row], group[row, column]))
    distance, face, chosen = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((chosen, face, distance))
    return face[order], chosen[order].astype(np.int64)
