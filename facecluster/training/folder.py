"""Labelled faces on disk: a folder per person, or a table beside the files."""

from __future__ import annotations

import csv
import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facecluster.errors import UsageError
from facecluster.photos.kinds import looks_like_photo
from facecluster.photos.walk import OnError, walk
from facecluster.training.identities import UNLABELLED, Labelled, check_enough

LABELS = "labels.csv"
COLUMNS = ("path", "set", "person")


class _Row(NamedTuple):
    """A file, and the set and person it is of; the person is empty for a face without a label."""

    path: Path
    set: str
    person: str


def read_folder(folder: Path, unlabelled: Path | None = None, on_error: OnError | None = None) -> Labelled:
    """The faces in ``folder``, and those without a label in ``unlabelled``, each part sorted by path.

    With a ``labels.csv`` in the folder, the faces are its rows: a ``path`` below the folder, a ``set``, and a
    ``person``, empty where unknown; other columns are ignored. Without, every folder in it is a person, with all
    photos below; photos directly in it have no label, and there is one set, "". People of equal name in two sets
    are two identities. Photos are told by their suffix and are not opened here. A file in both places counts as
    labelled. A folder that cannot be read, or a row without a file, goes to ``on_error`` with the reason and is
    left out.

    Raises UsageError for a folder that is not there, a table that cannot be read, or too little to learn from
    (see `identities.check_enough`).
    """
    root = Path(os.path.normpath(folder.absolute()))
    tell = on_error or (lambda path, reason: None)
    if root.exists() and not root.is_dir():
        raise UsageError(f"{folder} is a file: give the folder that holds a folder per person.")
    rows = _from_table(root, tell) if (root / LABELS).is_file() else _from_folders(root, tell)
    known = {row.path for row in rows}
    others = [_Row(path, "", "") for path in _photos(unlabelled, tell) if path not in known] if unlabelled else []
    labelled = _labelled([*rows, *others])
    check_enough(labelled.identity, labelled.group)
    return labelled


def _photos(folder: Path, tell: OnError) -> list[Path]:
    return [entry.path for entry in walk([folder], tell) if looks_like_photo(entry.path)]


def _from_folders(root: Path, tell: OnError) -> list[_Row]:
    paths = _photos(root, tell)
    return [_Row(path, "", parts[0] if len(parts := path.relative_to(root).parts) > 1 else "") for path in paths]


def _from_table(root: Path, tell: OnError) -> list[_Row]:
    table = root / LABELS
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = _checked(csv.DictReader(lines, strict=True), root)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table} cannot be read as a table: {error}.") from error
    if len({row.path for row in rows}) < len(rows):
        twice = next(one.path for one, other in pairwise(rows) if one.path == other.path)
        raise UsageError(f"{table} names {twice} twice: leave one row for each file.")
    for row in rows:
        if not row.path.is_file():
            tell(row.path, f"named in {LABELS}, but there is no such file")
    return [row for row in rows if row.path.is_file()]


def _checked(reader: csv.DictReader[str], root: Path) -> list[_Row]:
    """The rows of a table, sorted by path."""
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise UsageError(
            f"{root / LABELS} has no column {missing[0]}: its first line must name path, set, person."
        )
    rows = []
    for row in reader:
        path, group, person = ((row[name] or "").strip() for name in COLUMNS)
        if not path:
            raise UsageError(f"{root / LABELS}, line {reader.line_num}: there is no path.")
        rows.append(_Row(Path(os.path.normpath(root / path)), group, person))
    return sorted(rows)


def _labelled(rows: list[_Row]) -> Labelled:
    sets = {name: number for number, name in enumerate(sorted({row.set for row in rows}))}
    names = sorted({(row.set, row.person) for row in rows if row.person})
    people = {name: number for number, name in enumerate(names)}
    return Labelled(
        files=tuple(row.path for row in rows),
        identity=np.array([people.get((row.set, row.person), UNLABELLED) for row in rows], np.int64),
        group=np.array([sets[row.set] for row in rows], np.int64),
        people=tuple(person for _, person in names),
        sets=tuple(sets),
    )
