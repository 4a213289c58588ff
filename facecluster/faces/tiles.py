"""P-Net's input: the pyramids of many images, cut into blocks that are laid out on tiles of one size.

A network whose input always has the same shape is quick; pyramids have as many shapes as there are photos. P-Net
sees 12 × 12 pixels and moves by 2, so a block of c cells is 2c + 10 pixels long, and neighbours share 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from facecluster.faces.summed import Table, shrink, size_of
from facecluster.records import Int64, UInt8

PYRAMID = 0.709
"""Ratio of one pyramid level's side to the one before: each has half the pixels."""

FIELD, STRIDE = 12, 2


@dataclass(frozen=True, slots=True)
class Level:
    """A level of an image's pyramid: the image's number, its reduction, and its size in pixels."""

    image: int
    factor: float
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a level: its first row and column and its size, in P-Net's cells."""

    level: Level
    first: tuple[int, int]
    cells: tuple[int, int]

    @property
    def pixels(self) -> tuple[int, int]:
        """Height and width in pixels of the level."""
        return pixels(self.cells[0]), pixels(self.cells[1])


@dataclass(slots=True)
class Tile:
    """Where blocks lie on a tile: each with the row and column, in pixels, of its corner; both are even."""

    side: int
    blocks: list[tuple[Block, int, int]] = field(default_factory=list)
    shelves: list[list[int]] = field(default_factory=list)
    """Rows of blocks: their top, height and used width in pixels."""

    def takes(self, block: Block) -> bool:
        """Put the block on the first shelf that has room for it, or on a new one; False when there is none."""
        height, width = block.pixels
        shelf = next((s for s in self.shelves if height <= s[1] and s[2] + width <= self.side), None)
        if shelf is None:
            top = sum(self.shelves[-1][:2]) if self.shelves else 0
            if top + height > self.side:
                return False
            shelf = [top, height, 0]
            self.shelves.append(shelf)
        self.blocks.append((block, shelf[0], shelf[2]))
        shelf[2] += width
        return True


def pixels(cells: int) -> int:
    """The length that so many cells see."""
    return FIELD + STRIDE * (cells - 1)


Length = TypeVar("Length", int, Int64)


def cells(length: Length) -> Length:
    """How many cells see so many pixels, the last of them perhaps one pixel more: ceil((length - 12) / 2) + 1."""
    return -((FIELD - length) // STRIDE) + 1


def pyramid(image: int, table: Table, min_face: float) -> Iterator[Level]:
    """The levels at which a face of ``min_face`` pixels or more is 12 pixels large, P-Net's field."""
    height, width = size_of(table)
    factor = FIELD / min_face
    while min(height, width) * factor >= FIELD:
        yield Level(image, factor, (int(height * factor + 1), int(width * factor + 1)))
        factor *= PYRAMID


def lay_out(levels: Sequence[Level], side: int) -> list[Tile]:
    """All blocks of the levels on tiles of ``side`` pixels, the highest blocks first."""
    tiles: list[Tile] = []
    blocks = [block for level in levels for block in _cut(level, cells(side))]
    for block in sorted(blocks, key=lambda block: block.cells, reverse=True):
        if not any(tile.takes(block) for tile in tiles):
            tiles.append(Tile(side))
            tiles[-1].takes(block)
    return tiles


def draw(tiles: Sequence[Tile], tables: Sequence[Table], side: int) -> UInt8:
    """The pixels of tiles, (T, side, side, 4) uint8: grey levels, the fourth 255; all 0 around the blocks.

    The last cells of a level may see one pixel more than it has; the one before is repeated there.
    """
    canvas = np.zeros((len(tiles), side, side, 4), np.uint8)
    blocks: list[list[tuple[int, ...]]] = [[] for _ in tables]
    for number, tile in enumerate(tiles):
        for block, top, left in tile.blocks:
            first = (STRIDE * cell for cell in block.first)
            blocks[block.level.image].append((number, top, left, *first, *block.pixels, *block.level.shape))
    for table, own in zip(tables, blocks, strict=True):
        if own:
            shrink(table, np.array(own), canvas)
    return canvas


def _cut(level: Level, most: int) -> Iterator[Block]:
    """The level in blocks of ``most`` × ``most`` cells, smaller ones at its right and lower end."""
    height, width = map(cells, level.shape)
    for row in range(0, height, most):
        for column in range(0, width, most):
            yield Block(level, (row, column), (min(most, height - row), min(most, width - column)))
