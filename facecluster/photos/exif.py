"""When and with what a photo was taken, and which way up it is: the few EXIF tags that matter here."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import exifread

# Odd tags are this module's business; without this line they would be printed to stderr one by one.
logging.getLogger("exifread").setLevel(logging.CRITICAL)

_TIMES = ("EXIF DateTimeOriginal", "EXIF DateTimeDigitized", "Image DateTime")
_TIME = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_FIRST_PHOTO = 1826
"""The year of the oldest surviving photograph; a clock that says less was never set."""


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What EXIF says of a photo; the defaults are those of a photo without EXIF.

    ``taken_at`` is the camera's local time without zone, ``camera`` is make and model, ``has_gps`` whether a
    latitude and a longitude are given, ``orientation`` is the tag's value in 1..8 (1 is upright).
    """

    taken_at: datetime | None = None
    camera: str | None = None
    has_gps: bool = False
    orientation: int = 1


def read_exif(data: bytes) -> ExifFacts:
    """Read EXIF; what is missing, broken or nonsense becomes the default, nothing is raised.

    ``data`` is an EXIF block with or without its ``Exif\\0\\0`` prefix (Pillow's ``info["exif"]``), or a
    whole TIFF or JPEG file. A block costs about 0.2 ms, an empty one nothing.
    """
    if not data:
        return ExifFacts()
    tags = _tags(data.removeprefix(b"Exif\0\0"))
    return ExifFacts(
        taken_at=next(filter(None, (_time(_text(tags, name)) for name in _TIMES)), None),
        camera=_camera(_text(tags, "Image Make"), _text(tags, "Image Model")),
        has_gps="GPS GPSLatitude" in tags and "GPS GPSLongitude" in tags,
        orientation=_orientation(tags),
    )


def _tags(data: bytes) -> Mapping[str, Any]:
    try:  # DateTimeDigitized is the last tag of interest: maker notes come after it and are long
        return exifread.process_file(
            BytesIO(data), stop_tag="DateTimeDigitized", details=False, extract_thumbnail=False
        )
    except Exception:  # damaged blocks raise whatever the parser stumbles on
        return {}


def _text(tags: Mapping[str, Any], name: str) -> str:
    value = tags[name].values if name in tags else ""
    if isinstance(value, bytes):  # exifread's way to say that it is no UTF-8
        value = value.decode("latin-1")
    printable = "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""
    return " ".join(printable.split())


def _time(text: str) -> datetime | None:
    found = _TIME.match(text)
    if not found or int(found[1]) < _FIRST_PHOTO:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def _camera(make: str, model: str) -> str | None:
    """Make and model; many models repeat the make ("NIKON CORPORATION", "NIKON D90")."""
    brand = make.split()[0].lower() if make else ""
    if model.lower().startswith(brand):
        make = "" if model else make
    return f"{make} {model}".strip() or None


def _orientation(tags: Mapping[str, Any]) -> int:
    values = tags["Image Orientation"].values if "Image Orientation" in tags else []
    return values[0] if values and values[0] in range(1, 9) else 1
