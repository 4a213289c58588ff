"""Find: who is in a photo (recognition, 1:N), and which photos show certain people together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from facecluster.errors import ModelMismatchError, UsageError
from facecluster.nets.far import FarCurve, far_curve
from facecluster.nets.weights import fingerprint
from facecluster.people.recognition import Gallery
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.naming import find_person
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.records import Box, Float32
from facecluster.store import Store

SURE, LIKELY = 0.01, 0.25
"""Of so many strangers one may be taken for somebody: at most a hundredth for a yes, a quarter for a maybe."""

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


class Finder:
    """Recognises the people of a library in photos. People are those at the time it was made.

    ``look`` finds and embeds the faces of a photo; see ``networks.looker``. A photo that the library holds is not
    searched again. Raises ``UsageError`` when there are no people yet.
    """

    def __init__(self, store: Store, model: str, join_distance: float, look: Callable[[Path, Claims], Outcome]):
        self._store, self._look, self._join_distance = store, look, join_distance
        self._mark, self._curve = fingerprint(model), far_curve(model, "person")
        known = store.faces.model()
        if known and known[0] != self._mark:
            raise ModelMismatchError(
                f"The library's embeddings were made by another version of {model}: run "
                f"`facecluster migrate --model {model}` (no photo is opened)."
            )
        self._rows, owners = store.people.all(), store.people.assigned()
        ids, vectors = store.faces.vectors(self._mark)
        owner = np.array([owners.get(face, -1) for face in ids.tolist()], np.int64)
        self._gallery = Gallery.of(vectors, owner)
        if not len(self._gallery.ids):
            raise UsageError("Nobody is known yet: run `facecluster cluster` first.")

    def __call__(self, path: Path) -> FoundPhoto:
        """Who is in the photo at ``path``."""
        outcome = self._look(path, Claims(self._store.photos.contents()))
        photo_id = self._store.photos.find(outcome.sha256) if outcome.sha256 else None
        if photo_id is not None:
            found = self._stored(photo_id)
        elif outcome.photo is None:
            return FoundPhoto(path, reason=outcome.reason or "the file is not there")
        else:
            found = [self._recognise(seen.face.box, seen.vector) for seen in outcome.seen]
        return FoundPhoto(path, tuple(sorted(found, key=lambda face: face.box.x0 + face.box.x1)))

    def _stored(self, photo_id: int) -> list[FoundFace]:
        """Faces of a photo that the library holds; those whose person is known there are that person's."""
        found = []
        for face in self._store.faces.of_photo(photo_id, self._mark):
            seen = self._recognise(face.box, face.vector) if face.vector is not None else None
            if face.person_id is not None:
                how, title = "confirmed" if face.confirmed else "cluster", self._rows[face.person_id].title
                found.append(FoundFace(face.box, Verdict.YES, title, how, seen.people if seen else ()))
            else:
                found.append(seen or FoundFace(face.box, Verdict.NOBODY, None, "distance", ()))
        return found

    def _recognise(self, box: Box, vector: Float32) -> FoundFace:
        ids, distances = self._gallery.nearest(vector[None], NEAREST)
        near = [
            NearPerson(id_, self._rows[id_].title, round(far, 4), self._false_matches(far))
            for id_, far in zip(ids[0].tolist(), distances[0].tolist(), strict=True)
        ]
        said = verdict(near[0].distance, len(self._gallery.ids), self._curve, self._join_distance)
        person = None if said is Verdict.NOBODY else near[0].title
        return FoundFace(box, said, person, "distance", tuple(near))

    def _false_matches(self, distance: float) -> float | None:
        return self._curve.rate(distance) * len(self._gallery.ids) if self._curve else None


def verdict(distance: float, people: int, curve: FarCurve | None, join_distance: float) -> Verdict:
    """Whether a face is that of the nearest of ``people``, at a mean squared distance to that person's faces.

    By how many of the people a stranger would be taken for at that distance, and within the join distance.
    """
    strangers = curve.rate(distance) * people if curve else SURE
    if distance <= join_distance and strangers <= SURE:
        return Verdict.YES
    return Verdict.MAYBE if distance <= join_distance or strangers <= LIKELY else Verdict.NOBODY


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
