"""How far faces are from their own person and from other people: what a join distance is chosen by.

Every distance here is that by which a face joins a person (see ``joining``): the mean squared distance to the
members, 2 - 2·x·mean. Comparisons with other people are many, so they come in blocks and only the nearest stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from facecluster.people.grouping import NOBODY, means
from facecluster.records import Float32, Int64

STEP = 0.1
"""Width of a bin of a histogram, a squared L2 distance; there are as many as reach from 0 to 4."""

BINS = 40

BLOCK = 4_000_000
"""Distances that are computed at once: 16 MB, and little more around them."""

PAIRS = 65_536
"""Pairs of vectors that are multiplied at once: 64 MB for 128 dimensions."""


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """Distances of faces to other people's means.

    ``nearest`` is (K,) float32, the least of all, in no order. ``within`` of them are up to the distance that was
    asked about. ``histogram`` is (BINS,) int64 and counts all.
    """

    nearest: Float32
    within: int
    histogram: Int64


def own_distances(vectors: Float32, labels: Int64) -> Float32:
    """Distance (S,) float32 of each face to the mean of the *other* faces of its person.

    ``vectors`` is (N, D) float32 unit rows; ``labels`` (N,) int64, -1 or 0..G-1 with none missing. Faces of
    nobody, and those that are alone, have none. The mean of the n - 1 others is (n·mean - x) / (n - 1).
    """
    centre, sizes = means(vectors, labels)
    faces = np.flatnonzero(labels != NOBODY)
    faces = faces[sizes[labels[faces]] > 1]
    group = labels[faces]
    size = sizes[group]
    others = (size * _dots(vectors, centre, faces, group) - _dots(vectors, vectors, faces, faces)) / (size - 1)
    return (2 - 2 * others).astype(np.float32)


def strangers(vectors: Float32, photo: Int64, labels: Int64, owner: Int64, strong: float) -> Int64:
    """Pairs (M, 2) int64 of a face without a label and a person beside whom it is in a photo, each pair once.

    ``vectors`` is (N, D) float32 unit rows, ``photo`` (N,) int64. ``labels`` (N,) int64 are the people of those
    faces of which it is sure, ``owner`` (N,) int64 those of all, -1 for nobody. A face that may be the person's is
    left out: one whose ``owner`` is that person, or whose squared distance to the face beside it is below
    ``strong``, as in a mirror or a collage.
    """
    known, free = np.flatnonzero(labels != NOBODY), np.flatnonzero(labels == NOBODY)
    known = known[np.argsort(photo[known], kind="stable")]
    first = np.searchsorted(photo[known], photo[free], "left")
    count = np.searchsorted(photo[known], photo[free], "right") - first
    face = np.repeat(free, count)
    place = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    beside = known[np.repeat(first, count) + place]
    group = labels[beside]
    perhaps = (2 - 2 * _dots(vectors, vectors, face, beside) < strong) | (owner[face] == group)
    width = int(labels.max(initial=0)) + 1
    pair = face * width + group
    apart = np.setdiff1d(pair, pair[perhaps])
    return np.stack((apart // width, apart % width), axis=1)


def number_of_others(labels: Int64, pairs: Int64) -> int:
    """How many distances ``other_distances`` gives."""
    return int((labels != NOBODY).sum()) * int(labels.max(initial=0)) + len(pairs)


def other_distances(vectors: Float32, labels: Int64, pairs: Int64) -> Iterator[Float32]:
    """Distances of every face that has a label to all other people's means, then those of ``pairs``, in blocks.

    ``vectors`` is (N, D) float32 unit rows; ``labels`` (N,) int64, -1 or 0..G-1 with none missing; ``pairs``
    (M, 2) int64, a face and a label. A block is (B,) float32.
    """
    centre, sizes = means(vectors, labels)
    faces, people = np.flatnonzero(labels != NOBODY), np.arange(len(sizes))
    step = max(1, BLOCK // max(1, len(people)))
    for start in range(0, len(faces), step):
        rows = faces[start : start + step]
        apart = 2 - 2 * (vectors[rows] @ centre.T)
        yield apart[labels[rows][:, None] != people]
    for start in range(0, len(pairs), BLOCK):
        face, group = pairs[start : start + BLOCK].T
        yield 2 - 2 * _dots(vectors, centre, face, group)


def gather(blocks: Iterable[Float32], keep: int, distance: float) -> Others:
    """The ``keep`` least distances of all ``blocks``, how many are up to ``distance``, and a histogram of all."""
    nearest, within, histogram = np.zeros(0, np.float32), 0, np.zeros(BINS, np.int64)
    for block in blocks:
        within += int((block <= distance).sum())
        histogram += histogram_of(block)
        if len(nearest) == keep:
            block = block[block < nearest.max()]
        nearest = np.concatenate((nearest, block))
        if len(nearest) > keep:
            nearest = np.partition(nearest, keep - 1)[:keep]
    return Others(nearest, within, histogram)


def histogram_of(distances: Float32) -> Int64:
    """How many ``distances`` (P,) lie in each of ``BINS`` bins, (BINS,) int64; bins hold their lower end."""
    counts, _ = np.histogram(np.clip(distances, 0, BINS * STEP), bins=BINS, range=(0, BINS * STEP))
    return np.asarray(counts, np.int64)


def _dots(left: Float32, right: Float32, one: Int64, other: Int64) -> Float32:
    """Products (P,) float32 of the rows ``one`` (P,) of ``left`` with the rows ``other`` (P,) of ``right``."""
    dots = np.zeros(len(one), np.float32)
    for start in range(0, len(one), PAIRS):
        part = slice(start, start + PAIRS)
        np.einsum("nd,nd->n", left[one[part]], right[other[part]], out=dots[part])
    return dots
