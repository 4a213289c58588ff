"""Face chips: the part of a photo around a face, in the one size from which every embedder cuts its crop.

A chip is the face's box grown about its centre by ``CHIP_SIZE / CHIP_BOX`` and stretched to a square of
``CHIP_SIZE`` pixels (see ``records``). It is kept in the library, so another model needs no photo.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from facecluster.records import CHIP_BOX, CHIP_SIZE, Box, Float32, UInt8

JPEG_QUALITY = 92


def region(box: Box) -> Box:
    """The part of the photo that the chip of ``box`` shows, in the same pixels; it may leave the photo."""
    grow_x, grow_y = (side * (CHIP_SIZE / CHIP_BOX - 1) / 2 for side in (box.width, box.height))
    return Box(box.x0 - grow_x, box.y0 - grow_y, box.x1 + grow_x, box.y1 + grow_y)


def extent(box: Box, width: float, height: float) -> Float32:
    """Where a photo of this size lies in the chip of ``box``: (4,) float32 x0, y0, x1, y1 in chip pixels.

    ``box`` is in pixels of the photo. It ends where the chip does; beyond it, the chip repeats the photo's edge.
    """
    part = region(box)
    corners = np.array([[0, 0], [width, height]]) - [part.x0, part.y0]
    return np.clip(corners * CHIP_SIZE / [part.width, part.height], 0, CHIP_SIZE).astype(np.float32).reshape(4)


def cut(photo: UInt8, box: Box) -> UInt8:
    """The chip of ``box`` (pixels of ``photo``, which is (H, W, 3) uint8 RGB): (224, 224, 3) uint8 RGB.

    Pixels are averaged where the photo is larger than the chip (an antialiased triangle filter), else interpolated
    linearly. Where the region leaves the photo, the photo's edge is repeated.
    """
    part, (height, width) = region(box), photo.shape[:2]
    if max(part.width, part.height) <= CHIP_SIZE:
        return _enlarged(photo, part)
    if part.x0 < 0 or part.y0 < 0 or part.x1 > width or part.y1 > height:
        photo, part = _with_edges(photo, part)
    return _reduced(photo, part)


def landmarks_in_chip(landmarks: Float32, box: Box) -> Float32:
    """Landmarks (5, 2) in photo pixels -> (5, 2) float32 in chip pixels."""
    part = region(box)
    origin = np.array([part.x0, part.y0])
    sides = np.array([part.width, part.height])
    points: Float32 = ((landmarks - origin) * (CHIP_SIZE / sides)).astype(np.float32)
    return points


def encode(chip: UInt8) -> bytes:
    """A chip as JPEG, about 10 kB, as the library keeps it."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(chip), JPEG_QUALITY, "RGB", "444", fastdct=False))


def decode(jpeg: bytes) -> UInt8:
    """The inverse of ``encode``, up to JPEG's loss: (224, 224, 3) uint8 RGB."""
    return np.asarray(simplejpeg.decode_jpeg(jpeg), np.uint8)


def _reduced(photo: UInt8, part: Box) -> UInt8:
    """The chip of a part inside the photo; where it is reduced, pixels beside it count a little, too."""
    reach_x, reach_y = max(1.0, part.width / CHIP_SIZE), max(1.0, part.height / CHIP_SIZE)
    left, right = _around(part.x0 - reach_x, part.x1 + reach_x, photo.shape[1])
    upper, lower = _around(part.y0 - reach_y, part.y1 + reach_y, photo.shape[0])
    box = part.x0 - left, part.y0 - upper, part.x1 - left, part.y1 - upper
    image = Image.fromarray(photo[upper:lower, left:right])
    return np.asarray(image.resize((CHIP_SIZE, CHIP_SIZE), Image.Resampling.BILINEAR, box=box))


def _enlarged(photo: UInt8, part: Box) -> UInt8:
    """The chip of a part with no more pixels than a chip: as Pillow's triangle has it, in a tenth of the time."""
    left, right = _around(part.x0, part.x1, photo.shape[1])
    upper, lower = _around(part.y0, part.y1, photo.shape[0])
    pixels = photo[upper:lower, left:right]
    across, down = part.width / CHIP_SIZE, part.height / CHIP_SIZE
    to_photo = np.array(
        [[across, 0, part.x0 + (across - 1) / 2 - left], [0, down, part.y0 + (down - 1) / 2 - upper]]
    )
    how, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (CHIP_SIZE, CHIP_SIZE)
    return np.asarray(cv2.warpAffine(pixels, to_photo, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _around(start: float, end: float, length: int) -> tuple[int, int]:
    """The pixels of 0..``length`` that interpolation between two places needs; at least one."""
    first = min(max(math.floor(start) - 1, 0), length - 1)
    return first, max(min(math.ceil(end) + 1, length), first + 1)


def _with_edges(photo: UInt8, part: Box) -> tuple[UInt8, Box]:
    """The pixels that ``part`` touches, with the photo's edge repeated outwards, and ``part`` within them."""
    height, width = photo.shape[:2]
    x0, y0 = int(np.floor(part.x0)), int(np.floor(part.y0))
    x1, y1 = int(np.ceil(part.x1)), int(np.ceil(part.y1))
    left, upper = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
    right, lower = max(min(x1, width), left + 1), max(min(y1, height), upper + 1)
    around = max(upper - y0, 0), max(y1 - lower, 0), max(left - x0, 0), max(x1 - right, 0)
    pixels = cv2.copyMakeBorder(photo[upper:lower, left:right], *around, cv2.BORDER_REPLICATE)
    x0, y0 = min(x0, left), min(y0, upper)
    return np.asarray(pixels, np.uint8), Box(part.x0 - x0, part.y0 - y0, part.x1 - x0, part.y1 - y0)
