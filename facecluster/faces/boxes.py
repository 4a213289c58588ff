"""Geometry of candidate boxes: arrays (N, 4) float32 of x0, y0, x1, y1 in pixels, and their overlaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facecluster.faces.compiled import compiled
from facecluster.records import Float32, Int64

Bools = NDArray[np.bool_]

TINY = np.float32(np.finfo(np.float32).tiny)


def suppress(boxes: Float32, scores: Float32, group: Int64, overlap: float) -> Int64:
    """Non-maximum suppression by intersection over union, within each group: kept indices, best first.

    ``boxes`` (N, 4), ``scores`` (N,) above 0, ``group`` (N,) int64: boxes of different groups never compete.
    """
    order = np.lexsort((-scores, group))
    kept: Int64 = order[_best_of(boxes[order], group[order], overlap, False)]
    return kept[np.argsort(-scores[kept], kind="stable")]


def suppress_nested(boxes: Float32, scores: Float32, group: Int64, overlap: float) -> Int64:
    """As ``suppress``, but by intersection over the *smaller* of the two boxes, which also drops nested ones.

    The last step of MTCNN; sides count whole pixels (x1 - x0 + 1), and of boxes with the same score the last one
    is the best, as in the original: probabilities are often as near to 1 as float32 has it.
    """
    order = np.lexsort((-np.arange(len(scores)), -scores, group))
    kept = np.sort(order[_best_of(boxes[order], group[order], overlap, True)])
    return kept[np.argsort(scores[kept], kind="stable")[::-1]]


@compiled
def _best_of(boxes: Float32, group: Int64, limit: float, nested: bool) -> Bools:
    """Which boxes (N,) no better one of their group overlaps; groups are in one piece, the best ones first."""
    alive = np.ones(len(boxes), np.bool_)
    for i in range(len(boxes)):
        j = i + 1
        while alive[i] and j < len(boxes) and group[j] == group[i]:
            if alive[j] and overlaps(boxes[i], boxes[j], limit, nested):
                alive[j] = False
            j += 1
    return alive


@compiled
def overlaps(one: Float32, other: Float32, limit: float, nested: bool) -> bool:
    """Whether two boxes (4,) share more than ``limit`` of the area of both, or of the smaller one if ``nested``.

    The latter counts whole pixels, in float32, as the original does.
    """
    if nested:
        return bool(_nested(one, other) > np.float32(limit))
    x0, y0, x1, y1 = np.float64(one[0]), np.float64(one[1]), np.float64(one[2]), np.float64(one[3])
    u0, v0, u1, v1 = np.float64(other[0]), np.float64(other[1]), np.float64(other[2]), np.float64(other[3])
    shared = max(min(x1, u1) - max(x0, u0), 0.0) * max(min(y1, v1) - max(y0, v0), 0.0)
    return bool(shared > limit * ((x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - shared))


@compiled
def _nested(one: Float32, other: Float32) -> Any:
    """The shared part of the smaller of two boxes (4,)."""
    pixel, none = np.float32(1), np.float32(0)
    width = max(min(one[2], other[2]) - max(one[0], other[0]) + pixel, none)
    height = max(min(one[3], other[3]) - max(one[1], other[1]) + pixel, none)
    area = max(one[2] - one[0] + pixel, none) * max(one[3] - one[1] + pixel, none)
    other_area = max(other[2] - other[0] + pixel, none) * max(other[3] - other[1] + pixel, none)
    return width * height / max(min(area, other_area), TINY)


def regress(boxes: Float32, offsets: Float32, extra: float = 1.0) -> Float32:
    """Move each side by its predicted ``offsets`` (N, 4), in units of the box's own sides plus ``extra`` pixel."""
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(extra)
    moved: Float32 = boxes + offsets * np.concatenate([sides, sides], 1)
    return moved


def squared(boxes: Float32) -> Float32:
    """The smallest squares about the same centres that hold the boxes."""
    sides = boxes[:, 2:] - boxes[:, :2]
    side = sides.max(1, keepdims=True, initial=-np.inf)
    corner = boxes[:, :2] + sides * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([corner, corner + side], 1)


def clipped(boxes: Float32, width: int, height: int) -> tuple[Int64, Bools]:
    """Whole pixels inside the image: (N, 4) int64 with exclusive ends, and (N,) bool, which are not empty.

    Follows MTCNN, which counts pixels from 1: the first is ``trunc(x0) - 1``, the last ``trunc(x1) - 1``.
    """
    whole = np.trunc(boxes).astype(np.int64)
    low = whole[:, :2].clip(min=1) - 1
    high = np.minimum(whole[:, 2:], [width, height])
    there = (high[:, 0] > low[:, 0]) & (high[:, 1] > low[:, 1])
    return np.concatenate([low, high], 1), there
