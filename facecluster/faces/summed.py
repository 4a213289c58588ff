"""Area averages of an image in constant time each, by summed-area tables (Crow, SIGGRAPH 1984).

MTCNN looks at every photo at about ten scales and at hundreds of candidate boxes. Averaging pixels from a
summed-area table costs four look-ups per output pixel whatever the size of the area, and the sums are exact
integers, so the result is that of ``torch.nn.functional.interpolate(mode="area")`` on the pixels themselves.

Pixels have four numbers here (red, green, blue and 255): sixteen bytes are moved about by one instruction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facecluster.faces.compiled import compiled
from facecluster.records import Float32, Int64, UInt8

Int32 = NDArray[np.int32]

Table = Int32
"""The summed-area table of H × W pixels, (H+1, W+1, 4) int32.

Entry (y, x) is the sum of the pixels above and left of it. Sums may wrap around; differences of them do not, as
long as one averaged area stays below 2³¹ / 255 = 8.4 megapixels.
"""


def table_of(image: UInt8, memory: Int32 | None = None) -> Table:
    """The table of ``image`` (H, W, 3) uint8 RGB, in the first of ``memory``'s (N,) numbers if there are enough.

    Memory that was used before spares the system's handing out new pages, which takes longer than summing up.
    """
    shape = image.shape[0] + 1, image.shape[1] + 1, 4
    if memory is None or memory.size < math.prod(shape):
        memory = np.empty(math.prod(shape), np.int32)
    table = memory[: math.prod(shape)].reshape(shape)
    cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), table, sdepth=cv2.CV_32S)
    return table


def tables_of(images: Sequence[UInt8], memory: Int32) -> list[Table]:
    """The tables of images, one after the other in ``memory`` (N,) as far as it goes."""
    tables: list[Table] = []
    for image in images:
        tables.append(table_of(image, memory))
        memory = memory[tables[-1].size :]
    return tables


def size_of(table: Table) -> tuple[int, int]:
    """Height and width of the image in pixels."""
    return table.shape[0] - 1, table.shape[1] - 1


def look(table: Table, shapes: Int64, corners: Int64, side: int) -> Float32:
    """Squares of an image's reductions: (N, side, side, 4) float32, 0 outside of the reduction.

    ``shapes`` is (N, 2) int64, the reductions' heights and widths, ``corners`` (N, 2) the squares' upper left
    pixels as x, y.
    """
    into = np.empty((len(corners), side, side, 4), np.float32)
    whole = np.broadcast_to(np.array([0, 0, *size_of(table)[::-1]]), (len(corners), 4))
    _average(table, np.concatenate([whole, shapes[:, ::-1], corners], 1), np.float32(0), into)
    return into


def crop(table: Table, boxes: Int64, size: int, *, whole: bool = False) -> NDArray[Any]:
    """Boxes of one image averaged to squares: (N, size, size, 4) grey levels 0..255, float32 or the nearest uint8.

    ``boxes`` is (N, 4) int64 x0, y0, x1, y1 in pixels, x1 and y1 exclusive, inside the image and not empty.
    """
    into = np.empty((len(boxes), size, size, 4), np.uint8 if whole else np.float32)
    rest = np.broadcast_to(np.array([size, size, 0, 0]), (len(boxes), 4))
    sides = boxes[:, 2:] - boxes[:, :2]
    _average(table, np.concatenate([boxes[:, :2], sides, rest], 1), np.float32(0.5 if whole else 0), into)
    return into


@compiled
def _average_row(
    above: Table,
    below: Table,
    left: Int64,
    right: Int64,
    width: Float32,
    height: np.float32,
    more: np.float32,
    into: NDArray[Any],
    column: int,
) -> None:
    """Averages between two rows of a table, plus ``more``, put into a row (W, 4) from ``column`` on.

    ``width`` and ``height`` are the shares of a cell's columns and rows. The four numbers are spelt out: so they
    become one instruction.
    """
    for j in range(len(left)):
        start, end, at, share = left[j], right[j], column + j, height * width[j]
        red = np.int32(below[end, 0] - above[end, 0] - below[start, 0] + above[start, 0])
        green = np.int32(below[end, 1] - above[end, 1] - below[start, 1] + above[start, 1])
        blue = np.int32(below[end, 2] - above[end, 2] - below[start, 2] + above[start, 2])
        inside = np.int32(below[end, 3] - above[end, 3] - below[start, 3] + above[start, 3])
        into[at, 0] = np.float32(red) * share + more
        into[at, 1] = np.float32(green) * share + more
        into[at, 2] = np.float32(blue) * share + more
        into[at, 3] = np.float32(inside) * share + more


@compiled
def _average(table: Table, grids: Int64, more: np.float32, into: NDArray[Any]) -> None:
    """Averages over parts of N grids of cells, plus ``more``, put into (N, h, w, 4); 0 beyond a grid's end.

    ``grids`` (N, 8) int64 says of each: x and y of the pixels that it covers, how many columns and rows of them;
    into how many columns and rows of cells it divides them; the first column and row that are wanted.
    """
    left = np.empty(into.shape[2], np.int64)
    right, width = np.empty_like(left), np.empty(left.shape, np.float32)
    for n in range(len(grids)):
        for j in range(len(left)):
            left[j], right[j] = _ends(grids[n, 6] + j, grids[n, 4], grids[n, 0], grids[n, 2])
            width[j] = np.float32(1) / np.float32(max(right[j] - left[j], 1))
        for i in range(into.shape[1]):
            top, bottom = _ends(grids[n, 7] + i, grids[n, 5], grids[n, 1], grids[n, 3])
            height = np.float32(1) / np.float32(max(bottom - top, 1))
            _average_row(table[top], table[bottom], left, right, width, height, more, into[n, i], 0)


@compiled
def _ends(index: int, cells: int, first: int, length: int) -> tuple[int, int]:
    """Where a cell starts and ends, one of ``cells`` that cover ``length`` pixels from ``first`` on.

    Cell i covers pixels floor(i·length/cells) to ceil((i+1)·length/cells) - 1, PyTorch's adaptive pooling; cells
    after the last one are empty.
    """
    start = min(index, cells) * length // cells
    end = -(-(index + 1) * length // cells) if index < cells else start
    return first + start, first + end


BAND = 32
"""Rows of a table that are used for all reductions before the next ones: a core keeps them at hand."""


@compiled
def shrink(table: Table, blocks: Int64, into: UInt8) -> None:
    """Parts of an image's reductions, grey levels to the nearest, put where they belong on ``into`` (T, H, W, 4).

    ``blocks`` (N, 9) int64 says of each part: the number of the canvas, row and column there; the first row and
    column in the reduction, how many of them; the reduction's height and width. Beyond its end, the last pixel is
    repeated. Band after band of the table is read: all rows of all blocks that begin there.
    """
    high, wide = table.shape[0] - 1, table.shape[1] - 1
    left = np.empty((len(blocks), blocks[:, 6].max()), np.int64)
    right, share, done = np.empty_like(left), np.empty(left.shape, np.float32), np.zeros(len(blocks), np.int64)
    for b in range(len(blocks)):
        for j in range(blocks[b, 6]):
            at = min(blocks[b, 4] + j, blocks[b, 8] - 1)
            left[b, j], right[b, j] = _ends(at, blocks[b, 8], 0, wide)
            share[b, j] = np.float32(1) / np.float32(right[b, j] - left[b, j])
    for band in range(BAND, high + BAND, BAND):
        for b in range(len(blocks)):
            while done[b] < blocks[b, 5]:
                at, n = min(blocks[b, 3] + done[b], blocks[b, 7] - 1), blocks[b, 6]
                start, end = _ends(at, blocks[b, 7], 0, high)
                if start >= band:
                    break
                height, row = np.float32(1) / np.float32(end - start), into[blocks[b, 0], blocks[b, 1] + done[b]]
                rows, columns = (table[start], table[end]), (left[b, :n], right[b, :n], share[b])
                _average_row(*rows, *columns, height, np.float32(0.5), row, blocks[b, 2])
                done[b] += 1
