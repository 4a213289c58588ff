"""Libraries to measure with, cut from real photos: as many files as are asked for, no two alike.

A cut-out is a random part of a photo around one of its faces (as YuNet finds them), drawn so that it holds as few
others as can be, and one or none. The face is a third to a seventh of it, or more where the photo has no room.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
from PIL import Image, ImageOps
from rich.progress import track
from rivals import OpenCv

from facecluster import photos
from facecluster.records import Box

Shape = tuple[int, int]

SMALL = 500
"""Pixels of the longer side of a small photo."""

LARGE = (4000, 3000)
TRIES = 20


@dataclass(frozen=True)
class Cut:
    """Shapes of cut-outs, least pixels of their longer side, and the most faces that one may touch."""

    shapes: Sequence[Shape]
    least: int
    crowd: int


SMALL_CUT = Cut(((4, 3), (3, 4), (3, 2), (2, 3), (1, 1)), least=400, crowd=2)
LARGE_CUT = Cut(((4, 3),), least=600, crowd=1)


@dataclass(frozen=True)
class Sitter:
    """A face of a photo, the photo's width and height, and all of its faces."""

    file: Path
    room: Shape
    face: Box
    all: list[Box]

    def touched(self, part: Box) -> int:
        """How many of them a part of the photo touches."""
        return sum(part.overlap(face) > 0 for face in self.all)


def chosen(folder: Path, every: int = 1) -> list[Path]:
    """Every n-th photo below a folder."""
    return [e.path for e in photos.walk([folder]) if photos.looks_like_photo(e.path)][::every]


def make_small(faces: Sequence[Sitter], folder: Path, count: int) -> list[Path]:
    """Cut-outs of 500 pixels, JPEG quality 90; of 400 pixels or more in their photo, so hardly enlarged."""
    drawn = cut_outs(faces, SMALL_CUT, random.Random(0))
    made = (ImageOps.contain(image, (SMALL, SMALL)) for image in islice(drawn, count))
    return _saved(made, folder, count, "making small photos")


def make_large(faces: Sequence[Sitter], folder: Path, count: int) -> list[Path]:
    """Mosaics of four cut-outs, 4,000 × 3,000 pixels, JPEG quality 90."""
    drawn = cut_outs(faces, LARGE_CUT, random.Random(0))
    made = (mosaic(list(islice(drawn, 4))) for _ in range(count))
    return _saved(made, folder, count, "making 12-megapixel photos")


def mosaic(parts: Sequence[Image.Image]) -> Image.Image:
    """Four pictures in one of 4,000 × 3,000 pixels, each as large as its quarter allows."""
    whole, (width, height) = Image.new("RGB", LARGE, "grey"), (LARGE[0] // 2, LARGE[1] // 2)
    for place, part in enumerate(parts):
        whole.paste(ImageOps.contain(part, (width, height)), (width * (place % 2), height * (place // 2)))
    return whole


def _saved(made: Iterator[Image.Image], folder: Path, count: int, what: str) -> list[Path]:
    folder.mkdir(parents=True)
    files = []
    for i, image in enumerate(track(made, description=what, total=count)):
        files.append(folder / f"{i:05d}.jpg")
        image.save(files[-1], quality=90)
    return files


def find_faces(files: Sequence[Path], finder: OpenCv) -> list[Sitter]:
    found: list[Sitter] = []
    for file in track(files, description="looking for faces to cut out"):
        pixels = photos.open_photo(file).pixels
        faces = finder.find(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        boxes = [Box(x, y, x + width, y + height) for x, y, width, height in faces[:, :4].tolist()]
        found += [Sitter(file, (pixels.shape[1], pixels.shape[0]), box, boxes) for box in boxes]
    return found


def cut_outs(faces: Sequence[Sitter], cut: Cut, rng: random.Random) -> Iterator[Image.Image]:
    """Different cut-outs, around each face in turn, as ``cut`` wants them, as long as there are any."""
    drawn: set[str] = set()
    while True:
        before = len(drawn)
        for sitter in rng.sample(faces, len(faces)):
            part = quietest(sitter, cut, rng)
            if part:
                image = Image.fromarray(photos.open_photo(sitter.file).pixels).crop(part)
                mark = hashlib.sha256(image.tobytes()).hexdigest()
                if mark not in drawn:  # a photo may be too small for another one
                    drawn.add(mark)
                    yield image
        if len(drawn) == before:
            raise SystemExit(f"There are no more photos here with a face and a side of {cut.least} pixels.")


def quietest(sitter: Sitter, cut: Cut, rng: random.Random) -> tuple[int, int, int, int] | None:
    """Of some random parts around a face, the one with the fewest others, as x0, y0, x1, y1; or no one will do."""
    parts = [draw(sitter.face, sitter.room, cut, rng) for _ in range(TRIES)]
    best = min((part for part in parts if part), key=sitter.touched, default=None)
    if best is None or sitter.touched(best) > cut.crowd:
        return None
    return round(best.x0), round(best.y0), round(best.x1), round(best.y1)


def draw(face: Box, room: Shape, cut: Cut, rng: random.Random) -> Box | None:
    """A random part of a photo of size ``room`` that holds ``face``; None where there is no such part."""
    shape = rng.choice(cut.shapes)
    side = max(cut.least, max(face.width, face.height) * rng.uniform(3, 7))
    scale = min(side / max(shape), room[0] / shape[0], room[1] / shape[1])
    width, height = shape[0] * scale, shape[1] * scale
    left, right = max(0.0, face.x1 - width), min(face.x0, room[0] - width)
    upper, lower = max(0.0, face.y1 - height), min(face.y0, room[1] - height)
    if left > right or upper > lower or max(width, height) < cut.least:
        return None
    x, y = rng.uniform(left, right), rng.uniform(upper, lower)
    return Box(x, y, x + width, y + height)
