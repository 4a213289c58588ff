"""Faces that are not one person's: of one photo, or because the user said so.

One photo, one face per person is a soft rule, for mirrors and collages show a person twice. The user's word is
not soft.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from facecluster.people.grouping import NOBODY, Constraints, Held, distance_to_mean
from facecluster.records import Float32, Int64

NO_PAIRS = np.zeros((0, 2), np.int64)


def same_photo(vectors: Float32, photo: Int64, strong: float) -> csr_matrix:
    """A 1 in (N, N), symmetric, for two faces of one photo that do not look like one person in one moment.

    ``vectors`` is (N, D) float32 unit rows, ``photo`` (N,) int64. Faces at a squared distance below ``strong``
    do not conflict.
    """
    n = len(photo)
    order = np.argsort(photo, kind="stable")
    pairs = []
    for step in range(1, n):
        left, right = order[:-step], order[step:]
        together = photo[left] == photo[right]
        if not together.any():
            break
        pairs.append(np.stack((left[together], right[together])))
    left, right = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), np.int64)
    apart = np.square(vectors[left] - vectors[right]).sum(axis=1) >= strong
    return _pairs(np.stack((left[apart], right[apart]), axis=1), n)


def barred(held: Held) -> csr_matrix:
    """A 1 in (N, N), symmetric, for a face and the first one of a person whose it must not become."""
    people, first = np.unique(held.labels, return_index=True)
    member = dict(zip(people.tolist(), first.tolist(), strict=True))
    pairs = [(face, member[person]) for face, person in held.refused.tolist() if person in member]
    others = np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)
    return _pairs(others, len(held.labels))


def conflicts_of(
    vectors: Float32, constraints: Constraints, held: Held | None, ties: list[Int64], strong: float
) -> tuple[csr_matrix, csr_matrix]:
    """A 1 in (N, N), symmetric, for two faces that should not be one person's: for any reason, and by the user.

    Faces of one of the ``ties`` do not conflict among themselves, and what the user keeps from one of them is kept
    from all.
    """
    n = len(vectors)
    said = _pairs(constraints.apart, n) + (barred(held) if held is not None else _pairs(NO_PAIRS, n))
    tie = csr_matrix((n, n), dtype=np.float32)
    if ties:
        member = np.concatenate([np.full(len(faces), i) for i, faces in enumerate(ties)])
        of = csr_matrix((np.ones(len(member), np.float32), (np.concatenate(ties), member)), shape=(n, len(ties)))
        tie = csr_matrix(of @ of.T)
        said = said + tie @ said + said @ tie
    return _but(same_photo(vectors, constraints.photo, strong) + said, tie), _but(said, tie)


def _but(pairs: csr_matrix, not_these: csr_matrix) -> csr_matrix:
    """Ones where there are ``pairs``, but not where there are the others."""
    found = csr_matrix(pairs > 0).astype(np.float32)
    found = csr_matrix(found - found.multiply(not_these > 0))
    found.eliminate_zeros()
    return found


def _pairs(pairs: Int64, n: int) -> csr_matrix:
    left, right = pairs.T
    both = np.concatenate((left, right)), np.concatenate((right, left))
    return csr_matrix((np.ones(2 * len(left), np.float32), both), shape=(n, n))


def one_per_photo(vectors: Float32, labels: Int64, conflicts: csr_matrix) -> Int64:
    """``labels`` (N,) without the faces that conflict with one nearer to the mean of their group: those get -1."""
    pairs = conflicts.tocoo()
    disputed = (labels[pairs.row] != NOBODY) & (labels[pairs.row] == labels[pairs.col])
    distance = distance_to_mean(vectors, labels)
    faces = np.unique(pairs.row[disputed])
    kept = labels.copy()
    kept[faces] = NOBODY
    for face in faces[np.argsort(distance[faces], kind="stable")]:
        if not (kept[opponents(conflicts, face)] == labels[face]).any():
            kept[face] = labels[face]
    return kept


def opponents(conflicts: csr_matrix, face: int) -> Int64:
    """The faces that conflict with ``face``."""
    return np.asarray(conflicts.indices[conflicts.indptr[face] : conflicts.indptr[face + 1]])
