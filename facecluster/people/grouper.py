"""From vectors to people: form groups, merge them, keep photos apart, let the rest join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from facecluster.people.ages import Ages
from facecluster.people.conflicts import conflicts_of, one_per_photo
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
    compact,
    distance_to_mean,
    number_by_size,
    tightness,
)
from facecluster.people.joining import join
from facecluster.people.kmeans import kmeans_groups
from facecluster.people.linkage import average_linkage
from facecluster.people.settling import settle
from facecluster.people.ties import bind, tied
from facecluster.records import Float32, Int64

DISPUTED = 0.1
"""With more conflicting pairs per face a group holds several people: siblings, say, who are often together."""

TURNS = 1000
"""More rounds than any library needs; there to end what should end by itself."""

MOVES = 100
"""Rounds after which nobody moves to another person any more."""

LOOSE = 1.2
"""HDBSCAN's groups are not one person's when their faces are this many join distances apart on average."""


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
    growth = _Growth.of(vectors, constraints, options, held)
    labels = np.full(len(vectors), NOBODY, np.int64)
    if held is not None:
        labels, _ = growth.join_all(compact(held.labels))
    for _ in range(TURNS):
        formed = growth.form(constraints.may_form & (labels == NOBODY), labels)
        new = (formed != NOBODY) & (_number_faces(formed) >= options.min_size)
        labels[new] = formed[new] + labels.max(initial=NOBODY) + 1
        labels, taken = growth.join_all(number_by_size(labels))
        if not new.any() or options.algorithm == "kmeans":
            break  # so that clustering again changes nothing
    labels = number_by_size(labels)
    return Grouping(
        labels, distance_to_mean(vectors, labels), _reasons(labels, formed, constraints.may_form, taken)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Growth:
    """What stays the same while people form and grow."""

    vectors: Float32
    options: ClusterOptions
    conflicts: csr_matrix
    said: csr_matrix
    ties: list[Int64]
    fixed: Bool
    movable: Bool
    ages: Ages | None

    @classmethod
    def of(cls, vectors: Float32, constraints: Constraints, options: ClusterOptions, held: Held | None) -> Self:
        """Everything that is to be observed."""
        ties = tied(len(vectors), constraints.together)
        both = conflicts_of(vectors, constraints, held, ties, STRONG * options.join_distance)
        fixed = np.zeros(len(vectors), bool) if held is None else held.labels != NOBODY
        movable = np.ones(len(vectors), bool) if held is None or held.final is None else ~held.final
        movable[np.unique(constraints.together)] = False
        return cls(vectors, options, *both, ties, fixed, movable, _ages(constraints, held))

    def join_all(self, labels: Int64) -> tuple[Int64, Bool]:
        """``join`` until nobody joins any more, or moves: those who do move the means."""
        for turn in range(TURNS):
            bound = compact(bind(labels, self.ties, self.fixed, self.conflicts, self.said))
            joined, taken = join(self.vectors, bound, self.options.join_distance, self.conflicts, self.ages)
            if np.array_equal(joined, labels) and turn < MOVES:
                joined = self._settled(joined)
            if np.array_equal(joined, labels):
                break
            labels = joined
        return joined, taken

    def _settled(self, labels: Int64) -> Int64:
        """Nobody moves to somebody whose birth is known: there ages count."""
        born = [] if self.ages is None else [int(labels[anchor]) for anchor, _ in self.ages.births]
        return settle(self.vectors, labels, self.movable, self.conflicts, self.options, closed=born)

    def form(self, may_form: Bool, labels: Int64) -> Int64:
        """Groups of any size among the faces that may form one, -1 for others and for losers of a photo.

        ``labels`` (N,) are those of the people who are there already.
        """
        growing = bool((labels != NOBODY).any())
        formed = np.full(len(labels), NOBODY, np.int64)
        faces = np.flatnonzero(may_form)
        among = self.conflicts[faces][:, faces]
        by = _by_kmeans if self.options.algorithm == "kmeans" else _by_linkage if growing else _by_density
        formed[faces] = by(self.vectors[faces], among, self.options)
        free = [ties for ties in self.ties if (labels[ties] == NOBODY).all()]
        return bind(formed, free, self.fixed, self.conflicts, self.said, new=True)


def _ages(constraints: Constraints, held: Held | None) -> Ages | None:
    """The people whose birth is known, each by its first face; None where that is nobody."""
    if held is None or constraints.taken is None:
        return None
    first = [(np.flatnonzero(held.labels == label), year) for label, year in held.born.items()]
    births = tuple((int(faces[0]), year) for faces, year in first if len(faces))
    return Ages(constraints.taken, births) if births else None


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
    _form_again(vectors, labels, conflicts, options)
    _link(vectors, labels, labels != NOBODY, conflicts, options)
    labels = one_per_photo(vectors, labels, conflicts)
    labels, _ = join(vectors, number_by_size(labels), options.join_distance, conflicts)
    _link(vectors, labels, labels == NOBODY, conflicts, options)
    return one_per_photo(vectors, labels, conflicts)


def _form_again(vectors: Float32, labels: Int64, conflicts: csr_matrix, options: ClusterOptions) -> None:
    """Form anew, from single faces, groups that are hardly one person: there conflicts and distances count.

    These are groups with several people of one photo, and loose ones: HDBSCAN, shown a few pairs among hundreds of
    strangers, takes all the strangers for a group.
    """
    pairs = conflicts.tocoo()
    inside = (labels[pairs.row] != NOBODY) & (labels[pairs.row] == labels[pairs.col])
    sizes = np.bincount(labels[labels != NOBODY])
    count = np.bincount(labels[pairs.row[inside]], minlength=len(sizes)) / 2
    loose = tightness(vectors, labels) > LOOSE * options.join_distance
    again = np.isin(labels, np.flatnonzero(loose | (count > DISPUTED * sizes)))
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
