"""What one worker does with a handful of files: read, decode, find faces, cut chips, embed.

Workers are threads, each with one core of its own: decoding, hashing and the networks all run outside of
Python's lock, and a core that does everything for its photos never waits for another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from facecluster import faces, photos
from facecluster.errors import UnreadablePhotoError
from facecluster.pipeline.outcomes import Claims, Outcome, Seen
from facecluster.pipeline.stopwatch import Stopwatch
from facecluster.records import Box, Face, FileEntry, Float32, UInt8

SHARP_BOX = 80
"""A face whose box is narrower than this many decoded pixels is cut from a larger decoding, where it is wider."""

DETAIL = 2
"""How many times as large as it is searched a photo is decoded: most small faces can be cut from that, and to
decode twice takes longer."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be searched: ``shown`` are the ``opened`` photo's pixels, reduced by a whole ``factor``."""

    raw: photos.RawPhoto
    opened: photos.OpenPhoto
    factor: int
    shown: UInt8


Opened = tuple[Outcome, Picture | None]
"""A file's outcome so far, and its picture where there is one."""


class Detect(Protocol):
    """Pixels of photos, (H, W, 3) uint8 upright RGB, to the faces of each."""

    def __call__(self, photos: Sequence[UInt8], /) -> list[list[Face]]: ...  # noqa: D102


class Embed(Protocol):
    """Chips, landmarks in them and box sides to unit vectors; see ``embeddings.embed``."""

    def __call__(self, chips: UInt8, landmarks: Float32, boxes: Float32, /) -> Float32: ...  # noqa: D102


EmbedAll = Callable[[list[tuple[Face, UInt8]]], Float32 | list[Float32]]
"""Faces with their chips to embeddings."""


def read(
    entries: Iterable[FileEntry],
    claims: Claims,
    max_side: int,
    detect: Detect,
    embed: Embed,
    watch: Stopwatch | None = None,
    memory: photos.Memory | None = None,
) -> list[Outcome]:
    """The outcomes of some files, in order; see ``Outcome``. No file's trouble stops the others.

    Photos are decoded into ``memory``, whose blocks are this call's alone: all are taken for free.
    """
    watch, memory = watch or Stopwatch(), memory or photos.Memory()
    memory.give_back()
    detect, embed_all = watch.timed("detect", detect), watch.timed("embed", partial(_embed, embed=embed))
    opened = [_open(entry, claims, max_side, watch, memory) for entry in entries]
    search = partial(_search, detect=detect, embed=embed_all, watch=watch, memory=memory)
    try:
        return search(opened)
    except Exception:  # the networks may raise anything, from lack of memory on
        return [outcome for one in opened for outcome in _search_alone(one, search)]


def _open(entry: FileEntry, claims: Claims, max_side: int, watch: Stopwatch, memory: photos.Memory) -> Opened:
    sha256 = None
    try:
        with watch.time("read"):
            raw = photos.read_file(entry.path)
        sha256 = raw.sha256
        if not claims.claim(sha256):
            return Outcome(entry, sha256), None
        with watch.time("decode"):
            opened = photos.decode(raw, DETAIL * max_side, memory)
            factor = reduction(opened, max_side)
            shown = photos.reduced(opened.pixels, factor)  # at once, as long as a core has the pixels at hand
    except UnreadablePhotoError as error:
        cause = error.__cause__
        if sha256 is None and isinstance(cause, FileNotFoundError | NotADirectoryError):
            return Outcome(entry), None
        # Decoders, too, say OSError, but then of bytes that were read.
        again = isinstance(cause, MemoryError) or (sha256 is None and isinstance(cause, OSError))
        return Outcome(entry, sha256, reason=error.reason, again=again), None
    return Outcome(entry, sha256, photo=opened.photo), Picture(raw, opened, factor, shown)


def _search(
    opened: Sequence[Opened],
    detect: Detect,
    embed: EmbedAll,
    watch: Stopwatch,
    memory: photos.Memory,
) -> list[Outcome]:
    shown = [picture.shown for _, picture in opened if picture]
    found = iter(detect(shown) if shown else [])
    with watch.time("crop"):
        pairs = [_cut(picture, next(found), memory) if picture else [] for _, picture in opened]
        kept = [[(face, faces.encode(chip)) for face, chip in own] for own in pairs]
    vectors = iter(embed([pair for own in pairs for pair in own]))
    return [
        replace(outcome, seen=tuple(Seen(face, jpeg, next(vectors)) for face, jpeg in own))
        for (outcome, _), own in zip(opened, kept, strict=True)
    ]


def _cut(picture: Picture, found: list[Face], memory: photos.Memory) -> list[tuple[Face, UInt8]]:
    return cut_faces(picture.raw, picture.opened, _scaled(found, picture.factor), memory)


def reduction(opened: photos.OpenPhoto, max_side: int) -> int:
    """By how much an open photo is reduced before it is searched; see ``DetectOptions.max_side``."""
    height, width = map(int, opened.pixels.shape[:2])
    if opened.scale == 1 and height * width <= (2 * max_side) ** 2:
        return 1
    return max(1, max(height, width) // max_side)


def _search_alone(one: Opened, search: Callable[[list[Opened]], list[Outcome]]) -> list[Outcome]:
    """One photo after the search of several has failed: the others do not suffer for the one to blame."""
    try:
        return search([one])
    except Exception as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        return [replace(one[0], photo=None, reason=f"the search for faces failed ({said})", again=True)]


def cut_faces(
    raw: photos.RawPhoto, opened: photos.OpenPhoto, found: list[Face], memory: photos.Memory | None = None
) -> list[tuple[Face, UInt8]]:
    """Faces in full-size pixels with their chips, from a larger decoding where one of them is small.

    ``found`` are in pixels of the ``opened`` photo; the sharpness of the result is that of the chips. The larger
    decoding is in a block of ``memory``, which is given back.
    """
    full, pixels, scale = _scaled(found, 1 / opened.scale), opened.pixels, opened.scale
    memory = memory or photos.Memory()
    taken = memory.taken
    narrowest = min((face.box.width for face in found), default=SHARP_BOX)
    if scale < 1 and narrowest < SHARP_BOX:
        with suppress(UnreadablePhotoError):  # for want of memory, say: then the chips are coarser
            larger = photos.decode(raw, math.ceil(max(pixels.shape[:2]) * SHARP_BOX / narrowest), memory)
            pixels, scale = larger.pixels, larger.scale
    chips = [faces.cut(pixels, face.box.scaled(scale)) for face in full]
    memory.give_back(taken)
    return [(replace(face, sharpness=faces.sharpness(chip)), chip) for face, chip in zip(full, chips, strict=True)]


def _scaled(found: Iterable[Face], factor: float) -> list[Face]:
    return [
        replace(face, box=face.box.scaled(factor), landmarks=(face.landmarks * factor).astype(np.float32))
        for face in found
    ]


def _embed(pairs: list[tuple[Face, UInt8]], embed: Embed) -> Float32 | list[Float32]:
    if not pairs:
        return []
    return embed(
        np.stack([chip for _, chip in pairs]),
        np.stack([faces.landmarks_in_chip(face.landmarks, face.box) for face, _ in pairs]),
        sides([face.box for face, _ in pairs]),
    )


def sides(boxes: Iterable[Box]) -> Float32:
    """Width and height of boxes, (N, 2) float32."""
    return np.array([[box.width, box.height] for box in boxes], np.float32).reshape(-1, 2)
