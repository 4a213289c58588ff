"""Area averages of an image in constant time each, by summed-area tables (Crow, SIGGRAPH 1984).

MTCNN looks at every photo at about ten scales and at hundreds of candidate boxes. Averaging pixels from a
summed-area table costs four look-ups per output pixel whatever the size of the area, and the sums are exact
integers, so the result is that of ``torch.nn.functional.interpolate(mode="area")`` on the pixels themselves.

Pixels have four numbers here (red, green, blue and 255): sixteen bytes are moved about by one instruction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32, Int64, UInt8

NARROW = 257
"""The largest area in pixels whose sum fits into 16 bits."""

BAND = 64
"""Rows that are averaged at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Table:
    """The summed-area table of H × W pixels: ``sums`` is (H+1, W+1, 4) int32, ``low`` its lower 16 bits.

    Entry (y, x) is the sum of the pixels above and left of it. Sums may wrap around; differences of them do not,
    as long as one averaged area stays below 2³¹ / 255 = 8.4 megapixels, in ``low`` up to ``NARROW`` pixels.
    """

    sums: NDArray[np.int32]
    low: NDArray[np.uint16]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.sums.shape[0] - 1, self.sums.shape[1] - 1


def table_of(image: UInt8) -> Table:
    """The table of ``image`` (H, W, 3) uint8 RGB."""
    sums = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), sdepth=cv2.CV_32S)
    return Table(np.asarray(sums, np.int32), sums.astype(np.uint16))


def edges(length: Int64, cells: int, index: Int64) -> tuple[Int64, Int64]:
    """Where the averaging cells numbered ``index`` start and end along sides that ``cells`` of them cover.

    Cell i covers pixels floor(i·length/cells) to ceil((i+1)·length/cells) - 1, PyTorch's adaptive pooling.
    ``length`` is (N,) int64, ``index`` (M,) int64; returns two (N, M) int64.
    """
    start = index * length[:, None] // cells
    end = -((index + 1) * -length[:, None] // cells)
    return start, end


def shrink(table: Table, shape: tuple[int, int], rows: Int64, columns: Int64, into: Float32) -> None:
    """Some pixels of an image averaged to ``shape``: those at ``rows`` × ``columns``, grey levels 0..255.

    ``rows`` (h,) and ``columns`` (w,) are int64 in order, ``into`` is (h, w, 4) float32.
    """
    size = np.array(table.size)
    (top,), (bottom,) = edges(size[:1], shape[0], rows)
    (left,), (right,) = edges(size[1:], shape[1], columns)
    height, width = bottom - top, right - left
    narrow = height.max() * width.max() <= NARROW
    sums, pixel = (table.low, np.complex64) if narrow else (table.sums, np.complex128)
    first, last = left[0], right[-1] + 1
    left, right = left - first, right - first
    per_row = (1 / height).astype(np.float32)[:, None, None]
    per_column = np.repeat(1 / width, 4).astype(np.float32)
    for i in range(0, len(rows), BAND):
        band = slice(i, i + BAND)
        strips = sums[bottom[band], first:last]
        strips -= sums[top[band], first:last]
        pixels = strips.view(pixel)[..., 0]  # one element a pixel, to be copied at once
        areas = np.take(pixels, right, 1).view(sums.dtype)  # (band, 4 w)
        areas -= np.take(pixels, left, 1).view(sums.dtype)
        averages = areas.astype(np.float32)
        averages *= per_column
        np.multiply(averages.reshape(into[band].shape), per_row[band], out=into[band])


def crop(table: Table, boxes: Int64, size: int) -> Float32:
    """Boxes of one image averaged to squares: (N, size, size, 4) float32, grey levels 0..255.

    ``boxes`` is (N, 4) int64 x0, y0, x1, y1 in pixels, x1 and y1 exclusive, inside the image and not empty.
    """
    x0, y0, x1, y1 = boxes.T
    top, bottom = edges(y1 - y0, size, np.arange(size))  # (N, size)
    left, right = edges(x1 - x0, size, np.arange(size))
    per_row = (1 / (bottom - top)).astype(np.float32)[:, :, None]
    per_column = np.repeat(1 / (right - left), 4, axis=1).astype(np.float32)[:, None]
    width, pixels = table.size[1] + 1, table.sums.reshape(-1).view(np.complex128)
    upper, lower = (top + y0[:, None]) * width, (bottom + y0[:, None]) * width
    left, right = left + x0[:, None], right + x0[:, None]

    def at(rows: Int64, columns: Int64) -> NDArray[np.int32]:
        return np.take(pixels, rows[:, :, None] + columns[:, None]).view(np.int32)  # (N, size, 4 size)

    sums = at(lower, right)
    sums -= at(upper, right)
    sums -= at(lower, left)
    sums += at(upper, left)
    averages = sums.astype(np.float32)
    averages *= per_column
    averages *= per_row
    return averages.reshape(-1, size, size, 4)
