"""Pairs of faces that the user says are of one person: they go where one of them goes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from facecluster.people.conflicts import opponents
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


def bind(labels: Int64, ties: list[Int64], fixed: Bool, conflicts: csr_matrix, new: bool = False) -> Int64:
    """``labels`` (N,) with the faces of each of ``ties`` in one group.

    That is the group of the ``fixed`` (N,) ones among them, which stay, else that of most of them, of equals the
    smallest label; with ``new``, faces of nobody make a group of their own. Whoever was in a face's group and
    conflicts with it belongs to nobody then, unless fixed.
    """
    bound = labels.copy()
    for faces in ties:
        known = bound[faces][fixed[faces] & (bound[faces] != NOBODY)]
        known = known if len(known) else bound[faces][bound[faces] != NOBODY]
        if len(known):
            group = int(np.bincount(known).argmax())
        elif new:
            group = int(bound.max(initial=NOBODY)) + 1
        else:
            continue
        for face in faces[~fixed[faces]]:
            if bound[face] != group:
                rivals = opponents(conflicts, face)
                bound[rivals[(bound[rivals] == group) & ~fixed[rivals]]] = NOBODY
                bound[face] = group
    return bound
