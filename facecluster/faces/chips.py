"""Face chips: the part of a photo around a face, in the one size from which every embedder cuts its crop.

A chip is the face's box grown about its centre by ``CHIP_SIZE / CHIP_BOX`` and stretched to a square of
``CHIP_SIZE`` pixels (see ``records``). It is kept in the library, so another model needs no photo.
"""

from __future__ import annotations

import numpy as np
import simplejpeg

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
