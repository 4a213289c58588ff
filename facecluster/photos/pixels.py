"""From the pixel modes of picture files to upright 8-bit RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facecluster.records import UInt8

_REDUCIBLE = {"RGB", "RGBA", "L", "LA", "CMYK"}
"""Pixel modes in which neighbours can be averaged before the conversion to RGB."""

BAND = 64
"""Rows that are in 64-bit floats at a time: a whole picture would take 8 bytes a pixel, several times over."""


def rgb(image: Image.Image, factor: int = 1) -> UInt8:
    """The pixels of an image reduced by a whole ``factor``: (H, W, 3) uint8 RGB; see ``to_rgb``."""
    if factor == 1:
        return np.asarray(to_rgb(image))
    early = image.mode in _REDUCIBLE  # before more bytes a pixel are needed
    return np.asarray(to_rgb(image.reduce(factor)) if early else to_rgb(image).reduce(factor))


def reduced(pixels: UInt8, factor: int) -> UInt8:
    """Averages of ``factor`` × ``factor`` pixels (H, W, 3): (ceil(H / factor), ceil(W / factor), 3) uint8.

    For the last ones of a picture whose sides are no multiples of ``factor``, its edge is repeated.
    """
    if factor == 1:
        return pixels
    height, width = (-(-side // factor) for side in pixels.shape[:2])
    missing = height * factor - pixels.shape[0], width * factor - pixels.shape[1]
    if any(missing):
        pixels = _extended(pixels, *missing)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _extended(pixels: UInt8, down: int, right: int) -> UInt8:
    return np.asarray(cv2.copyMakeBorder(pixels, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


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


def upright(pixels: UInt8, orientation: int) -> UInt8:
    """The pixels (H, W, 3) as the camera was held; an EXIF ``orientation`` outside 2..8 changes nothing.

    Exif 2.32, section 4.6.4, tag 0x0112: from 5 on, rows and columns are exchanged; where the first pixel belongs
    to the right, or to the bottom, the picture is mirrored.
    """
    if not 2 <= orientation <= 8:
        return pixels
    turned = cv2.transpose(pixels) if orientation >= 5 else pixels
    side, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    if side or down:
        turned = cv2.flip(turned, -1 if side and down else int(side))
    return np.asarray(turned, np.uint8)
