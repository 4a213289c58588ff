"""What YuNet is shown of a photo: all of it, then its parts, larger, each on a canvas of a size that it knows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.nets.catalogue import CANVASES
from facecluster.records import UInt8

SIDES = sorted({max(canvas) for canvas in CANVASES})
"""Pixels of the longer side of what YuNet looks at."""

LEAST = 10
"""Pixels of the smallest faces that YuNet sees by the account of OpenCV's model zoo."""

SHARED = 128
"""Pixels that neighbouring pieces share: a face that is larger is seen in one piece at half the size."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reduced image: the image's number, and in pixels of the reduction, as y and x, where it is."""

    image: int
    factor: float
    whole: tuple[int, int]
    corner: tuple[int, int]
    size: tuple[int, int]


def cut_up(image: int, size: tuple[int, int], min_face: float) -> Iterator[Piece]:
    """What YuNet is to look at in an image of ``size``, height and width: all of it, then its parts, larger."""
    most = next((side for side in SIDES if side * min_face >= LEAST * max(size)), SIDES[-1])
    factor, enough = min(1.0, most / max(size)), min(1.0, LEAST / min_face)
    while True:
        height, width = (max(1, round(side * factor)) for side in size)
        for top in _starts(height, most):
            for left in _starts(width, most):
                part = min(most, height - top), min(most, width - left)
                yield Piece(image, factor, (height, width), (top, left), part)
        if factor >= enough:
            return
        factor = min(enough, 2 * factor)


def canvas_of(piece: Piece) -> tuple[int, int]:
    """The smallest of ``CANVASES`` that holds the piece."""
    height, width = piece.size
    return next(room for room in CANVASES if height <= room[0] and width <= room[1])


def draw(pieces: Sequence[Piece], images: Sequence[UInt8], canvas: tuple[int, int]) -> UInt8:
    """The pixels of pieces in the corner of a ``canvas`` each: (N, height, width, 3) uint8, 0 beside them."""
    drawn = np.zeros((len(pieces), *canvas, 3), np.uint8)
    whole: tuple[int, float, UInt8] | None = None
    for place, piece in zip(drawn, pieces, strict=True):
        (top, left), (height, width) = piece.corner, piece.size
        if whole is None or whole[:2] != (piece.image, piece.factor):
            whole = piece.image, piece.factor, reduced_to(images[piece.image], piece.whole)
        place[:height, :width] = whole[2][top : top + height, left : left + width]
    return drawn


def reduced_to(image: UInt8, size: tuple[int, int]) -> UInt8:
    """The image in a ``size``, height and width, that is not larger: first by a whole factor, then bilinear."""
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    times = min(height // size[0], width // size[1])
    if times > 1:
        height, width = height // times, width // times
        image = np.asarray(
            cv2.resize(image[: height * times, : width * times], (width, height), interpolation=cv2.INTER_AREA)
        )
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def inner_ends(piece: Piece) -> tuple[tuple[float, float], tuple[float, float]]:
    """Between which points of its reduction, as x, y, boxes of a piece may lie: no limits where the image ends."""
    (top, left), (height, width), (lowest, rightmost) = piece.corner, piece.size, piece.whole
    bottom, right = top + height, left + width
    low = left if left else -math.inf, top if top else -math.inf
    return low, (right if right < rightmost else math.inf, bottom if bottom < lowest else math.inf)


def _starts(length: int, most: int) -> range:
    """Where pieces of up to ``most`` pixels begin that share some with their neighbours."""
    return range(0, max(length - SHARED, 1), most - SHARED)
