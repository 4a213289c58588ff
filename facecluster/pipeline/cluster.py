"""Cluster: embeddings of the whole library to people, whose ids outlive every run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from facecluster import people
from facecluster.people.grouping import distance_to_mean
from facecluster.pipeline.known import Known, held_people, owner_of, pairs_of, read_library, year_of
from facecluster.records import Float32, Int64, Photo
from facecluster.store import Assignment, PersonRow, Store, StoredFace

NOT_EMBEDDED = "not embedded"
"""Why nobody: the model whose embeddings are used has none of this face."""


@dataclass(frozen=True, slots=True)
class QualityGate:
    """What a face needs in order to form a person; any other may only join one."""

    min_score: float = 0.95
    """Least probability that it is a face."""

    min_size: int = 32
    """Least width of its box in pixels of the photo."""

    min_sharpness: float = 15.0
    """Least variance of the Laplacian, see ``faces.sharpness``."""

    def passes(self, found: StoredFace) -> bool:
        """Whether the face may form a person."""
        face = found.face
        sharp = face.sharpness >= self.min_sharpness
        return sharp and face.score >= self.min_score and face.box.width >= self.min_size


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person in figures. ``tightness`` is the mean squared L2 distance between the person's faces.

    ``years`` are the first and the last year in which a photo was taken, None where no photo tells.
    """

    id: int
    title: str
    faces: int
    photos: int
    years: tuple[int, int] | None
    tightness: float


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """People, most faces first; how many faces belong to nobody, by reason; and what changed.

    ``moved`` faces belong to another person than before or to nobody any more, ``joined`` faces belonged to
    nobody; ``new`` and ``gone`` are people.
    """

    people: list[PersonSummary]
    faces: int
    nobody: dict[str, int]
    joined: int = 0
    moved: int = 0
    new: int = 0
    gone: int = 0


def cluster(
    store: Store,
    model: str,
    options: people.ClusterOptions,
    gate: QualityGate,
    dry_run: bool = False,
    anew: bool = False,
) -> ClusterResult:
    """Group the faces embedded by ``model`` (a fingerprint) into people and write that down, unless ``dry_run``.

    People grow: their faces stay, and others join them. With ``anew``, or by k-means, people whom the user never
    touched are formed again, and keep their ids while more than half of their faces stay together. Confirmed
    faces never move, and what was rejected does not come back.
    """
    while True:
        known = read_library(store, model)
        grouping = _group(known, options, gate, anew)
        owner, new = _owners(known, grouping.labels)
        after = _assignments(known, owner, grouping)
        if dry_run or _write(store, known, after, new):
            return _summarise(known, owner, after, new)


def _group(known: Known, options: people.ClusterOptions, gate: QualityGate, anew: bool) -> people.Grouping:
    kept = known.fixed if anew or options.algorithm == "kmeans" else np.ones(len(known.found), bool)
    return people.cluster(known.vectors, _constraints(known, gate), options, held_people(known, kept))


def _write(store: Store, known: Known, after: list[Assignment], new: list[int]) -> bool:
    """Write the assignments, unless the user changed people since they were read: then it has to be done again."""
    with store.transaction():
        if store.journal.state() != known.state:
            return False
        store.people.replace_auto(after, new)
    return True


def _constraints(known: Known, gate: QualityGate) -> people.Constraints:
    index = {face.id: i for i, face in enumerate(known.found)}
    links = [(index[one], index[other], same) for one, other, same in known.links if {one, other} <= index.keys()]
    return people.Constraints(
        photo=np.array([face.photo_id for face in known.found], np.int64),
        may_form=np.array([gate.passes(face) for face in known.found], bool),
        together=pairs_of((one, other) for one, other, same in links if same),
        apart=pairs_of((one, other) for one, other, same in links if not same),
        taken=np.array([year_of(when) if when else np.nan for when in known.taken], np.float64),
    )


