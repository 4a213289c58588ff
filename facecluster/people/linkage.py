"""Average linkage by rounds: every pair of groups that are each other's nearest merges at once.

The distance of two groups is the mean squared L2 distance between their members, 2 - 2·mean_a·mean_b for unit
vectors. Average linkage is reducible (a merged group is no nearer to a third than the nearer of its halves:
Bruynooghe 1977; Müllner 2011, section 2.4), hence reciprocal pairs may merge in any order with one result, a
group whose nearest lies beyond the threshold is finished, and no matrix of all distances is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from facecluster.people.neighbours import ROWS
from facecluster.records import Float32, Int64


def average_linkage(
    vectors: Float32, start: Int64, threshold: float, conflicts: csr_matrix | None = None
) -> Int64:
    """Merge the groups ``start`` until no two are nearer than ``threshold``, a squared L2 distance.

    ``vectors`` is (N, D) float32 unit rows, ``start`` (N,) int64 the group 0.. of each. ``conflicts`` (N, N),
    symmetric, has a 1 for two faces that are hardly one person: a pair of groups is pushed apart by
    ``threshold`` times the conflicts per face of the smaller group, 1 at most. That penalty is not reducible:
    a group that was finished because of it alone stays finished. Returns labels (N,) int64, 0.. by first
    member.
    """
    group = _with_equals(vectors, start)
    groups = _Groups.of(vectors, group, conflicts, threshold)
    parent = np.arange(len(groups.sizes))
    active = parent.copy()
    nearest, distance = np.full(len(parent), -1), np.full(len(parent), np.inf)
    stale = active
    while len(stale):
        nearest[stale], distance[stale] = groups.nearest(stale, active)
        active = active[distance[active] < threshold]
        left, right = _reciprocal(active, nearest, distance)
        groups.merge(left, right)
        parent[right] = left
        merged = np.zeros(len(parent), bool)
        merged[left] = merged[right] = True
        active = active[parent[active] == active]
        stale = active[merged[active] | merged[nearest[active]]]
    return _by_first_member(_roots(parent)[group])


def _with_equals(vectors: Float32, start: Int64) -> Int64:
    """``start`` made compact, single faces with equal vectors in one group: equals would merge pair by pair."""
    _, group, sizes = np.unique(start, return_inverse=True, return_counts=True)
    single = np.flatnonzero(sizes[group] == 1)
    if len(single) > 1:
        _, first, equal = np.unique(vectors[single], axis=0, return_index=True, return_inverse=True)
        group[single] = group[single[first[equal.ravel()]]]
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _reciprocal(active: Int64, nearest: Int64, distance: Float32) -> tuple[Int64, Int64]:
    """Pairs that are each other's nearest; when rounding left none, the nearest pair."""
    left = active[(nearest[nearest[active]] == active) & (active < nearest[active])]
    if not len(left) and len(active):
        left = active[[np.argmin(distance[active])]]
    return left, nearest[left]


def _roots(parent: Int64) -> Int64:
    while not np.array_equal(up := parent[parent], parent):
        parent = up
    return parent


def _by_first_member(labels: Int64) -> Int64:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


@dataclass(slots=True, eq=False)
class _Groups:
    """Sums of vectors (G, D) float64, sizes (G,), conflicts (G, G); a merged group lives on in its left half."""

    sums: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    sizes: Int64
    conflicts: csr_matrix | None
    penalty: float

    @classmethod
    def of(cls, vectors: Float32, group: Int64, conflicts: csr_matrix | None, penalty: float) -> _Groups:
        """The groups that ``group`` (N,) assigns ``vectors`` (N, D) to."""
        n, count = len(group), int(group.max(initial=-1)) + 1
        member = csr_matrix((np.ones(n), (group, np.arange(n))), shape=(count, n))
        between = None
        if conflicts is not None and conflicts.nnz:
            between = csr_matrix(member @ conflicts @ member.T)
        return cls(np.asarray(member @ vectors.astype(np.float64)), np.bincount(group), between, penalty)

    def nearest(self, rows: Int64, among: Int64) -> tuple[Int64, Float32]:
        """The nearest group of each of ``rows``, and its distance; inf when there is no other."""
        others = (self.sums[among] / self.sizes[among, None]).astype(np.float32)
        index, distance = np.empty(len(rows), np.int64), np.empty(len(rows), np.float32)
        for start in range(0, len(rows), ROWS):
            block = slice(start, start + ROWS)
            means = (self.sums[rows[block]] / self.sizes[rows[block], None]).astype(np.float32)
            apart = 2 - 2 * (means @ others.T)
            apart[rows[block, None] == among] = np.inf
            self._push_apart(apart, rows[block], among)
            best = apart.argmin(axis=1)
            index[block], distance[block] = among[best], apart[np.arange(len(best)), best]
        return index, distance

    def _push_apart(self, apart: Float32, rows: Int64, among: Int64) -> None:
        if self.conflicts is None:
            return
        found = self.conflicts[rows][:, among].tocoo()
        smaller = np.minimum(self.sizes[rows[found.row]], self.sizes[among[found.col]])
        apart[found.row, found.col] += self.penalty * np.minimum(found.data / smaller, 1)

    def merge(self, left: Int64, right: Int64) -> None:
        """Let each group of ``left`` take in the one of ``right`` at the same place."""
        self.sums[left] += self.sums[right]
        self.sizes[left] += self.sizes[right]
        if self.conflicts is not None and len(left):
            count = len(self.sizes)
            target = np.arange(count)
            target[right] = left
            fold = csr_matrix((np.ones(count), (target, np.arange(count))), shape=(count, count))
            self.conflicts = csr_matrix(fold @ self.conflicts @ fold.T)
