"""A quick search: YuNet looks at each photo as a whole, and O-Net judges what it has seen.

P-Net needs ten reductions of a photo and R-Net hundreds of candidates to find what YuNet sees in one look at 384
or 512 pixels: faces from about ten pixels to the whole of it. So a photo is reduced to that, and seen again, up to
twice as large, in pieces that overlap, as long as the faces that are looked for are smaller there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facecluster.faces import boxes as geometry
from facecluster.faces.candidates import SIDE, Candidates
from facecluster.faces.odds import probability
from facecluster.faces.pieces import Piece, canvas_of, cut_up, draw, inner_ends
from facecluster.faces.summed import Int32, crop, table_of
from facecluster.nets.catalogue import CANVASES
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64, UInt8

STRIDES = 8, 16, 32
"""Pixels between neighbouring places of each of YuNet's maps."""

LARGEST = 6.0
"""Logarithm of the longest side of a face in units of a place: 400. What is more is noise, or even infinite."""

NEARLY = 0.8
"""Share of the smallest face that is looked for from which on YuNet's box will do: O-Net moves its sides."""

TOGETHER = 64
"""Pieces that are drawn at a time: together up to 50 MB."""

LIKELY = 0.3
"""What YuNet has to say of a place: low, for O-Net has the last word."""


@dataclass(frozen=True, slots=True)
class Glance:
    """YuNet for each of ``CANVASES``, see ``nets.yunet``, and O-Net."""

    looks: tuple[Network, ...]
    output: Network
    guess: ClassVar[None] = None
    """YuNet proposes few, and most of them would have to be judged exactly all the same."""

    def candidates(self, images: Sequence[UInt8], min_face: float, memory: Int32) -> Candidates:
        """What may be faces of at least ``min_face`` pixels: see ``Mtcnn.candidates``; no memory is needed."""
        pieces = [piece for i, image in enumerate(images) for piece in cut_up(i, image.shape[:2], min_face)]
        seen = [(np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))]
        for canvas, look in zip(CANVASES, self.looks, strict=True):
            own = [piece for piece in pieces if canvas_of(piece) == canvas]
            for start in range(0, len(own), TOGETHER):
                some = own[start : start + TOGETHER]
                seen.append(locate(look(draw(some, images, canvas)), some))
        image, boxes, scores = (np.concatenate(each) for each in zip(*seen, strict=True))
        large = (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0) >= min_face * NEARLY
        image, boxes, scores = image[large], boxes[large], scores[large]
        kept = geometry.suppress(boxes, scores, image, 0.5)
        return _cut_out(images, image[kept], geometry.squared(boxes[kept]))


def locate(maps: Sequence[Float32], pieces: Sequence[Piece]) -> tuple[Int64, Float32, Float32]:
    """Where YuNet sees faces, by its ``maps`` of the pieces: images, boxes (N, 4) in their pixels, scores (N,).

    A score is the geometric mean of YuNet's two probabilities. A box that reaches over an end of a piece where the
    image goes on is left out: the face is whole in a neighbour, or in a smaller reduction.
    """
    image = np.array([piece.image for piece in pieces], np.int64)
    factor = np.array([piece.factor for piece in pieces], np.float32)
    corner = np.array([piece.corner[::-1] for piece in pieces], np.float32).reshape(-1, 2)
    ends = np.array([inner_ends(piece) for piece in pieces], np.float32).reshape(-1, 2, 2)
    found = []
    for stride, map in zip(STRIDES, maps, strict=True):
        score = np.sqrt(probability(map[:, 0]) * probability(map[:, 1]))
        piece, row, column = np.nonzero(score >= LIKELY)
        _, _, x, y, width, height = map[piece, :, row, column].T
        centre = np.stack([column + x, row + y], 1) * stride + corner[piece]
        half = np.exp(np.minimum(np.stack([width, height], 1), LARGEST)) * np.float32(stride / 2)
        low, high = centre - half, centre + half  # infinite or no numbers where a network overflows
        there = ((low >= ends[piece, 0]) & (high <= ends[piece, 1]) & np.isfinite(centre)).all(1)
        boxes = np.concatenate([low, high], 1) / factor[piece, None]
        found.append((image[piece[there]], boxes[there].astype(np.float32), score[piece, row, column][there]))
    images, all_boxes, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return images, all_boxes, scores


def _cut_out(images: Sequence[UInt8], image: Int64, boxes: Float32) -> Candidates:
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