def _owners(known: Known, labels: Int64) -> tuple[Int64, list[int]]:
    """The person id (N,) of each embedded face, -1 for nobody, and which of these are new people."""
    was, confirmed = known.was, known.confirmed
    persons = people.keep_ids(was, labels, known.fixed)
    free = labels[~confirmed & (labels >= 0)]  # a group without one needs no new person
    unnamed = [label for label in np.unique(free).tolist() if label not in persons]
    new = list(range(known.next_id, known.next_id + len(unnamed)))
    persons |= dict(zip(unnamed, new, strict=True))
    grouped = np.array([persons.get(label, -1) for label in labels.tolist()], np.int64)
    return np.where(confirmed, was, grouped), new


def _assignments(known: Known, owner: Int64, grouping: people.Grouping) -> list[Assignment]:
    """For the embedded faces, then for the others, which stay where they are if they are confirmed there."""
    distance = distance_to_mean(known.vectors, _labels(owner)).tolist()
    after = []
    for face, person, far, reason in zip(
        known.found, owner.tolist(), distance, grouping.reason.tolist(), strict=True
    ):
        old = known.before.get(face.id)
        if old and old.confirmed:
            after.append(replace(old, distance=far if person >= 0 else None))
        elif person < 0:
            after.append(Assignment(face.id, None, reason=reason))
        else:
            after.append(Assignment(face.id, person, far))
    for face_id in known.not_embedded:
        old = known.before.get(face_id)
        after.append(old if old and old.confirmed else Assignment(face_id, None, reason=NOT_EMBEDDED))
    return after


def _summarise(known: Known, owner: Int64, after: list[Assignment], new: list[int]) -> ClusterResult:
    now = np.array([owner_of(a) for a in after], np.int64)
    was = np.array([owner_of(known.before.get(a.face_id)) for a in after], np.int64)
    return ClusterResult(
        people=summaries(known.people, known.photos, known.found, known.vectors, owner),
        faces=len(after),
        nobody=dict(Counter(a.reason or "" for a in after if a.person_id is None)),
        joined=int(((was < 0) & (now >= 0)).sum()),
        moved=int(((was >= 0) & (now != was)).sum()),
        new=len(new),
        gone=len(set(was.tolist()) - set(now.tolist()) - {-1}),
    )


def _labels(owner: Int64) -> Int64:
    """Person ids (N,) as labels 0.. by rising id; -1 stays."""
    ids, labels = np.unique(owner, return_inverse=True)
    return np.where(owner >= 0, labels - int((ids < 0).any()), -1)


def summaries(
    rows: dict[int, PersonRow], photos: dict[int, Photo], found: list[StoredFace], vectors: Float32, owner: Int64
) -> list[PersonSummary]:
    """A summary of every person that owns a face; ``owner`` (N,) is a person id, or -1, for each of ``found``."""
    members: dict[int, list[int]] = {id_: [] for id_ in np.unique(owner).tolist() if id_ >= 0}
    for i, id_ in enumerate(owner.tolist()):
        if id_ >= 0:
            members[id_].append(i)
    spread = people.tightness(vectors, _labels(owner)).tolist()
    figures = []
    for (id_, indices), mean in zip(sorted(members.items()), spread, strict=True):
        of = {found[i].photo_id for i in indices}
        years = [when.year for photo in of if (when := photos[photo].taken_at)]
        title = rows.get(id_, PersonRow(id_, None)).title
        span = (min(years), max(years)) if years else None
        figures.append(PersonSummary(id_, title, len(indices), len(of), span, mean))
    return sorted(figures, key=lambda person: (-person.faces, person.id))


TIGHTER = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of the join distance at which a person's faces are tried to be taken apart."""


def apart(store: Store, model: str, face_ids: list[int], options: people.ClusterOptions) -> list[list[int]]:
    """Some faces in the groups into which they fall first as the join distance shrinks, the largest first.

    Faces that ``model`` has not embedded are in the largest group; it is the only one when nothing falls apart.
    """
    known, vectors = store.faces.vectors(model)
    chosen = np.isin(known, face_ids)
    faces, vectors = known[chosen], vectors[chosen]
    for share in TIGHTER:
        labels = people.average_linkage(vectors, np.arange(len(faces)), share * options.join_distance)
        if labels.max(initial=0) > 0:
            groups = [faces[labels == label].tolist() for label in range(labels.max() + 1)]
            groups.sort(key=len, reverse=True)
            groups[0] = sorted(set(face_ids) - {face for group in groups[1:] for face in group})
            return groups
    return [face_ids]
