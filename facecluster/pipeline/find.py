"""Find: who is in a photo (recognition, 1:N), and which photos show certain people together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np

from facecluster.errors import ModelMismatchError, UsageError
from facecluster.nets.far import FarCurve, far_curve
from facecluster.nets.weights import fingerprint
from facecluster.people.recognition import Gallery
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.naming import find_person
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.records import Box, Float32, Int64
from facecluster.store import OwnedFace, Store

SURE, LIKELY = 0.01, 0.25
"""Of so many strangers one may be taken for somebody: at most a hundredth for a yes, a quarter for a maybe."""

FAR_OFF = 1.2
"""Beyond so many join distances nobody is known, however seldom strangers come as near."""

FACES, COMPARISONS = 2000, 1000
"""Faces of the library that are compared with other people, and the least comparisons that tell something."""

NEAREST = 3
"""People that are named for a face."""


class Verdict(StrEnum):
    """Whether a face is that of the nearest person."""

    YES = "yes"
    MAYBE = "maybe"
    NOBODY = "nobody known"


@dataclass(frozen=True, slots=True)
class NearPerson:
    """A person near a face; ``distance`` is the mean squared L2 distance to the person's faces.

    ``false_matches`` is how many people of a library of this size a stranger would be as near to as this, on
    average; None for a model of which it was not measured.
    """

    id: int
    title: str
    distance: float
    false_matches: float | None


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in a photo and who it is; ``people`` are the nearest, nearest first.

    ``person`` is None for nobody known. ``how`` says where the verdict comes from: ``confirmed`` by the user,
    ``cluster`` for a face of the library, ``distance`` for any other.
    """

    box: Box
    verdict: Verdict
    person: str | None
    how: str
    people: tuple[NearPerson, ...]


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo's faces from left to right; or the ``reason`` why it cannot be read."""

    path: Path
    faces: tuple[FoundFace, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Strangers:
    """For how many of ``people`` a stranger is taken at a distance, on average: by the worst of the ``curves``."""

    people: int
    curves: tuple[FarCurve, ...]

    @classmethod
    def of(cls, model: str, gallery: Gallery, vectors: Float32, owner: Int64) -> Self:
        """Of a library, whose faces (N, D) belong to ``owner`` (N,).

        The model's curve was measured on other people. Where the library has ``COMPARISONS`` of a face with
        somebody else, the curve is also moved to where these lie, by their tenth and hundredth: so far from zero
        nobody is taken for somebody else, and nearer there are too few to tell.
        """
        curve = far_curve(model, "person")
        known = gallery.strangers(vectors, owner, FACES)
        if curve is None or len(known) < COMPARISONS:
            return cls(len(gallery.ids), (curve,) if curve else ())
        tenth, hundredth = np.quantile(known, [0.1, 0.01]).tolist()
        return cls(len(gallery.ids), (curve, curve.adapted(tenth, hundredth)))

    def matches(self, distance: float) -> float | None:
        """How many people a stranger would be taken for; None for a model that was not measured."""
        return self.people * max(curve.rate(distance) for curve in self.curves) if self.curves else None


def verdict(distance: float, strangers: float | None, join_distance: float) -> Verdict:
    """Whether a face is the nearest person's, at a mean squared distance to that person's faces.

    ``strangers`` is for how many people a stranger would be taken at that distance; None where nobody knows, and
    then the join distance alone decides.
    """
    often = SURE if strangers is None else strangers
    if distance <= join_distance and often <= SURE:
        return Verdict.YES
    return Verdict.MAYBE if often <= LIKELY and distance <= FAR_OFF * join_distance else Verdict.NOBODY


class _New(Claims):
    """Contents that the library does not hold, however often they are asked for."""

    def __init__(self, store: Store) -> None:
        super().__init__(set())
        self._photos = store.photos

    def claim(self, sha256: str) -> bool:
        """Whether the library does not hold the content."""
        return self._photos.find(sha256) is None


class Finder:
    """Recognises the people of a library in photos. People are those at the time it was made.

    ``look`` finds and embeds the faces of a photo; see ``networks.looker``. A photo that the library holds is not
    searched again. Raises ``UsageError`` when there are no people yet.
    """

    def __init__(self, store: Store, model: str, join_distance: float, look: Callable[[Path, Claims], Outcome]):
        self._store, self._look, self._join_distance = store, look, join_distance
        self._mark, self._claims = fingerprint(model), _New(store)
        known = store.faces.model()
        if known and known[0] != self._mark:
            raise ModelMismatchError(
                f"The library's embeddings were made by another version of {model}: run "
                f"`facecluster migrate --model {model}` (no photo is opened)."
            )
        with store.transaction():  # a correction beside it changes nothing between two reads
            self._rows, self._owners = store.people.all(), store.people.assigned()
            ids, vectors = store.faces.vectors(self._mark)
            self._refused = store.people.refused()
        owner = np.array([self._owners.get(face, -1) for face in ids.tolist()], np.int64)
        self._gallery = Gallery.of(vectors, owner)
        if not len(self._gallery.ids):
            raise UsageError("Nobody is known yet: run `facecluster cluster` first.")
        self._strangers = Strangers.of(model, self._gallery, vectors, owner)
        self._born = {id_: date.fromisoformat(row.born) for id_, row in self._rows.items() if row.born}

    def __call__(self, path: Path) -> FoundPhoto:
        """Who is in the photo at ``path``."""
        outcome = self._look(path, self._claims)
        photo_id = self._store.photos.find(outcome.sha256) if outcome.sha256 else None
        if photo_id is not None:
            found = self._stored(photo_id)
        elif outcome.photo is None:
            return FoundPhoto(path, reason=outcome.reason or "the file is not there")
        else:
            unborn = self._unborn(outcome.photo.taken_at)
            found = [self._recognise(seen.face.box, seen.vector, unborn) for seen in outcome.seen]
        return FoundPhoto(path, tuple(sorted(found, key=lambda face: face.box.x0 + face.box.x1)))

    def _stored(self, photo_id: int) -> list[FoundFace]:
        """Faces of a photo that the library holds; those whose person is known there are that person's."""
        faces = self._store.faces.of_photo(photo_id, self._mark)
        others = self._unborn(self._store.photos.taken_at(photo_id))
        others |= {self._owners[face.id] for face in faces if face.id in self._owners}
        return [self._known(face, others) for face in faces]

    def _known(self, face: OwnedFace, others: set[int]) -> FoundFace:
        person = self._owners.get(face.id)
        seen = FoundFace(face.box, Verdict.NOBODY, None, "distance", ())
        if face.vector is not None:
            refused = set() if person is not None else others | self._refused.get(face.id, set())
            seen = self._recognise(face.box, face.vector, refused)
        if person is None:
            return seen
        how = "confirmed" if face.confirmed else "cluster"
        return FoundFace(face.box, Verdict.YES, self._rows[person].title, how, seen.people)

    def _recognise(self, box: Box, vector: Float32, refused: set[int]) -> FoundFace:
        ids, distances = self._gallery.nearest(vector[None], NEAREST + len(refused))
        near = [
            NearPerson(id_, self._rows[id_].title, round(far, 4), self._strangers.matches(far))
            for id_, far in zip(ids[0].tolist(), distances[0].tolist(), strict=True)
            if id_ not in refused
        ][:NEAREST]
        if not near:
            return FoundFace(box, Verdict.NOBODY, None, "distance", ())
        said = verdict(near[0].distance, near[0].false_matches, self._join_distance)
        person = None if said is Verdict.NOBODY else near[0].title
        return FoundFace(box, said, person, "distance", tuple(near))

    def _unborn(self, taken_at: datetime | None) -> set[int]:
        """People who were born after a photo was taken."""
        return {id_ for id_, day in self._born.items() if taken_at and taken_at.date() < day}


def together(store: Store, persons: Sequence[str], *, only: bool = False) -> tuple[list[Path], int]:
    """The photos that show all of ``persons`` (numbers or names), in the order they were taken, undated ones last.

    With ``only``, nobody else may be on them: no other person's face, and no face of nobody that is good enough
    to be looked at (``QualityGate``). The number is how many more there are whose files are missing.
    """
    rows, gate = store.people.all(), QualityGate()
    wanted = {find_person(person, rows) for person in persons}
    good = {face.id for face in store.faces.all() if gate.passes(face)} if only else set()
    shown = []
    for photo, faces in store.people.by_photo().items():
        there = {person for _, person in faces}
        strange = only and any(p not in wanted if p is not None else face in good for face, p in faces)
        if wanted <= there and not strange:
            shown.append(photo)
    photos, paths = store.photos.all(), store.photos.paths()
    dated = sorted(
        (photos[id_].taken_at is None, photos[id_].taken_at, paths[id_]) for id_ in shown if id_ in paths
    )
    return [path for _, _, path in dated], len(shown) - len(dated)
