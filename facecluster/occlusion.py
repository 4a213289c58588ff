"""Which parts of a face carry a match: cover a part, embed the face again, see how much farther it is.

A square slides over the chip (Zeiler & Fergus, ECCV 2014). Where covering it takes the face far from a person,
the network looks when it takes the two for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facecluster.records import Float32, Int64, UInt8

BATCH = 64
"""Covered chips are made and embedded so many at a time."""

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels of a chip, the last two exclusive."""


@dataclass(frozen=True, slots=True)
class OcclusionOptions:
    """The square's ``side``, and its ``step`` to the next place, at most ``side``; in pixels of the chip."""

    side: int = 32
    step: int = 8


def occlusion(
    chip: UInt8,
    mean: Float32,
    embed: Callable[[UInt8], Float32],
    region: Region,
    options: OcclusionOptions | None = None,
) -> Float32:
    """How much each pixel of a chip adds to the match: (S, S) float32, 0 outside of ``region``.

    ``chip`` is (S, S, 3) uint8, ``mean`` (D,) float32 the mean of somebody's embeddings, ``embed`` takes chips
    (N, S, S, 3) uint8 to unit vectors (N, D) float32. Each square of the region is painted over with the region's
    mean colour; by how much the mean squared distance 2 - 2·x·mean to the somebody's faces grows, is the square's
    weight, and a pixel's is the mean over the squares that cover it. It is negative where the face is nearer
    without the pixel.
    """
    squares = places(region, options or OcclusionOptions())
    x0, y0, x1, y1 = region
    colour = np.round(chip[y0:y1, x0:x1].mean(axis=(0, 1))).astype(np.uint8)
    near = embed(chip[None])[0] @ mean
    total, count = np.zeros(chip.shape[:2]), np.zeros(chip.shape[:2])
    for start in range(0, len(squares), BATCH):
        part = squares[start : start + BATCH]
        weights = 2 * (near - embed(_covered(chip, part, colour)) @ mean)
        for (left, top, right, bottom), weight in zip(part.tolist(), weights.tolist(), strict=True):
            total[top:bottom, left:right] += weight
            count[top:bottom, left:right] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def places(region: Region, options: OcclusionOptions) -> Int64:
    """The squares (N, 4) that cover a region, row by row, as regions; those at its edge are cut off there."""
    x0, y0, x1, y1 = region
    side, step = options.side, options.step
    spans = []
    for low, high in ((x0, x1), (y0, y1)):
        start = np.arange(low, high, step) + (step - side) // 2
        spans.append(np.stack((start, start + side), axis=1).clip(low, high))
    across, down = spans
    rows, columns = np.repeat(down, len(across), axis=0), np.tile(across, (len(down), 1))
    return np.stack((columns[:, 0], rows[:, 0], columns[:, 1], rows[:, 1]), axis=1)


def _covered(chip: UInt8, squares: Int64, colour: UInt8) -> UInt8:
    """The chip (N, S, S, 3) with one square after another painted over."""
    chips = np.repeat(chip[None], len(squares), axis=0)
    for covered, (x0, y0, x1, y1) in zip(chips, squares.tolist(), strict=True):
        covered[y0:y1, x0:x1] = colour
    return chips
