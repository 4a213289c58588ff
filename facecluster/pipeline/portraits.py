"""Photos of one person each, as test sets have them: the face nearest to the centre, or the centre itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from facecluster import faces, photos
from facecluster.errors import UnreadablePhotoError
from facecluster.machine import cores
from facecluster.pipeline.readers import Detect, Embed, cut_faces, sides
from facecluster.records import CHIP_SIZE, Box, Face, Float32, UInt8

Item = TypeVar("Item")
Result = TypeVar("Result")

CENTRE_SHARE = 0.45
"""Height of the centre crop's box, as a share of the photo: about what a face covers in LFW's photos."""

LANDMARKS = ((0.31, 0.39), (0.69, 0.39), (0.5, 0.6), (0.34, 0.78), (0.66, 0.78))
"""Where an average upright face has its five landmarks, as shares of its box."""

CHUNK = 16
"""Files that a worker takes at a time."""

MAX_WORKERS = 8
"""Each holds ``CHUNK`` decoded photos."""


@dataclass(frozen=True, slots=True)
class Portrayer:
    """What finds faces, and what embeds them, by the name of the model; photos are searched at ``max_side``."""

    detect: Detect
    embedders: Mapping[str, Embed]
    max_side: int = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Chips:
    """The faces of the N ``files`` that could be read, as ``embeddings.embed`` takes them.

    ``chips`` is (N, 224, 224, 3) uint8 RGB, ``landmarks`` (N, 5, 2) float32 in chip pixels, ``sides`` (N, 2)
    float32, ``extents`` (N, 4) float32 where each photo lies in its chip (see ``faces.extent``), ``found`` (N,)
    bool: a face was found, it is not the centre of the photo. ``faces`` are in pixels of the upright photos;
    ``unreadable`` says why the other files could not be read.
    """

    files: tuple[Path, ...]
    faces: tuple[Face, ...]
    chips: UInt8
    landmarks: Float32
    sides: Float32
    extents: Float32
    found: NDArray[np.bool_]
    unreadable: tuple[UnreadablePhotoError, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Portraits:
    """``vectors`` holds (N, dimension) float32, unit length, by model; the rest is as in ``Chips``."""

    files: tuple[Path, ...]
    faces: tuple[Face, ...]
    vectors: dict[str, Float32]
    found: NDArray[np.bool_]
    unreadable: tuple[UnreadablePhotoError, ...] = ()


def portrait_chips(files: Sequence[Path], detect: Detect, max_side: int = 1000) -> Chips:
    """The face of each file; one that cannot be read is left out and told of.

    Where no face is found, it is the middle of the photo, as FaceNet does (section 5.6).
    """
    opened, unreadable = _open(files, max_side)
    seen = _search([picture.pixels for _, picture in opened], detect)
    kept: list[_Kept] = []
    for (raw, picture), found in zip(opened, seen, strict=True):
        if isinstance(found, Exception):
            unreadable.append(UnreadablePhotoError(raw.path, _said(found)))
            continue
        ((face, chip),) = cut_faces(raw, picture, [central(picture.pixels.shape, found)])
        photo = picture.photo
        kept.append(
            _Kept(raw.path, face, chip, faces.extent(face.box, photo.width, photo.height), found=bool(found))
        )
    return _chips(kept, unreadable)


def portray(
    files: Sequence[Path],
    portrayer: Portrayer,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    workers: int | None = None,
) -> Portraits:
    """The embeddings of the face of each file, by all models; see ``portrait_chips``.

    ``on_progress`` is called with the files done and all that there are; ``workers`` are threads.
    """
    chunks = [tuple(files[i : i + CHUNK]) for i in range(0, len(files), CHUNK)]
    parts = [embed_portraits([], portrayer)]
    on_progress(0, len(files))
    with closing(in_parallel(lambda some: embed_portraits(some, portrayer), chunks, workers)) as results:
        for done, part in enumerate(results, 1):
            parts.append(part)
            on_progress(min(done * CHUNK, len(files)), len(files))
    return joined(parts)


def embed_portraits(files: Sequence[Path], portrayer: Portrayer) -> Portraits:
    """What ``portray`` does, on one thread, for as many files as fit into memory."""
    seen = portrait_chips(files, portrayer.detect, portrayer.max_side)
    vectors = {name: embed(seen.chips, seen.landmarks, seen.sides) for name, embed in portrayer.embedders.items()}
    return Portraits(seen.files, seen.faces, vectors, seen.found, seen.unreadable)


def joined(parts: Sequence[Portraits]) -> Portraits:
    """The portraits of all ``parts``, of which there is at least one, as one."""
    return Portraits(
        files=tuple(file for part in parts for file in part.files),
        faces=tuple(face for part in parts for face in part.faces),
        vectors={name: np.concatenate([part.vectors[name] for part in parts]) for name in parts[0].vectors},
        found=np.concatenate([part.found for part in parts]),
        unreadable=tuple(error for part in parts for error in part.unreadable),
    )


def in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Generator[Result]:
    """The results of the ``work`` on all items, in order, by threads; closing it cancels what is not begun."""
    pool = ThreadPoolExecutor(workers or min(MAX_WORKERS, cores()))
    try:
        for future in [pool.submit(work, item) for item in items]:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def central(shape: tuple[int, ...], found: Sequence[Face]) -> Face:
    """The face whose middle is nearest to that of a photo of ``shape`` (height, width, …), in city blocks.

    None found: a box in the middle, with the landmarks of an average face and a score of 0.
    """
    height, width = shape[:2]

    def off_centre(face: Face) -> float:
        """How far a face is from the middle."""
        box = face.box
        return abs((box.x0 + box.x1 - width) / 2) + abs((box.y0 + box.y1 - height) / 2)

    return min(found, key=off_centre) if found else _middle(width, height)


def _middle(width: float, height: float) -> Face:
    wide, high = 0.8 * CENTRE_SHARE * width, CENTRE_SHARE * height
    x0, y0 = (width - wide) / 2, (height - high) / 2
    landmarks = (np.array(LANDMARKS) * [wide, high] + [x0, y0]).astype(np.float32)
    return Face(Box(x0, y0, x0 + wide, y0 + high), landmarks, score=0.0, frontality=1.0)


def _open(
    files: Sequence[Path], max_side: int
) -> tuple[list[tuple[photos.RawPhoto, photos.OpenPhoto]], list[UnreadablePhotoError]]:
    opened, unreadable = [], []
    for file in files:
        try:
            raw = photos.read_file(file)
            opened.append((raw, photos.decode(raw, max_side)))
        except UnreadablePhotoError as error:
            unreadable.append(error)
    return opened, unreadable


def _search(images: Sequence[UInt8], detect: Detect) -> list[list[Face] | Exception]:
    """The faces of each photo, or why the search failed: no photo's trouble stops the others."""
    try:
        return list(detect(images)) if images else []
    except Exception as error:  # the networks may raise anything, from lack of memory on
        return [error] if len(images) == 1 else [each for image in images for each in _search([image], detect)]


def _said(error: Exception) -> str:
    return f"the search for faces failed ({str(error).partition(chr(10))[0] or type(error).__name__})"


class _Kept(NamedTuple):
    """What is kept of a file."""

    path: Path
    face: Face
    chip: UInt8
    extent: Float32
    found: bool


def _chips(kept: Sequence[_Kept], unreadable: Sequence[UnreadablePhotoError]) -> Chips:
    points = [faces.landmarks_in_chip(each.face.landmarks, each.face.box) for each in kept]
    chips = [each.chip for each in kept]
    return Chips(
        files=tuple(each.path for each in kept),
        faces=tuple(each.face for each in kept),
        chips=np.stack(chips) if chips else np.zeros((0, CHIP_SIZE, CHIP_SIZE, 3), np.uint8),
        landmarks=np.array(points, np.float32).reshape(-1, 5, 2),
        sides=sides([each.face.box for each in kept]),
        extents=np.array([each.extent for each in kept], np.float32).reshape(-1, 4),
        found=np.array([each.found for each in kept], bool),
        unreadable=tuple(unreadable),
    )
