"""Face chips as pictures: the chip's square given back the shape that its box has in the photo."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from facecluster.records import CHIP_SIZE, Box

ChipOf = Callable[[int], bytes | None]
"""Gives a face's chip, JPEG, by the face's id, so that only those that are shown need to be in memory."""

CROP_QUALITY = 92
THUMBNAIL_QUALITY = 72


def crop(jpeg: bytes | None, box: Box) -> bytes | None:
    """The face as a JPEG in its true proportions, its longer side 224 pixels. None without a sound chip.

    ``jpeg`` is the face's chip, ``box`` where the face is in the photo.
    """
    chip = _decode(jpeg)
    if chip is None:
        return None
    width, height = _shape(box)
    scale = CHIP_SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _jpeg(chip.resize(size, Image.Resampling.LANCZOS), CROP_QUALITY)


def thumbnail(jpeg: bytes | None, box: Box, side: int) -> bytes | None:
    """The middle square of the face, ``side`` pixels wide, as a small JPEG. None without a sound chip.

    ``jpeg`` is the face's chip, ``box`` where the face is in the photo.
    """
    chip = _decode(jpeg)
    if chip is None:
        return None
    width, height = _shape(box)
    square = min(width, height)
    x, y = square / width * chip.width / 2, square / height * chip.height / 2
    middle = (chip.width / 2 - x, chip.height / 2 - y, chip.width / 2 + x, chip.height / 2 + y)
    small = chip.resize((side, side), Image.Resampling.LANCZOS, box=middle)
    return _jpeg(small, THUMBNAIL_QUALITY)


def _shape(box: Box) -> tuple[float, float]:
    return max(box.width, 1.0), max(box.height, 1.0)


def _decode(jpeg: bytes | None) -> Image.Image | None:
    if jpeg is None:
        return None
    try:
        return Image.open(io.BytesIO(jpeg)).convert("RGB")
    except (OSError, SyntaxError):  # what Pillow raises for bytes that are no picture
        return None


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
