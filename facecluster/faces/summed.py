"""Area averages of an image in constant time each, by summed-area tables (Crow, SIGGRAPH 1984).

MTCNN looks at every photo at about ten scales and at hundreds of candidate boxes. Averaging pixels from a
summed-area table costs four look-ups per output pixel whatever the size of the area, and the sums are exact
integers, so the result is that of ``torch.nn.functional.interpolate(mode="area")`` on the pixels themselves.

Pixels have four numbers here (red, green, blue and 255): sixteen bytes are moved about by one instruction.
"""

from __future__ import annotations

import math
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


def size_of(table: Table) -> tuple[int, int]:
    """Height and width of the image in pixels."""
    return table.shape[0] - 1, table.shape[1] - 1


def edges(length: Int64, cells: int, index: Int64) -> tuple[Int64, Int64]:
    """Where the averaging cells numbered ``index`` start and end along sides that ``cells`` of them cover.

    Cell i covers pixels floor(i·length/cells) to ceil((i+1)·length/cells) - 1, PyTorch's adaptive pooling.
    ``length`` is (N,) int64, ``index`` (M,) int64; returns two (N, M) int64.
    """
    start = index * length[:, None] // cells
    end = -((index + 1) * -length[:, None] // cells)
    return start, end


def shrink(table: Table, blocks: Int64, into: UInt8) -> None:
    """Parts of an image's reductions, grey levels to the nearest, put where they belong on ``into`` (T, H, W, 4).

    ``blocks`` (N, 9) int64 says of each part: the number of the canvas, its row and column there; its first row and
    column in the reduction, its height and width; height and width of the reduction. Beyond the reduction's end, its
    last pixel is repeated.
    """
    _shrink(table, blocks, into)


def look(table: Table, shape: tuple[int, int], corners: Int64, side: int) -> Float32:
    """Squares of an image averaged to ``shape``: (N, side, side, 4) float32, 0 outside of the image.

    ``corners`` is (N, 2) int64, the squares' upper left pixels as x, y.
    """
    (top, bottom), (left, right) = (
        _edges_at(length, cells, first[:, None] + np.arange(side))
        for length, cells, first in zip(size_of(table), shape, corners.T[::-1], strict=True)
    )
    into = np.empty((len(corners), side, side, 4), np.float32)
    _average(table, top, bottom, left, right, np.float32(0), into)
    return into


def _edges_at(length: int, cells: int, index: Int64) -> tuple[Int64, Int64]:
    """As ``edges`` for one side, but ``index`` may have any shape, and cells after the last one are empty."""
    start, end = edges(np.array([length]), cells, np.minimum(index, cells).ravel())
    start, end = start.reshape(index.shape), end.reshape(index.shape)
    return start, np.where(index < cells, end, start)


def crop(table: Table, boxes: Int64, size: int, *, whole: bool = False) -> NDArray[Any]:
    """Boxes of one image averaged to squares: (N, size, size, 4) grey levels 0..255, float32 or the nearest uint8.

    ``boxes`` is (N, 4) int64 x0, y0, x1, y1 in pixels, x1 and y1 exclusive, inside the image and not empty.
    """
    x0, y0, x1, y1 = boxes.T
    top, bottom = edges(y1 - y0, size, np.arange(size)) + y0[:, None]
    left, right = edges(x1 - x0, size, np.arange(size)) + x0[:, None]
    into = np.empty((len(boxes), size, size, 4), np.uint8 if whole else np.float32)
    _average(table, top, bottom, left, right, np.float32(0.5 if whole else 0), into)
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
def _average(
    table: Table, top: Int64, bottom: Int64, left: Int64, right: Int64, more: np.float32, into: NDArray[Any]
) -> None:
    """Averages over the cells of N grids, plus ``more``: rows end at (N, h), columns at (N, w).

    ``into`` is (N, h, w, 4).
    """
    share = np.empty(left.shape[1], np.float32)
    for n in range(len(top)):
        for j in range(len(share)):
            share[j] = np.float32(1) / np.float32(max(right[n, j] - left[n, j], 1))
        for i in range(top.shape[1]):
            height = np.float32(1) / np.float32(max(bottom[n, i] - top[n, i], 1))
            above, below = table[top[n, i]], table[bottom[n, i]]
            _average_row(above, below, left[n], right[n], share, height, more, into[n, i], 0)


BAND = 32
"""Rows of a table that are used for all reductions before the next ones: a core keeps them at hand."""


@compiled
def _shrink(table: Table, blocks: Int64, into: UInt8) -> None:
    """See ``shrink``: band after band of the table, all rows of all blocks that begin there."""
    high, wide = table.shape[0] - 1, table.shape[1] - 1
    left = np.empty((len(blocks), blocks[:, 6].max()), np.int64)
    right, share, done = np.empty_like(left), np.empty(left.shape, np.float32), np.zeros(len(blocks), np.int64)
    for b in range(len(blocks)):
        for j in range(blocks[b, 6]):
            at, of = min(blocks[b, 4] + j, blocks[b, 8] - 1), blocks[b, 8]
            left[b, j], right[b, j] = at * wide // of, -(-(at + 1) * wide // of)
            share[b, j] = np.float32(1) / np.float32(right[b, j] - left[b, j])
    for band in range(BAND, high + BAND, BAND):
        for b in range(len(blocks)):
            while done[b] < blocks[b, 5]:
                at, of = min(blocks[b, 3] + done[b], blocks[b, 7] - 1), blocks[b, 7]
                start, end, n = at * high // of, -(-(at + 1) * high // of), blocks[b, 6]
                if start >= band:
                    break
                height, row = np.float32(1) / np.float32(end - start), into[blocks[b, 0], blocks[b, 1] + done[b]]
                rows, columns = (table[start], table[end]), (left[b, :n], right[b, :n], share[b])
                _average_row(*rows, *columns, height, np.float32(0.5), row, blocks[b, 2])
                done[b] += 1
