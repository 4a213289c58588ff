"""A quick search: YuNet looks at each photo as a whole, and O-Net judges what it has seen.

P-Net needs ten reductions of a photo and R-Net hundreds of candidates to find what YuNet sees in one look at 384
or 512 pixels: faces from about ten pixels to the whole of it. So a photo is reduced to that, and seen again at
twice the size, in pieces that overlap, as long as the faces that are looked for are smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.faces import boxes as geometry
from facecluster.faces.candidates import SIDE, Candidates, probability
from facecluster.faces.summed import Int32, crop, table_of
from facecluster.nets.catalogue import CANVASES
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64, UInt8

SIDES = sorted({max(canvas) for canvas in CANVASES})
"""Pixels of the longer side of what YuNet looks at."""

LEAST = 10
"""Pixels of the smallest faces that YuNet sees by the account of OpenCV's model zoo."""

STRIDES = 8, 16, 32
"""Pixels between neighbouring places of each of YuNet's maps."""

SHARED = 128
"""Pixels that neighbouring pieces share: a face that is larger is seen in one piece at half the size."""

LARGEST = 6.0
"""Logarithm of the longest side of a face in units of a place: 400. What is more is noise, or even infinite."""

TOGETHER = 64
"""Pieces that are drawn at a time: together up to 50 MB."""

LIKELY = 0.3
"""What YuNet has to say of a place: low, for O-Net has the last word."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reduced image: the image's number, and in pixels of the reduction, as y and x, where it is."""

    image: int
    factor: float
    whole: tuple[int, int]
    corner: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Glance:
    """YuNet for each of ``CANVASES``, see ``nets.yunet``, and O-Net."""

    looks: tuple[Network, ...]
    output: Network

    def candidates(self, images: Sequence[UInt8], min_face: float, memory: Int32) -> Candidates:
        """What may be faces of at least ``min_face`` pixels: see ``Mtcnn.candidates``; no memory is needed."""
        pieces = [piece for i, image in enumerate(images) for piece in cut_up(i, image.shape[:2], min_face)]
        seen = []
        for number, look in enumerate(self.looks):
            own = [piece for piece in pieces if canvas_of(piece) == number]
            for start in range(0, max(len(own), 1), TOGETHER):
                some = own[start : start + TOGETHER]
                seen.append(locate(look(draw(some, images, CANVASES[number])), some))
        image, boxes, scores = (np.concatenate(each) for each in zip(*seen, strict=True))
        kept = geometry.suppress(boxes, scores, image, 0.5)
        return _cut(images, image[kept], geometry.squared(boxes[kept]))


def cut_up(image: int, size: tuple[int, int], min_face: float) -> Iterator[Piece]:
    """What YuNet is to look at in an image of ``size``, height and width: all of it, then its parts, larger."""
    most = next((side for side in SIDES if side * min_face >= LEAST * max(size)), SIDES[-1])
    factor = min(1.0, most / max(size))
    while True:
        height, width = (max(1, round(side * factor)) for side in size)
        for top in _starts(height, most):
            for left in _starts(width, most):
                part = min(most, height - top), min(most, width - left)
                yield Piece(image, factor, (height, width), (top, left), part)
        if factor == 1 or factor * min_face >= LEAST:
            return
        factor = min(1.0, 2 * factor)


def canvas_of(piece: Piece) -> int:
    """The number of the smallest canvas that holds the piece."""
    height, width = piece.size
    return next(i for i, room in enumerate(CANVASES) if height <= room[0] and width <= room[1])


def draw(pieces: Sequence[Piece], images: Sequence[UInt8], canvas: tuple[int, int]) -> UInt8:
    """The pixels of pieces in the corner of a ``canvas`` each: (N, height, width, 3) uint8, 0 beside them."""
    drawn = np.zeros((len(pieces), *canvas, 3), np.uint8)
    whole: tuple[int, float, UInt8] | None = None
    for place, piece in zip(drawn, pieces, strict=True):
        (top, left), (height, width) = piece.corner, piece.size
        if whole is None or whole[:2] != (piece.image, piece.factor):
            whole = piece.image, piece.factor, shrink(images[piece.image], piece.whole)
        place[:height, :width] = whole[2][top : top + height, left : left + width]
    return drawn


def shrink(image: UInt8, size: tuple[int, int]) -> UInt8:
    """The image in another ``size``, height and width: averages of whole pixels, and from them bilinear ones."""
    height, width = image.shape[:2]
    times = min(height // size[0], width // size[1])
    if times > 1:
        image = np.asarray(
            cv2.resize(image, (width // times, height // times), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def locate(maps: Sequence[Float32], pieces: Sequence[Piece]) -> tuple[Int64, Float32, Float32]:
    """Where YuNet sees faces, by its ``maps`` of the pieces: images, boxes (N, 4) in their pixels, scores (N,).

    A score is the geometric mean of YuNet's two probabilities.
    """
    image = np.array([piece.image for piece in pieces], np.int64)
    factor = np.array([piece.factor for piece in pieces], np.float32)
    corner = np.array([piece.corner[::-1] for piece in pieces], np.float32).reshape(-1, 2)
    found = []
    for stride, map in zip(STRIDES, maps, strict=True):
        score = np.sqrt(probability(map[:, 0]) * probability(map[:, 1]))
        piece, row, column = np.nonzero(score >= LIKELY)
        _, _, x, y, width, height = map[piece, :, row, column].T
        centre = np.stack([column + x, row + y], 1) * stride + corner[piece]
        half = np.exp(np.minimum(np.stack([width, height], 1), LARGEST)) * np.float32(stride / 2)
        boxes = np.concatenate([centre - half, centre + half], 1) / factor[piece, None]
        found.append((image[piece], boxes.astype(np.float32), score[piece, row, column]))
    images, all_boxes, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return images, all_boxes, scores


def _starts(length: int, most: int) -> range:
    """Where pieces of up to ``most`` pixels begin that share some with their neighbours."""
    return range(0, max(length - SHARED, 1), most - SHARED)


def _cut(images: Sequence[UInt8], image: Int64, boxes: Float32) -> Candidates:
    """Candidates as ``candidates.cut`` has them; a table of an image is not worth while for a few of them."""
    pixels = np.empty((len(boxes), SIDE, SIDE, 4), np.float32)
    inside = np.zeros(len(boxes), bool)
    for n, (i, box) in enumerate(zip(image, boxes, strict=True)):
        height, width = images[i].shape[:2]
        ((x0, y0, x1, y1),), (inside[n],) = geometry.clipped(box[None], width, height)
        if inside[n]:
            table = table_of(np.ascontiguousarray(images[i][y0:y1, x0:x1]))
            (pixels[n],) = crop(table, np.array([[0, 0, x1 - x0, y1 - y0]]), SIDE)
    return Candidates(image[inside], boxes[inside], pixels[inside])
