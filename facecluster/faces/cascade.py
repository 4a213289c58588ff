"""MTCNN: three small nets that find faces, from coarse to fine (Zhang et al., IEEE SPL 2016, section II).

P-Net slides over an image pyramid and proposes boxes, R-Net refuses most of them, O-Net refines the rest and
finds the five landmarks. In float32 the boxes are those of facenet-pytorch's ``MTCNN.detect``; the candidates of
all photos of a batch go through each net together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facecluster.faces import boxes as geometry
from facecluster.faces.candidates import SIDE, Candidates, cut, inside
from facecluster.faces.contest import Rules, contest
from facecluster.faces.odds import Hasty, no_bounds, probability
from facecluster.faces.summed import Int32, Table, look, tables_of
from facecluster.faces.tiles import FIELD, STRIDE, Level, cells, draw, lay_out, pyramid
from facecluster.faces.tiles import pixels as pixels_of
from facecluster.nets.catalogue import PATCH, TILE
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64, UInt8

PROPOSE, REFINE = 0.6, 0.7
"""Least probability that P-Net and R-Net ask of a candidate (the thresholds of Zhang et al.'s code)."""

MOST = 1 << 16
"""More than a level has patches in a row or a column."""


@dataclass(frozen=True, slots=True)
class Mtcnn:
    """P-, R- and O-Net; see ``nets.mtcnn`` for what they take and give.

    ``scout`` is P-Net, too, in a hurry; ``sieve`` is R-Net and ``guess`` O-Net, where a hurried one is worth the
    trouble.
    """

    scout: Hasty
    propose: Network
    refine: Network
    output: Network
    sieve: Hasty | None = None
    guess: Hasty | None = None

    def candidates(self, images: Sequence[UInt8], min_face: float, memory: Int32) -> Candidates:
        """What may be faces of at least ``min_face`` pixels.

        ``images`` are (H, W, 3) uint8 RGB, at least one; their summed-area tables are put in ``memory`` (N,) as
        far as it goes.
        """
        tables = tables_of(images, memory)
        proposed = proposals(tables, self, min_face)
        image, boxes = inside(tables, *_refine(tables, self, *proposed))
        return Candidates(image, boxes, cut(tables, image, boxes, SIDE))


def proposals(tables: Sequence[Table], nets: Mtcnn, min_face: float) -> tuple[Int64, Float32]:
    """P-Net's candidates in all images: numbers of the images (N,) and boxes (N, 4), squared.

    A scout looks everywhere, in a hurry; what it may have seen is looked at again in float32, neighbours with it.
    """
    levels = [level for i, table in enumerate(tables) for level in pyramid(i, table, min_face)]
    patches = _patches(*_scout(levels, tables, nets))
    return _best(*_look_again(levels, tables, nets, *patches), levels)


def _look_again(
    levels: Sequence[Level], tables: Sequence[Table], nets: Mtcnn, level: Int64, corner: Int64
) -> tuple[Float32, Float32, Float32, Int64]:
    """What P-Net accepts in patches of the levels numbered ``level`` (N,), whose corners are ``corner`` (N, 2).

    Boxes (M, 4) in pixels of their levels, offsets (M, 4), probabilities (M,) and levels (M,), one level after the
    other, row after row, as in the original.
    """
    image = np.array([each.image for each in levels], np.int64)
    shape = np.array([each.shape for each in levels], np.int64).reshape(-1, 2)
    own = [np.flatnonzero(image[level] == i) for i in range(len(tables))]
    side = pixels_of(PATCH)
    seen = [look(table, shape[level[i]], corner[i], side) for table, i in zip(tables, own, strict=True)]
    offsets, log_odds = nets.propose(np.concatenate(seen))
    scores = probability(log_odds)
    patch, row, column = np.nonzero(scores >= PROPOSE)
    level, corner = level[patch], corner[patch] + STRIDE * np.stack([column, row], 1)
    there = np.flatnonzero((corner < STRIDE * cells(shape[level, ::-1])).all(1))
    order = there[np.lexsort((*corner[there].T, level[there]))]
    boxes = np.concatenate([corner + 1, corner + FIELD], 1).astype(np.float32)
    offsets, scores = offsets[patch, :, row, column], scores[patch, row, column]
    return boxes[order], offsets[order], scores[order], level[order]


def _best(
    boxes: Float32, offsets: Float32, scores: Float32, level: Int64, levels: Sequence[Level]
) -> tuple[Int64, Float32]:
    """The best of P-Net's boxes that overlap: the images' numbers, and boxes as P-Net moves them, squared.

    ``boxes`` (N, 4) are in pixels of the levels numbered ``level`` (N,).
    """
    image = np.array([each.image for each in levels], np.int64)[level]
    boxes = np.floor(boxes / np.array([each.factor for each in levels], np.float32)[level, None])
    kept = geometry.suppress(boxes, scores, level, 0.5)
    kept = kept[geometry.suppress(boxes[kept], scores[kept], image[kept], 0.7)]
    return image[kept], geometry.squared(geometry.regress(boxes[kept], offsets[kept], extra=0))


def _patches(level: Int64, corner: Int64) -> tuple[Int64, Int64]:
    """The patches of ``PATCH`` × ``PATCH`` cells in which the cells lie: their levels (N,) and corners (N, 2)."""
    step = PATCH * STRIDE
    column, row = (corner // step).T
    one = np.unique((level * MOST + row) * MOST + column)
    return one // MOST**2, step * np.stack([one % MOST, one // MOST % MOST], 1)


def _scout(levels: Sequence[Level], tables: Sequence[Table], nets: Mtcnn) -> tuple[Int64, Int64]:
    """Where a face may be: the levels' numbers (N,), and corners (N, 2) as x, y in their pixels."""
    numbers = {level: i for i, level in enumerate(levels)}
    level, corner = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)]
    tiles = lay_out(levels, TILE)
    for tile, seen in zip(tiles, *nets.scout.net(draw(tiles, tables, TILE)), strict=True):
        for block, top, left in tile.blocks:
            height, width = block.cells
            scent = nets.scout.likely(seen[top // STRIDE :, left // STRIDE :][:height, :width], PROPOSE)
            cell = np.argwhere(scent) + block.first
            corner.append(STRIDE * cell[:, ::-1])
            level.append(np.full(len(cell), numbers[block.level]))
    return np.concatenate(level), np.concatenate(corner)


def _refine(tables: Sequence[Table], nets: Mtcnn, image: Int64, boxes: Float32) -> tuple[Int64, Float32]:
    """R-Net's judgement of the proposals: the images and boxes (squared) of those that remain.

    Most are refused; a sieve in a hurry leaves only those that may not be, and may be the best.
    """
    image, boxes = inside(tables, image, boxes)
    bounds = no_bounds(len(boxes))
    if nets.sieve:
        (seen,) = nets.sieve.net(cut(tables, image, boxes, 24, whole=True))
        likely = nets.sieve.likely(seen, REFINE)
        image, boxes, bounds = image[likely], boxes[likely], nets.sieve.bounds(seen[likely])
    offsets = np.empty((len(image), 4), np.float32)

    def ask(numbers: Int64) -> tuple[Float32, Float32]:
        """What R-Net says of some; how it moves them is noted in ``offsets``."""
        offsets[numbers], seen = nets.refine(cut(tables, image[numbers], boxes[numbers], 24))
        scores = probability(seen)
        return np.where(scores > REFINE, scores, 0), boxes[numbers]

    kept = contest(boxes, *bounds, image, Rules(0.7), ask)
    return image[kept], geometry.squared(geometry.regress(boxes[kept], offsets[kept]))
