"""From vectors to people: form groups, merge them, keep photos apart, let the rest join."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from facecluster.people.conflicts import barred, one_per_photo, same_photo
from facecluster.people.density import density_groups
from facecluster.people.grouping import (
    NOBODY,
    STRONG,
    Bool,
    ClusterOptions,
    Constraints,
    Grouping,
    Held,
    Reason,
    distance_to_mean,
    number_by_size,
)
from facecluster.people.joining import join
from facecluster.people.kmeans import kmeans_groups
from facecluster.people.linkage import average_linkage
from facecluster.records import Float32, Int64

DISPUTED = 0.1
"""With more conflicting pairs per face a group holds several people: siblings, say, who are often together."""


def cluster(
    vectors: Float32, constraints: Constraints, options: ClusterOptions, held: Held | None = None
) -> Grouping:
    """Group faces into people; the same input gives the same groups.

    ``vectors`` is (N, D) float32 with rows of unit length. Faces that may form a person do so by HDBSCAN and
    average linkage, or by k-means; groups below ``min_size`` dissolve; then every face that is left joins the
    nearest person within ``join_distance``. Of one photo a person has one face, unless two are nearly equal.

    People that are ``held`` keep their faces and grow: faces of nobody join them first, and only what is left
    forms groups, by average linkage alone: HDBSCAN, shown only faces that are like no other, finds groups among
    them. Such a group is never within ``join_distance`` of a person, or one of its faces would have been. Raises
    UsageError when k-means is asked for more people than there are faces to form them.
    """
    conflicts = same_photo(vectors, constraints.photo, STRONG * options.join_distance)
    labels = np.full(len(vectors), NOBODY, np.int64)
    if held is not None:
        conflicts = csr_matrix(conflicts + barred(held))
        labels, _ = _join_all(vectors, _compact(held.labels), options, conflicts)
    while True:
        formed = _form(vectors, constraints.may_form & (labels == NOBODY), conflicts, options, labels)
        new = (formed != NOBODY) & (_number_faces(formed) >= options.min_size)
        labels[new] = formed[new] + labels.max(initial=NOBODY) + 1
        labels, taken = _join_all(vectors, number_by_size(labels), options, conflicts)
        if not new.any() or options.algorithm == "kmeans":
            break  # so that clustering again changes nothing
    labels = number_by_size(labels)
    return Grouping(
        labels, distance_to_mean(vectors, labels), _reasons(labels, formed, constraints.may_form, taken)
    )


def _join_all(
    vectors: Float32, labels: Int64, options: ClusterOptions, conflicts: csr_matrix
) -> tuple[Int64, Bool]:
    """``join`` until nobody joins any more: those who join move the means."""
    while True:
        joined, taken = join(vectors, labels, options.join_distance, conflicts)
        if np.array_equal(joined, labels):
            return joined, taken
        labels = joined


def _compact(labels: Int64) -> Int64:
    """People without a face have no label: 0.. for those with one, in the same order."""
    ids, compact = np.unique(labels, return_inverse=True)
    return (compact - int((ids == NOBODY).any())).astype(np.int64)


def _form(
    vectors: Float32, may_form: Bool, conflicts: csr_matrix, options: ClusterOptions, labels: Int64
) -> Int64:
    """Groups of any size among the faces that may form one, -1 for others and for losers of a photo.

    ``labels`` (N,) are those of the people who are there already.
    """
    growing = bool((labels != NOBODY).any())
    formed = np.full(len(vectors), NOBODY, np.int64)
    faces = np.flatnonzero(may_form)
    among = conflicts[faces][:, faces]
    by = _by_kmeans if options.algorithm == "kmeans" else _by_linkage if growing else _by_density
    formed[faces] = by(vectors[faces], among, options)
    return formed


def _by_kmeans(vectors: Float32, conflicts: csr_matrix, options: ClusterOptions) -> Int64:
    labels = kmeans_groups(vectors, options.k, options.seed)
    return one_per_photo(vectors, labels, conflicts)


def _by_linkage(vectors: Float32, conflicts: csr_matrix, options: ClusterOptions) -> Int64:
    labels = np.full(len(vectors), NOBODY, np.int64)
    _link(vectors, labels, labels == NOBODY, conflicts, options)
    return one_per_photo(vectors, labels, conflicts)


def _by_density(vectors: Float32, conflicts: csr_matrix, options: ClusterOptions) -> Int64:
    """HDBSCAN's groups, merged, and with the faces it calls noise; what joins none is linked from single faces.

    HDBSCAN finds nothing in a library of one person, and little in a small one.
    """
    labels = density_groups(vectors, options.min_size, options.min_samples)
    _split_disputed(vectors, labels, conflicts, options)
    _link(vectors, labels, labels != NOBODY, conflicts, options)
    labels = one_per_photo(vectors, labels, conflicts)
    labels, _ = join(vectors, number_by_size(labels), options.join_distance, conflicts)
    _link(vectors, labels, labels == NOBODY, conflicts, options)
    return one_per_photo(vectors, labels, conflicts)


def _split_disputed(vectors: Float32, labels: Int64, conflicts: csr_matrix, options: ClusterOptions) -> None:
    """Form the groups that hold several people of one photo anew from single faces, where conflicts count."""
    pairs = conflicts.tocoo()
    inside = (labels[pairs.row] != NOBODY) & (labels[pairs.row] == labels[pairs.col])
    sizes = np.bincount(labels[labels != NOBODY])
    count = np.bincount(labels[pairs.row[inside]], minlength=len(sizes)) / 2
    again = np.isin(labels, np.flatnonzero(count > DISPUTED * sizes))
    labels[again] = NOBODY
    _link(vectors, labels, again, conflicts, options)


def _link(vectors: Float32, labels: Int64, chosen: Bool, conflicts: csr_matrix, options: ClusterOptions) -> None:
    """Replace ``labels`` of the ``chosen`` faces by those of average linkage, which starts from them."""
    faces = np.flatnonzero(chosen)
    start = np.where(labels[faces] == NOBODY, labels.max(initial=0) + 1 + np.arange(len(faces)), labels[faces])
    linked = average_linkage(vectors[faces], start, options.join_distance, conflicts[faces][:, faces])
    labels[faces] = linked + labels[~chosen].max(initial=NOBODY) + 1


def _number_faces(labels: Int64) -> Int64:
    """How many faces (N,) the group of each face has; 0 for nobody."""
    kept = labels != NOBODY
    sizes = np.zeros(len(labels), np.int64)
    _, inverse, counts = np.unique(labels[kept], return_inverse=True, return_counts=True)
    sizes[kept] = counts[inverse]
    return sizes


def _reasons(labels: Int64, formed: Int64, may_form: Bool, taken: Bool) -> NDArray[np.str_]:
    """Why nobody, (N,): only faces that may form, and lost no place to another of their photo, formed a group."""
    sizes = _number_faces(formed)
    reason = np.where(sizes == 1, Reason.ALONE, Reason.TOO_FEW).astype("U10")
    reason[taken | (may_form & (sizes == 0))] = Reason.SAME_PHOTO
    reason[~may_form & ~taken] = Reason.QUALITY
    reason[labels != NOBODY] = ""
    return reason
