"""From the pixel modes of picture files to upright 8-bit RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by EXIF orientation (Exif 2.32, section 4.6.4, tag 0x0112)."""

BAND = 64
"""Rows that are in 64-bit floats at a time: a whole picture would take 8 bytes a pixel, several times over."""


def to_rgb(image: Image.Image) -> Image.Image:
    """An RGB image of the same size, the same one if it is RGB; what is transparent becomes white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        image = _stretched(image)
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    rgba = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(rgba, mask=rgba)
    return paper


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit greys have no agreed black and white: the darkest pixel becomes 0, the brightest 255."""
    pixels = np.asarray(image)
    bands = np.array_split(pixels, range(BAND, len(pixels), BAND))
    low, high = min(_finite(band).min() for band in bands), max(_finite(band).max() for band in bands)
    scale, grey = 255 / ((high - low) or 1), np.empty(pixels.shape, np.uint8)
    for source, target in zip(bands, np.array_split(grey, range(BAND, len(grey), BAND)), strict=True):
        target[:] = np.rint((_finite(source) - low) * scale)
    return Image.fromarray(grey)


def _finite(pixels: NDArray[np.int32 | np.float32]) -> NDArray[np.float64]:
    return np.nan_to_num(pixels.astype(np.float64), posinf=0.0, neginf=0.0)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as the camera was held; an EXIF ``orientation`` outside 2..8 changes nothing."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
