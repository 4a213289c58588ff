"""Suggest: the questions to the user whose answers set the most faces right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from facecluster.errors import UsageError
from facecluster.people import Gallery
from facecluster.people.grouping import NOBODY
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.edits import Edit
from facecluster.pipeline.known import owner_of, read_library
from facecluster.pipeline.people import People
from facecluster.records import Float32, Int64
from facecluster.store import PersonRow, Store

LIKELY, UNLIKELY = 0.8, 1.2
"""Shares of the join distance: up to the first two groups are one person, from the second on they are not."""

DOUBTFUL = 0.9
"""Faces of a named person that are further than this share of the join distance are asked about."""

NAMED = 2.0
"""A question about somebody with a name counts so much more: the user knows who that is."""

SAMPLES = 3
"""Faces that are shown of a person."""

ROWS = 4096

HIDDEN = -2
"""The owner of a hidden person's face."""


class Kind(StrEnum):
    """What is asked: are two people one, is a face of nobody somebody's, is a face rightly where it is."""

    MERGE = "merge"
    JOIN = "join"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is answered with yes or no.

    ``other`` is the second person of a merge, ``face`` the face of any other question. ``faces`` depend on the
    answer, ``distance`` is the mean squared L2 distance. ``left`` and ``right`` are the numbers of faces to look
    at, of the person and of whom it is asked.
    """

    kind: Kind
    text: str
    person: int
    other: int | None
    face: int | None
    faces: int
    distance: float
    left: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells it from other questions."""
        return self.kind, self.person, self.other or self.face or 0


