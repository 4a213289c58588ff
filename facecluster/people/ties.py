"""Pairs of faces that the user says are of one person: they go where one of them goes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from facecluster.people.grouping import NOBODY, Bool
from facecluster.records import Int64


def tied(count: int, together: Int64) -> list[Int64]:
    """The sets of faces that pairs ``together`` (M, 2) of ``count`` faces make one, each rising."""
    if not len(together):
        return []
    graph = csr_matrix((np.ones(len(together)), (together[:, 0], together[:, 1])), shape=(count, count))
    component = connected_components(graph, directed=False)[1]
    faces = np.unique(together)
    return [faces[component[faces] == one] for one in np.unique(component[faces])]


def bind(
    labels: Int64, ties: list[Int64], fixed: Bool, conflicts: csr_matrix, said: csr_matrix, new: bool = False
) -> Int64:
    """``labels`` (N,) with the faces of each of ``ties`` in one group, but for ``fixed`` (N,) ones, which stay.

    That is the group of the fixed ones among them, else that of most of them, of equals the smallest label; with
    ``new``, faces of nobody make a group of their own. Whoever was in that group and conflicts with a face that
    comes belongs to nobody then, unless fixed; but where a fixed face is kept from them by what the user ``said``,
    (N, N) as ``conflicts``, they do not come. Groups that lose all their faces leave a gap in the labels.
    """
    bound = labels.copy()
    for faces in ties:
        group = _group_of(bound, faces, fixed)
        if group == NOBODY and new:
            group = int(bound.max(initial=NOBODY)) + 1
        coming = np.array([face for face in faces[~fixed[faces]].tolist() if bound[face] != group], np.int64)
        there = np.setdiff1d(np.flatnonzero(bound == group), faces)
        rivals = there[np.diff(conflicts[coming][:, there].tocsc().indptr) > 0]
        if group == NOBODY or said[coming][:, rivals[fixed[rivals]]].nnz:
            continue
        bound[rivals[~fixed[rivals]]] = NOBODY
        bound[coming] = group
    return bound


def _group_of(labels: Int64, faces: Int64, fixed: Bool) -> int:
    known = labels[faces][fixed[faces] & (labels[faces] != NOBODY)]
    known = known if len(known) else labels[faces][labels[faces] != NOBODY]
    return int(np.bincount(known).argmax()) if len(known) else NOBODY
