"""What a library holds at one moment, as clustering needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
from numpy.typing import NDArray

from facecluster import people
from facecluster.records import Float32, Int64, Photo
from facecluster.store import Assignment, PersonRow, Store, StoredFace


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the library held at one moment. ``found`` and ``vectors`` (N, D) are the embedded faces, by id."""

    found: list[StoredFace]
    vectors: Float32
    not_embedded: list[int]
    photos: dict[int, Photo]
    people: dict[int, PersonRow]
    before: dict[int, Assignment]
    rejections: list[tuple[int, int]]
    links: list[tuple[int, int, bool]]
    next_id: int
    state: tuple[int, int]
    refused: dict[int, set[int]]

    @property
    def was(self) -> Int64:
        """The person (N,) of each embedded face before, -1 for nobody."""
        return np.array([owner_of(self.before.get(face.id)) for face in self.found], np.int64)

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """Whether each embedded face (N,) is confirmed to be where it was."""
        return np.array([face.id in self.before and self.before[face.id].confirmed for face in self.found], bool)

    @property
    def taken(self) -> list[datetime | None]:
        """When the photo of each embedded face was taken."""
        return [self.photos[face.photo_id].taken_at for face in self.found]

    def kept_from(self) -> dict[int, set[int]]:
        """The people that a face is not, by its id: by what the user said, or because they were not born yet."""
        found = {face: set(persons) for face, persons in self.refused.items()}
        births = {id_: date.fromisoformat(row.born) for id_, row in self.people.items() if row.born}
        for i, person in _unborn(self, births):
            found.setdefault(self.found[i].id, set()).add(person)
        return found

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """Whether each embedded face (N,) is confirmed, or of a person whom the user touched."""
        touched = [id_ for id_, row in self.people.items() if row.touched]
        return self.confirmed | np.isin(self.was, touched)


def read_library(store: Store, model: str) -> Known:
    """All that is needed, in one transaction: a scan beside it cannot drop a face between two of the reads.

    It ends before the grouping, which may take minutes, so that a scan need not wait through a dry run.
    """
    with store.transaction():
        face_ids, vectors = store.faces.vectors(model)
        embedded, faces = set(face_ids.tolist()), store.faces.all()
        return Known(
            [face for face in faces if face.id in embedded],
            vectors,
            [face.id for face in faces if face.id not in embedded],
            store.photos.all(),
            store.people.all(),
            store.people.assignments(),
            store.people.rejections(),
            store.links.all(),
            store.people.next_id(),
            store.journal.state(),
            store.people.refused(),
        )


def held_people(known: Known, kept: NDArray[np.bool_]) -> people.Held:
    """People as labels in the order of their ids, for the faces that are ``kept`` (N,); and whose no face is.

    A face from before its person's birth is not kept, unless it is confirmed.
    """
    label = {id_: i for i, id_ in enumerate(known.people)}
    index = {face.id: i for i, face in enumerate(known.found)}
    refused = [(index[face], label[id_]) for face, id_ in known.rejections if face in index]
    births = {label[id_]: date.fromisoformat(row.born) for id_, row in known.people.items() if row.born}
    unborn = _unborn(known, births)
    labels = np.array([label.get(id_, -1) for id_ in np.where(kept, known.was, -1).tolist()], np.int64)
    confirmed = known.confirmed
    for i, one in unborn:
        if labels[i] == one and not confirmed[i]:
            labels[i] = -1
    born = {one: year_of(datetime.combine(day, time())) for one, day in births.items()}
    return people.Held(labels, pairs_of(refused + unborn), born, known.fixed)


def _unborn(known: Known, births: dict[int, date]) -> list[tuple[int, int]]:
    """Pairs of a face and a person who was born only after the face's photo was taken."""
    taken = known.taken if births else []
    return [
        (i, one) for one, born in births.items() for i, when in enumerate(taken) if when and when.date() < born
    ]


def pairs_of(pairs: Iterable[tuple[int, int]]) -> Int64:
    """Pairs as (P, 2) int64."""
    return np.array(list(pairs), np.int64).reshape(-1, 2)


def year_of(when: datetime) -> float:
    """A time in years: 2015.5 is the middle of 2015."""
    return when.year + (when.timetuple().tm_yday - 1) / 365.25


def owner_of(assignment: Assignment | None) -> int:
    """The person's id, -1 for nobody."""
    return -1 if assignment is None or assignment.person_id is None else assignment.person_id
