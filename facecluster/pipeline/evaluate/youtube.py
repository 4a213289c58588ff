"""YouTube Faces (Wolf et al. 2011): folders of frames, the list of pairs, and what a video's embedding is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facecluster import photos
from facecluster.errors import UnreadablePhotoError, UsageError
from facecluster.pipeline.evaluate.pairs import PairList, read_lines, table_of
from facecluster.pipeline.portraits import CHUNK, Portrayer, embed_portraits, joined
from facecluster.records import Float32

FRAMES = 100
"""Detected frames of a video that count; FaceNet, section 5.7."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A video: by model, the mean (D,) of the embeddings of its ``frames``, which is not of unit length.

    ``found`` says whether a face was found in any frame; else it is the centres of the first frames. No
    ``frames``: none could be read, and ``unreadable`` says why.
    """

    means: dict[str, Float32]
    frames: int
    found: bool
    unreadable: tuple[UnreadablePhotoError, ...]


def read_pairs(file: Path) -> PairList:
    """The pairs of ``file``; names are paths within the data set's folder, such as ``A_B/3``.

    Each line has, with commas between, the fold, the two names, a similarity (not used), 1 or 0 for one person or
    two, and whatever else; lines that do not begin with a number are headings. Raises ``UsageError`` when ``file``
    cannot be read so.
    """
    rows = [(n, cells) for n, cells in table_of(read_lines(file), ",") if cells[0].isdecimal()]
    if not rows:
        raise UsageError(f"{file} is no list of YouTube Faces' pairs: its lines begin with the number of a fold.")
    return PairList.of(_pair(file, number, cells) for number, cells in rows)


def frames_of(folder: Path) -> list[Path]:
    """The frames in a video's folder, by the numbers in their names; none where there is no folder."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if photos.looks_like_photo(path)), key=_natural)


def watch(frames: Sequence[Path], portrayer: Portrayer, most: int = FRAMES) -> Watched:
    """The embedding of a video by its first ``most`` frames in which a face is found; later ones are not read."""
    parts, found = [embed_portraits([], portrayer)], 0
    for start in range(0, len(frames), CHUNK):
        parts.append(embed_portraits(frames[start : start + CHUNK], portrayer))
        found += int(parts[-1].found.sum())
        if found >= most:
            break
    seen = joined(parts)
    rows = (np.flatnonzero(seen.found) if found else np.arange(len(seen.files)))[:most]
    means = {name: vectors[rows].mean(axis=0) for name, vectors in seen.vectors.items() if len(rows)}
    return Watched(means, len(rows), bool(found), seen.unreadable)


def _pair(file: Path, number: int, cells: list[str]) -> tuple[str, str, bool, int]:
    if len(cells) < 5 or cells[4] not in ("0", "1") or not (cells[1] and cells[2]):
        raise UsageError(f"{file}, line {number}: a pair is a fold, two names, a similarity, and 1 or 0.")
    return cells[1].strip("/"), cells[2].strip("/"), cells[4] == "1", int(cells[0])


def _natural(path: Path) -> list[tuple[int, str]]:
    """Frame 10 comes after frame 9."""
    return [(int(digits or 0), text) for digits, text in re.findall(r"(\d*)(\D*)", path.name)]
