"""What an evaluation gives: plain figures, to be printed, written as JSON, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from facecluster.errors import UnreadablePhotoError
from facecluster.evaluation import AtFar, Column, GroupScores, Identification, Verification

What = Literal["lfw", "videos", "folder", "library"]


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file that could not be read, and why."""

    path: Path
    reason: str

    @classmethod
    def all_of(cls, errors: Sequence[UnreadablePhotoError]) -> tuple[NotRead, ...]:
        """One for each error."""
        return tuple(cls(error.path, error.reason) for error in errors)


@dataclass(frozen=True, slots=True)
class PairsOfModel:
    """How well a model tells pairs apart; ``columns`` are the errors at ``verification.threshold`` by group."""

    model: str
    fingerprint: str
    verification: Verification
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class PairsFigures:
    """Of ``listed`` pairs those whose two photos (or videos) could be read; the others are ``left_out``.

    ``photos`` were looked at, ``centred`` of them without a face found, so that their centre counts. ``missing``
    are those that are not there.
    """

    what: What
    folder: Path
    listed: int
    left_out: int
    photos: int
    centred: int
    missing: tuple[str, ...]
    unreadable: tuple[NotRead, ...]
    models: tuple[PairsOfModel, ...]


@dataclass(frozen=True, slots=True)
class PeopleOfModel:
    """How right a model is about people.

    ``groups`` are those that a run of ``cluster`` finds with ``join_distance``. ``at_far`` is verification over
    all pairs of the people's faces, or many of them; ``columns`` are the errors at ``threshold`` by group, None
    where there are not two people, or no two faces of one.
    """

    model: str
    fingerprint: str
    join_distance: float
    groups: GroupScores
    identification: Identification | None
    at_far: tuple[AtFar, ...]
    threshold: float | None
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class PeopleFigures:
    """``faces`` of ``people`` who are known; ``others`` were grouped with them, but nobody knows who they are.

    In ``faceless`` photos no face was found: they take no part.
    """

    what: What
    folder: Path
    people: int
    faces: int
    others: int
    faceless: int
    unreadable: tuple[NotRead, ...]
    models: tuple[PeopleOfModel, ...]


Figures = PairsFigures | PeopleFigures


def plain(value: Any) -> Any:
    """A result as dictionaries, lists, texts and finite numbers; what is infinite or not a number is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return value if value is None or isinstance(value, int | str) else str(value)
