"""The faces that a training learns from: their chips as JPEG, and whose they are.

A photo per face, or the confirmed faces of a library; both come as chips, which hold enough for every network's
crop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np

from facecluster import faces
from facecluster.errors import UsageError
from facecluster.pipeline.portraits import Chips, in_parallel
from facecluster.pipeline.readers import sides
from facecluster.records import CHIP_SIZE, Float32, Int64, UInt8
from facecluster.store import Store
from facecluster.training.identities import UNLABELLED, Labelled

BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFaces:
    """N faces: ``jpegs`` are their chips (224 × 224 RGB), ``landmarks`` (N, 5, 2) float32 in chip pixels,
    ``sides`` (N, 2) float32 the width and height of their boxes in the photo, ``extents`` (N, 4) float32 where the
    photo lies in the chip (see ``faces.extent``): beyond that is no photo, but its edge repeated.

    ``identity`` is (N,) int64, an index into ``people``, -1 where nobody knows; ``group`` (N,) int64 is the set
    that a face is from, an index into ``sets``: two people of one set are two, those of two sets may be one.
    """

    jpegs: tuple[bytes, ...]
    landmarks: Float32
    sides: Float32
    extents: Float32
    identity: Int64
    group: Int64
    people: tuple[str, ...]
    sets: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.jpegs)

    def chips(self, rows: Sequence[int] | Int64) -> UInt8:
        """The chips of some faces: (M, 224, 224, 3) uint8 RGB."""
        decoded = [faces.decode(self.jpegs[row]) for row in rows]
        return np.stack(decoded) if decoded else np.zeros((0, CHIP_SIZE, CHIP_SIZE, 3), np.uint8)

    def among(self, sets: Sequence[str]) -> Int64:
        """The rows of some sets' faces; of all where none is named. Raises ``UsageError`` for no such set."""
        for name in sets:
            if name not in self.sets:
                raise UsageError(f"There is no set called {name} among the faces, but {', '.join(self.sets)}.")
        wanted = [self.sets.index(name) for name in sets or self.sets]
        return np.flatnonzero(np.isin(self.group, wanted))

    def only(self, rows: Int64) -> Self:
        """These faces alone; the numbers of people and sets stay."""
        return replace(
            self,
            jpegs=tuple(self.jpegs[row] for row in rows),
            landmarks=self.landmarks[rows],
            sides=self.sides[rows],
            extents=self.extents[rows],
            identity=self.identity[rows],
            group=self.group[rows],
        )


def of_photos(
    labelled: Labelled,
    cut: Callable[[Sequence[Path]], Chips],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[TrainingFaces, list[str]]:
    """The faces of photos that show one person each, and a sentence for each photo that gives none.

    ``cut`` finds the faces of some files. A photo that cannot be read, or shows no face, is left out. Raises
    ``UsageError`` when none is left.
    """
    row = {file: i for i, file in enumerate(labelled.files)}
    parts: list[_Cut] = []
    batches = [labelled.files[start : start + BATCH] for start in range(0, len(row), BATCH)]
    with closing(in_parallel(lambda files: _cut(files, cut), batches)) as results:
        for done, part in enumerate(results, 1):
            parts.append(part)
            on_progress(min(done * BATCH, len(row)), len(row))
    rows = np.array([row[file] for part in parts for file in part.files], np.int64)
    if not len(rows):
        raise UsageError("No face was found in any of the photos to learn from.")
    found = TrainingFaces(
        tuple(jpeg for part in parts for jpeg in part.jpegs),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.sides for part in parts]),
        np.concatenate([part.extents for part in parts]),
        labelled.identity[rows],
        labelled.group[rows],
        labelled.people,
        labelled.sets,
    )
    return found, [sentence for part in parts for sentence in part.trouble]


def of_library(store: Store) -> TrainingFaces:
    """The library's faces; those that the user confirmed have an identity, all others none."""
    confirmed = {each.face_id: each.person_id for each in store.people.assignments().values() if each.confirmed}
    rows = store.people.all()
    numbers = {person: i for i, person in enumerate(sorted({p for p in confirmed.values() if p is not None}))}
    stored = store.faces.all()
    if not stored:
        raise UsageError("The library is empty: run `facecluster scan FOLDER` first, or give photos with --data.")
    sizes = {id_: (photo.width, photo.height) for id_, photo in store.photos.all().items()}
    points = [faces.landmarks_in_chip(each.face.landmarks, each.face.box) for each in stored]
    owners = [confirmed.get(each.id) for each in stored]
    return TrainingFaces(
        tuple(jpeg for _, jpeg in store.faces.chips([each.id for each in stored])),
        np.stack(points),
        sides([each.face.box for each in stored]),
        np.stack([faces.extent(each.face.box, *sizes[each.photo_id]) for each in stored]),
        np.array([UNLABELLED if owner is None else numbers[owner] for owner in owners], np.int64),
        np.zeros(len(stored), np.int64),
        tuple(rows[person].title for person in numbers),
        ("library",),
    )


class _Cut(NamedTuple):
    """The faces of some files, and what is to be said of the others."""

    files: list[Path]
    jpegs: list[bytes]
    landmarks: Float32
    sides: Float32
    extents: Float32
    trouble: list[str]


def _cut(files: Sequence[Path], cut: Callable[[Sequence[Path]], Chips]) -> _Cut:
    seen = cut(files)
    good = np.flatnonzero(seen.found)
    trouble = [str(error) for error in seen.unreadable]
    trouble += [
        f"{file}: no face was found" for file, found in zip(seen.files, seen.found, strict=True) if not found
    ]
    kept, jpegs = [seen.files[i] for i in good], [faces.encode(chip) for chip in seen.chips[good]]
    return _Cut(kept, jpegs, seen.landmarks[good], seen.sides[good], seen.extents[good], trouble)


def save(given: TrainingFaces, file: Path) -> None:
    """Keep faces in a NumPy archive, whole or not at all; readable by its owner alone."""
    part = file.with_name(f".{file.name}.part")
    with part.open("wb") as opened:
        part.chmod(0o600)
        np.savez(
            opened,
            jpegs=np.frombuffer(b"".join(given.jpegs), np.uint8),
            ends=np.cumsum([len(jpeg) for jpeg in given.jpegs]),
            landmarks=given.landmarks,
            sides=given.sides,
            extents=given.extents,
            identity=given.identity,
            group=given.group,
            people=np.array(given.people, np.str_),
            sets=np.array(given.sets, np.str_),
        )
    part.replace(file)


def load(file: Path) -> TrainingFaces:
    """The faces that ``save`` kept. Raises ``UsageError`` when the file is damaged."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
            data, ends = kept["jpegs"].tobytes(), kept["ends"].tolist()
            jpegs = tuple(data[start:end] for start, end in zip([0, *ends], ends, strict=False))
            return TrainingFaces(
                jpegs=jpegs,
                landmarks=kept["landmarks"],
                sides=kept["sides"],
                extents=kept["extents"],
                identity=kept["identity"],
                group=kept["group"],
                people=tuple(kept["people"].tolist()),
                sets=tuple(kept["sets"].tolist()),
            )
    except KeyError as error:
        raise UsageError(f"{file} was made by another version of facecluster: begin the training anew.") from error
    except (OSError, ValueError, LookupError, BadZipFile, EOFError) as error:
        raise UsageError(f"{file} is damaged: begin the training anew.") from error
