"""MTCNN: three small nets that find faces, from coarse to fine (Zhang et al., IEEE SPL 2016, section II).

P-Net slides over an image pyramid and proposes boxes, R-Net refuses most of them, O-Net refines the rest and
finds the five landmarks. In float32 the boxes are those of facenet-pytorch's ``MTCNN.detect``; the candidates of
all photos of a batch go through each net together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from facecluster.faces import boxes as geometry
from facecluster.faces.summed import Table, crop
from facecluster.faces.tiles import FIELD, STRIDE, Level, Tile, draw, lay_out, pyramid
from facecluster.nets.catalogue import TILE
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64

PROPOSE, REFINE = 0.6, 0.7
"""Least probability that P-Net and R-Net ask of a candidate (the thresholds of Zhang et al.'s code)."""

UNSURE = 0.05
"""In 16 bits, P-Net's probabilities are wrong by less than this."""


@dataclass(frozen=True, slots=True)
class Mtcnn:
    """P-, R- and O-Net; see ``nets.mtcnn`` for what they take and give. ``scout`` is P-Net, too, in a hurry."""

    scout: Network
    propose: Network
    refine: Network
    output: Network


@dataclass(frozen=True, slots=True)
class Found:
    """Faces of a batch: ``image`` (N,) int64; ``boxes`` (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2)."""

    image: Int64
    boxes: Float32
    scores: Float32
    landmarks: Float32


def find(tables: Sequence[Table], nets: Mtcnn, min_face: float, min_score: float) -> Found:
    """All faces of at least ``min_face`` pixels whose O-Net probability is at least ``min_score``.

    ``tables`` are summed-area tables of the images, at least one. Boxes and landmarks are float32 pixels of the
    images; faces of one image are in order of falling score.
    """
    image, boxes = _propose(tables, nets, min_face)
    image, boxes = _refine(tables, nets, image, boxes)
    return _output(tables, nets, image, boxes, min_score)


def _propose(tables: Sequence[Table], nets: Mtcnn, min_face: float) -> tuple[Int64, Float32]:
    """P-Net's candidates in all images: numbers of the images (N,) and boxes (N, 4), squared.

    P-Net looks everywhere in 16 bits, and again in float32 at the places where it saw something.
    """
    levels = [level for i, table in enumerate(tables) for level in pyramid(i, table, min_face)]
    numbers = {level: i for i, level in enumerate(levels)}
    found = [part for tile in lay_out(levels, TILE) for part in _look_at(tile, tables, nets, numbers)]
    level, corner, seen, pixels = map(np.concatenate, zip(_NOTHING, *found, strict=True))
    factor = np.array([level.factor for level in levels], np.float32)[level, None]
    image = np.array([level.image for level in levels], np.int64)[level]
    boxes = np.floor(np.concatenate([corner + 1, corner + FIELD], 1).astype(np.float32) / factor)
    kept = geometry.suppress(boxes, seen, level, 0.5)
    kept = kept[geometry.suppress(boxes[kept], seen[kept], image[kept], 0.7)]
    offsets, scores = (result[..., 0, 0] for result in nets.propose(pixels[kept]))
    sure = scores >= PROPOSE
    return image[kept][sure], geometry.squared(geometry.regress(boxes[kept][sure], offsets[sure], extra=0))


_NOTHING = (
    np.zeros(0, np.int64),
    np.zeros((0, 2), np.int64),
    np.zeros(0, np.float32),
    np.zeros((0, FIELD, FIELD, 4), np.float32),
)


def _look_at(
    tile: Tile, tables: Sequence[Table], nets: Mtcnn, numbers: dict[Level, int]
) -> Iterator[tuple[Int64, Int64, Float32, Float32]]:
    """Where P-Net sees something in each block of a tile.

    Numbers of the level (N,), places in it (N, 2) as x, y in pixels, probabilities (N,), and what is to be seen
    there (N, 12, 12, 4).
    """
    canvas = draw(tile, tables)
    ((seen,),) = nets.scout(canvas[None])
    pixels = canvas.view(np.complex128)[..., 0]  # one element a pixel, to be copied at once
    places = sliding_window_view(pixels, (FIELD, FIELD))[::STRIDE, ::STRIDE]  # (h, w, 12, 12)
    for block, top, left in tile.blocks:
        part = tuple(slice(at // STRIDE, at // STRIDE + n) for at, n in zip((top, left), block.cells, strict=True))
        row, column = np.nonzero(seen[part] >= PROPOSE - UNSURE)
        corner = np.stack([column + block.first[1], row + block.first[0]], 1) * STRIDE
        there = places[part][row, column][..., None].view(np.float32)
        yield np.full(len(row), numbers[block.level]), corner, seen[part][row, column], there


def _refine(tables: Sequence[Table], nets: Mtcnn, image: Int64, boxes: Float32) -> tuple[Int64, Float32]:
    """R-Net's judgement of the proposals: the images and boxes (squared) of those that remain."""
    image, boxes, pixels = _cut(tables, image, boxes, 24)
    offsets, scores = nets.refine(pixels)
    good = scores > REFINE
    image, boxes, scores, offsets = image[good], boxes[good], scores[good], offsets[good]
    kept = geometry.suppress(boxes, scores, image, 0.7)
    return image[kept], geometry.squared(geometry.regress(boxes[kept], offsets[kept]))


def _output(tables: Sequence[Table], nets: Mtcnn, image: Int64, boxes: Float32, min_score: float) -> Found:
    """O-Net's judgement: final boxes, scores and landmarks."""
    image, boxes, pixels = _cut(tables, image, boxes, 48)
    offsets, points, scores = nets.output(pixels)
    good = scores > min_score
    image, boxes, scores = image[good], boxes[good], scores[good]
    sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]  # (N, 1, 2)
    landmarks = points[good].reshape(-1, 2, 5).transpose(0, 2, 1) * sides + boxes[:, None, :2] - 1
    boxes = geometry.regress(boxes, offsets[good])
    kept = geometry.suppress_nested(boxes, scores, image, 0.7)
    return Found(image[kept], boxes[kept], scores[kept], landmarks[kept])


def _cut(tables: Sequence[Table], image: Int64, boxes: Float32, size: int) -> tuple[Int64, Float32, Float32]:
    """The candidates that lie in their image, image after image, and their pixels (N, size, size, 4)."""
    kept, pixels = [], []
    for i, table in enumerate(tables):
        own = np.flatnonzero(image == i)
        inside, there = geometry.clipped(boxes[own], *reversed(table.size))
        kept.append(own[there])
        pixels.append(crop(table, inside[there], size))
    order = np.concatenate(kept)
    return image[order], boxes[order], np.concatenate(pixels)
