"""A quick search: YuNet looks at each photo as a whole, and O-Net judges what it has seen.

P-Net needs ten reductions of a photo and R-Net hundreds of candidates to find what YuNet sees in one look at 512
pixels: faces from about ten pixels to the whole of it. So a photo is reduced to that, and seen again at twice the
size, in pieces that overlap, as long as the faces that are looked for are smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from facecluster.faces import boxes as geometry
from facecluster.faces.candidates import probability
from facecluster.faces.summed import Table, shrink, size_of
from facecluster.nets.catalogue import CANVASES
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64, UInt8

SIDE = max(max(canvas) for canvas in CANVASES)

LEAST = 10
"""Pixels of the smallest faces that YuNet sees (Wu et al., 2023, section 4.1)."""

SHARED = 128
"""Pixels that neighbouring pieces share: a face that is larger is seen in one piece at half the size."""

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

    def candidates(self, tables: Sequence[Table], min_face: float) -> tuple[Int64, Float32]:
        """Boxes that may be faces of at least ``min_face`` pixels: see ``Mtcnn.candidates``."""
        pieces = [piece for i, table in enumerate(tables) for piece in cut_up(i, size_of(table), min_face)]
        image, boxes, scores = [np.zeros(0, np.int64)], [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        for number, look in enumerate(self.looks):
            own = [piece for piece in pieces if canvas_of(piece) == number]
            seen, where, likely = locate(look(draw(own, tables, CANVASES[number])), own)
            image.append(seen)
            boxes.append(where)
            scores.append(likely)
        return _best(np.concatenate(image), np.concatenate(boxes), np.concatenate(scores))


def cut_up(image: int, size: tuple[int, int], min_face: float) -> Iterator[Piece]:
    """What YuNet is to look at in an image of ``size``, height and width: all of it, then its parts, larger."""
    factor = min(1.0, SIDE / max(size))
    while True:
        height, width = (max(1, round(side * factor)) for side in size)
        for top in _starts(height):
            for left in _starts(width):
                yield Piece(
                    image, factor, (height, width), (top, left), (min(SIDE, height - top), min(SIDE, width - left))
                )
        if factor == 1 or factor * min_face >= LEAST:
            return
        factor = min(1.0, 2 * factor)


def canvas_of(piece: Piece) -> int:
    """The number of the smallest canvas that holds the piece."""
    rooms = (i for i, room in enumerate(CANVASES) if piece.size[0] <= room[0] and piece.size[1] <= room[1])
    return next(rooms)


def draw(pieces: Sequence[Piece], tables: Sequence[Table], canvas: tuple[int, int]) -> UInt8:
    """The pixels of pieces, (N, height, width, 4) uint8 RGB and 255 on a ``canvas``, all 0 beside them."""
    drawn = np.zeros((len(pieces), *canvas, 4), np.uint8)
    for i, table in enumerate(tables):
        own = [(n, 0, 0, *p.corner, *p.size, *p.whole) for n, p in enumerate(pieces) if p.image == i]
        if own:
            shrink(table, np.array(own), drawn)
    return drawn


def locate(maps: Sequence[Float32], pieces: Sequence[Piece]) -> tuple[Int64, Float32, Float32]:
    """Where YuNet sees faces, by its ``maps`` of the pieces: images, boxes (N, 4) in their pixels, scores (N,).

    A score is the geometric mean of YuNet's two probabilities.
    """
    image = np.array([piece.image for piece in pieces], np.int64)
    factor = np.array([piece.factor for piece in pieces], np.float32)
    corner = np.array([piece.corner[::-1] for piece in pieces], np.float32).reshape(-1, 2)
    found = []
    for map in maps:
        score = np.sqrt(probability(map[:, 0]) * probability(map[:, 1]))
        piece, row, column = np.nonzero(score >= LIKELY)
        stride = np.float32(SIDE / max(map.shape[2:]))
        _, _, x, y, width, height = map[piece, :, row, column].T
        centre = np.stack([column + x, row + y], 1) * stride + corner[piece]
        half = np.exp(np.stack([width, height], 1)) * stride / 2
        boxes = np.concatenate([centre - half, centre + half], 1) / factor[piece, None]
        found.append((image[piece], boxes.astype(np.float32), score[piece, row, column]))
    images, all_boxes, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return images, all_boxes, scores


def _starts(length: int) -> range:
    """Where pieces of up to ``SIDE`` pixels begin that share some with their neighbours."""
    return range(0, max(length - SHARED, 1), SIDE - SHARED)


def _best(image: Int64, boxes: Float32, scores: Float32) -> tuple[Int64, Float32]:
    """The best of boxes that overlap, as squares."""
    kept = geometry.suppress(boxes, scores, image, 0.5)
    return image[kept], geometry.squared(boxes[kept])
