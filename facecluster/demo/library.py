"""A small photo library of people who do not exist, drawn from a seed, with labels.

`draw_library` writes what a family's folder of photos looks like: trips, portraits, groups, turned photos,
a copy and a damaged file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from facecluster.demo import scenes
from facecluster.demo.cast import people_of
from facecluster.demo.head import Array, Expression, Looks
from facecluster.demo.render import Light, View, draw, project, rotation, turned
from facecluster.demo.wardrobe import body, head
from facecluster.errors import UsageError
from facecluster.records import Box, UInt8

LABELS = ".labels.json"

_GROUP_SHARE = 0.3
_NECK = (0.0, -0.9, -0.2)
_TRIPS = (
    ("2021 Sea", "beach", datetime(2021, 7, 18, 10, 5)),
    ("2022 Mountains", "mountains", datetime(2022, 8, 6, 9, 40)),
    ("2023 City", "street", datetime(2023, 4, 29, 11, 20)),
    ("2024 Park", "park", datetime(2024, 5, 12, 14, 0)),
    ("2024 Home", "room", datetime(2024, 12, 25, 16, 30)),
)
_PARTY = ("2025 Party", "evening", datetime(2025, 6, 21, 20, 15))
_SIZES = ((800, 600), (640, 480), (600, 800))
_SHIRTS = (
    (44, 66, 110),
    (150, 40, 44),
    (230, 226, 216),
    (60, 110, 84),
    (40, 40, 46),
    (206, 160, 70),
    (120, 90, 140),
)
_ORIENTATIONS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """A face that was drawn: whose, and its box in pixels of the upright photo."""

    person: str
    box: Box


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """A photo that was drawn: its path and the faces in it, from left to right."""

    path: Path
    faces: tuple[DrawnFace, ...]


@dataclass(frozen=True, slots=True)
class DemoLibrary:
    """What was drawn. ``copy`` has the same bytes as the first photo; ``broken`` cannot be read."""

    folder: Path
    photos: tuple[DrawnPhoto, ...]
    copy: Path
    broken: Path

    @property
    def people(self) -> list[str]:
        """The names of everybody who was drawn, in alphabetical order."""
        return sorted({face.person for photo in self.photos for face in photo.faces})


def draw_library(
    folder: Path,
    seed: int = 0,
    people: int = 8,
    photos_per_person: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> DemoLibrary:
    """Draw a library of ``people`` synthetic people who each appear in ``photos_per_person`` photos.

    The same arguments give the same files. About a third of the appearances are in groups of two to four.
    ``progress`` is called with the number of photos done and their total. The labels are also written to
    ``folder/.labels.json``: path within the folder -> list of person and box (x0, y0, x1, y1).

    Raises UsageError if the folder has something in it already or a number is out of range.
    """
    if photos_per_person < 1:
        raise UsageError("There must be at least one photo per person.")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty. Choose a new folder for the demo library.")
    rng = np.random.default_rng(seed)
    cast = people_of(people)
    shots = _shots(list(cast), photos_per_person, rng)
    photos = []
    for number, names in enumerate(shots):
        photos.append(_photo(folder, number, {name: cast[name] for name in names}, rng))
        if progress:
            progress(number + 1, len(shots))
    copy, broken = _spoil(folder, photos[0].path)
    library = DemoLibrary(folder, tuple(photos), copy, broken)
    _write_labels(library)
    return library


def _shots(names: list[str], each: int, rng: np.random.Generator) -> list[list[str]]:
    """Who is in which photo: every name ``each`` times, alone or in groups of two to four."""
    rounds = round(each * _GROUP_SHARE) if len(names) > 1 else 0
    shots = [[name] for name in names for _ in range(each - rounds)]
    for _ in range(rounds):
        waiting = [names[i] for i in rng.permutation(len(names))]
        while waiting:
            size = int(rng.integers(2, 5))
            shots.append(waiting[:size])
            waiting = waiting[size:]
    return [shots[i] for i in rng.permutation(len(shots))]


def _photo(folder: Path, number: int, sitters: dict[str, Looks], rng: np.random.Generator) -> DrawnPhoto:
    trip = _PARTY if len(sitters) > 2 else _TRIPS[int(rng.integers(len(_TRIPS)))]
    size = _SIZES[int(rng.integers(3 if len(sitters) == 1 else 1))]
    pixels, faces = _take(sitters, trip[1], size, rng)
    suffix = ".png" if number % 20 == 7 else ".webp" if number % 20 == 13 else ".jpg"
    path = folder / trip[0] / f"IMG_{number + 1:04d}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    orientation = {4: 6, 11: 3, 18: 8}.get(number, 1)
    _save(pixels, path, trip[2] + timedelta(minutes=7 * number), orientation, number)
    return DrawnPhoto(path, tuple(faces))


def _take(
    sitters: dict[str, Looks], place: str, size: tuple[int, int], rng: np.random.Generator
) -> tuple[UInt8, list[DrawnFace]]:
    """One photo of the sitters side by side."""
    width, height = size
    scene, light = scenes.backdrop(place, size, rng), scenes.light_of(place, rng)
    room = width / len(sitters)
    scale = min(room / 2.5, height / rng.uniform(4.4, 7.8)) * rng.uniform(0.88, 1.0)
    faces = []
    for place_number, (name, looks) in enumerate(sitters.items()):
        own = scale * rng.uniform(0.92, 1.05)
        slack = 0.06 if len(sitters) > 1 else 0.14
        x = room * (place_number + 0.5 + rng.uniform(-slack, slack))
        y = max(height * rng.uniform(0.36, 0.46), height - 4.0 * own)
        box = _place(scene, looks, (x, y, own), light, rng)
        faces.append(DrawnFace(name, box))
    return scenes.develop(scene, rng), faces


def _place(
    scene: Array, looks: Looks, at: tuple[float, float, float], light: Light, rng: np.random.Generator
) -> Box:
    """Draw one person into the scene; the box of the face comes back."""
    x, y, scale = at
    height, width = scene.shape[:2]
    pose = rotation(rng.uniform(-24, 24), rng.uniform(-8, 8), rng.uniform(-11, 11))
    lean = rotation(rng.uniform(-12, 12), 0, rng.uniform(-2, 2))
    shirt = _SHIRTS[int(rng.integers(len(_SHIRTS)))]
    parts = [turned(part, pose, _NECK) for part in head(looks, _expression(rng))]
    parts += [turned(part, lean, _NECK) for part in body(looks, shirt)]
    left, right = max(0, int(x - 2.2 * scale)), min(width, int(x + 2.2 * scale))
    top = max(0, int(y - 2.1 * scale))
    view = View((right - left, height - top), x - left, y - top, scale)
    colour, alpha = draw(parts, view, light)
    region = scene[top:, left:right]
    region += alpha[..., None] * (colour - region)
    return _face_box(looks, pose, View((width, height), x, y, scale))


def _expression(rng: np.random.Generator) -> Expression:
    return Expression(
        smile=float(rng.choice([0.0, 0.35, 0.9])),
        mouth_open=float(rng.choice([0.0, 0.0, 0.4])),
        eyes_open=float(rng.uniform(0.72, 1.02)),
        gaze=float(rng.uniform(-0.4, 0.4)),
        brows_up=float(rng.uniform(0, 0.6)),
    )


def _face_box(looks: Looks, pose: Array, view: View) -> Box:
    """From the hairline to the chin and across the cheeks, as a detector's box lies."""
    cheek, jaw = 0.70 * looks.width, 0.45 * looks.width
    rim = [(0, 0.76, 0.72), (0, -1.17, 0.62), (-jaw, -0.9, 0.5), (jaw, -0.9, 0.5)]
    rim += [(-cheek, -0.15, 0.45), (cheek, -0.15, 0.45)]
    points = np.asarray(rim, np.float32) * np.asarray([1, looks.length, 1], np.float32)
    centre = np.asarray(_NECK, np.float32)
    pixels = project((points - centre) @ pose.T + centre, view)
    (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
    width, height = view.size
    return Box(
        max(0.0, float(x0)), max(0.0, float(y0)), min(float(width), float(x1)), min(float(height), float(y1))
    )


def _save(pixels: UInt8, path: Path, taken_at: datetime, orientation: int, number: int) -> None:
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    if number % 9 != 5:
        exif[271], exif[272] = ("Demo", "D-100") if number % 3 else ("Demo", "Pocket 2")
        exif.get_ifd(0x8769)[36867] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    if orientation != 1:
        exif[274] = orientation
        image = image.transpose(_ORIENTATIONS[orientation])
    image.save(path, exif=exif, quality=90)


def _spoil(folder: Path, photo: Path) -> tuple[Path, Path]:
    """A copy of a photo and a damaged photo, as there are in any library."""
    copy, broken = folder / "Favourites" / photo.name, folder / "Favourites" / "broken.jpg"
    copy.parent.mkdir()
    shutil.copyfile(photo, copy)
    content = photo.read_bytes()
    broken.write_bytes(content[: len(content) // 3])
    return copy, broken


def _write_labels(library: DemoLibrary) -> None:
    labels = {
        photo.path.relative_to(library.folder).as_posix(): [
            {
                "person": face.person,
                "box": [round(v, 1) for v in (face.box.x0, face.box.y0, face.box.x1, face.box.y1)],
            }
            for face in photo.faces
        ]
        for photo in library.photos
    }
    labels[library.copy.relative_to(library.folder).as_posix()] = next(iter(labels.values()))
    text = json.dumps(labels, indent=1, sort_keys=True)
    (library.folder / LABELS).write_text(text + "\n", encoding="utf-8")