class Questions:
    """The questions that a library leaves open, for embeddings of one model; see ``ask``."""

    def __init__(self, store: Store, model: str, join_distance: float) -> None:
        self._join_distance = join_distance
        known = read_library(store, model)
        self._rows = {id_: row for id_, row in known.people.items() if not row.hidden}
        self._faces, self._vectors = np.array([found.id for found in known.found], np.int64), known.vectors
        self._confirmed, self._refused = known.confirmed, known.kept_from()
        self._owner = np.where(np.isin(known.was, [NOBODY, *self._rows]), known.was, HIDDEN)
        self._gallery = Gallery.of(self._vectors, self._owner)
        gate = QualityGate()
        self._good = np.array([gate.passes(found) for found in known.found], bool)
        self._photo = {found.id: found.photo_id for found in known.found}
        self._photos: dict[int, set[int]] = defaultdict(set)  # of each person
        for found, person in zip(known.found, known.was.tolist(), strict=True):
            self._photos[person].add(found.photo_id)
        self._apart = {
            frozenset((owner_of(known.before.get(face)), person))
            for face, persons in self._refused.items()
            for person in persons
        }

    def ask(self, limit: int, skip: Collection[tuple[str, int, int]] = ()) -> list[Question]:
        """The ``limit`` questions that are worth most: by the faces that depend on them and how open they are.

        Those whose ``key`` is in ``skip`` are left out.
        """
        found = [*self._merges(), *self._joins(), *self._doubts()]
        worth = {key: value * self._weight(key[1]) for value, key, _ in found if key not in skip}
        make = {key: (key, far) for _, key, far in found}
        best = sorted(worth, key=lambda key: (-worth[key], key))[:limit]
        return [self._question(*make[key]) for key in best]

    def _weight(self, person: int) -> float:
        return NAMED if self._rows[person].name else 1.0

    def _merges(self) -> Iterator[tuple[float, tuple[str, int, int], float]]:
        """Pairs of people who may be one: neither in one photo, nor told apart or split, nor both named."""
        ids, means = self._gallery.ids, self._gallery.means
        counts = dict(zip(*(part.tolist() for part in np.unique(self._owner, return_counts=True)), strict=True))
        for start in range(0, len(ids), ROWS):
            apart = 2 - 2 * means[start : start + ROWS] @ means.T
            rows, columns = np.nonzero(apart < UNLIKELY * self._join_distance)
            for i, k in zip((rows + start).tolist(), columns.tolist(), strict=True):
                if i < k and self._may_be_one(int(ids[i]), int(ids[k])):
                    person, other = self._first(int(ids[i]), int(ids[k]), counts)
                    far = float(apart[i - start, k])
                    yield self._likely(far) * counts[other], (Kind.MERGE, person, other), far

    def _may_be_one(self, one: int, other: int) -> bool:
        named = self._rows[one].name and self._rows[other].name
        together = self._photos[one] & self._photos[other]
        return not named and not together and frozenset((one, other)) not in self._apart

    def _first(self, one: int, other: int, counts: dict[int, int]) -> tuple[int, int]:
        """The named person first, else the one with more faces."""
        order = sorted((one, other), key=lambda id_: (self._rows[id_].name is None, -counts[id_], id_))
        return order[0], order[1]

    def _joins(self) -> Iterator[tuple[float, tuple[str, int, int], float]]:
        """Faces of nobody that are good enough to be known, and the person each is nearest to."""
        free = np.flatnonzero((self._owner == NOBODY) & self._good)
        for i, person, far in self._nearest(free):
            face = int(self._faces[i])
            shared = self._photo[face] in self._photos[person]
            if far < UNLIKELY * self._join_distance and not shared and person not in self._refused.get(face, ()):
                yield self._likely(far), (Kind.JOIN, person, face), far

    def _nearest(self, rows: Int64) -> Iterator[tuple[int, int, float]]:
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            ids, far = self._gallery.nearest(self._vectors[part], 1)
            if ids.shape[1]:
                yield from zip(part.tolist(), ids[:, 0].tolist(), far[:, 0].tolist(), strict=True)

    def _doubts(self) -> Iterator[tuple[float, tuple[str, int, int], float]]:
        """Faces at the edge of a person who has a name."""
        named = [id_ for id_, row in self._rows.items() if row.name]
        mine = np.flatnonzero(np.isin(self._owner, named) & ~self._confirmed)
        means = self._gallery.means[np.searchsorted(self._gallery.ids, self._owner[mine])]
        apart = 2 - 2 * np.einsum("nd,nd->n", self._vectors[mine], means)
        for i, far in zip(mine.tolist(), apart.tolist(), strict=True):
            if far >= DOUBTFUL * self._join_distance:
                yield 1 - self._likely(far), (Kind.CONFIRM, int(self._owner[i]), int(self._faces[i])), far

    def _likely(self, far: float) -> float:
        """How likely faces at a distance are one person's, roughly: from 1 to 0 between two shares of the join."""
        share = far / self._join_distance
        return min(1.0, max(0.0, (UNLIKELY - share) / (UNLIKELY - LIKELY)))

    def _question(self, key: tuple[str, int, int], far: float) -> Question:
        kind, person, second = key
        own = np.flatnonzero(self._owner == person)
        if kind == Kind.MERGE:
            others = np.flatnonzero(self._owner == second)
            left, right = self._samples(own, others), self._samples(others, own)
            text = f"Is {self._rows[second].title} {self._name(person)}?"
            return Question(Kind.MERGE, text, person, second, None, len(others), far, left, right)
        left = self._samples(own[self._faces[own] != second], np.flatnonzero(self._faces == second))
        text = f"Is this {self._name(person)}?"
        return Question(Kind(kind), text, person, None, second, 1, far, left, (second,))

    def _name(self, person: int) -> str:
        row: PersonRow = self._rows[person]
        return row.title

    def _samples(self, rows: Int64, near: Int64) -> tuple[int, ...]:
        """The faces of ``rows`` nearest to the mean of those of ``near``."""
        mean: Float32 = self._vectors[near].mean(axis=0)
        order = np.argsort(-(self._vectors[rows] @ mean), kind="stable")[:SAMPLES]
        return tuple(self._faces[rows[order]].tolist())


def answer(people: People, question: Question, yes: bool) -> Edit:
    """Do what the answer to a question means; it is in the journal, and final as any correction.

    Raises ``UsageError`` when the people or faces are not what they were when it was asked.
    """
    _still_open(people, question)
    person = str(question.person)
    if question.kind is Kind.MERGE:
        if yes:
            return people.merge([person, str(question.other)])
        return people.different(question.left[0], question.right[0])
    faces = [face for face in (question.face,) if face is not None]
    if not yes:
        return people.reject(faces, person)
    return people.confirm(person, faces) if question.kind is Kind.CONFIRM else people.move(faces, person)


def _still_open(people: People, question: Question) -> None:
    """Nobody has answered the question otherwise: the faces are still whose they were, and not confirmed."""
    faces = {Kind.MERGE: question.left[:1] + question.right[:1], Kind.JOIN: (question.face,)}
    asked = [face for face in faces.get(question.kind, (question.face,)) if face is not None]
    now = people.whose(asked)
    owners = {Kind.MERGE: [question.person, question.other], Kind.JOIN: [None], Kind.CONFIRM: [question.person]}
    if [now.get(face, -1) for face in asked] != owners[question.kind]:
        raise UsageError(
            f"A question about person {question.person} is out of date: ask `facecluster suggest` again."
        )
    if question.kind is Kind.MERGE and all(people.named(id_) for id_ in (question.person, question.other or 0)):
        raise UsageError(
            f"Persons {question.person} and {question.other} both have names by now: merge them by hand."
        )
