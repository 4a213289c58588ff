"""What is told of a face: whose it is, who is near, and what speaks against them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from facecluster.pipeline.cluster import QualityGate


class Rule(StrEnum):
    """What keeps a face from a person."""

    FAR = "far"
    REJECTED = "rejected"
    TOLD_APART = "told apart"
    SAME_PHOTO = "same photo"
    BORN_LATER = "born later"
    OTHER_AGE = "other age"


@dataclass(frozen=True, slots=True)
class Near:
    """A person beside the face.

    ``distance`` is the mean squared L2 distance to the person's faces, ``within`` how many of these ``faces``
    are within the join distance; the face itself never counts, and ``distance`` is None when there is no other.
    ``against`` holds the rules that speak against the face being this person's, also where it ``owns`` the face
    all the same; ``rivals`` are the person's faces that two of the rules concern: those in the same photo, and
    those that the user told apart from the face. ``born`` is the person's birth date, ISO 8601.
    """

    person_id: int
    title: str
    faces: int
    within: int
    distance: float | None
    owns: bool
    against: tuple[Rule, ...]
    rivals: tuple[int, ...]
    born: str | None


@dataclass(frozen=True, slots=True)
class ConfirmedFace:
    """A face that the user confirmed, its squared L2 distance, and a path of its photo, if that is there."""

    face_id: int
    distance: float
    person_id: int
    title: str
    photo: Path | None


@dataclass(frozen=True, slots=True)
class Quality:
    """What is measured of a face, see ``records.Face``, and whether that ``may_form`` a person."""

    score: float
    width: float
    sharpness: float
    frontality: float
    may_form: bool


@dataclass(frozen=True, slots=True)
class Mapped:
    """A map that was drawn to ``file``.

    The face is compared with the others of the person called ``title``, at a mean squared ``distance``, which
    grows by ``strongest`` where most of the match is covered.
    """

    file: Path
    title: str
    distance: float
    strongest: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a face is where it is.

    ``person_id`` is None for nobody, then ``reason`` says why, as in the database; None when the face was not
    clustered yet. ``paths`` are those where the photo is now. ``distance`` is the mean squared distance to the
    person's other faces. ``people`` are the nearest, and whose the face is, by distance; ``confirmed_faces`` the
    nearest that are confirmed. Both are empty for a face that is not ``embedded``.
    """

    face_id: int
    person_id: int | None
    title: str | None
    confirmed: bool
    reason: str | None
    paths: list[Path]
    taken_at: datetime | None
    embedded: bool
    distance: float | None
    join_distance: float
    people: list[Near]
    confirmed_faces: list[ConfirmedFace]
    quality: Quality
    gate: QualityGate
    map: Mapped | None = None
