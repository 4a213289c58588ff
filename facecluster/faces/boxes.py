"""Geometry of candidate boxes: arrays (N, 4) float32 of x0, y0, x1, y1 in pixels, and their overlaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facecluster.faces.compiled import compiled
from facecluster.records import Float32, Int64

Bools = NDArray[np.bool_]


def suppress(boxes: Float32, scores: Float32, group: Int64, overlap: float) -> Int64:
    """Non-maximum suppression by intersection over union, within each group: kept indices, best first.

    ``boxes`` (N, 4), ``scores`` (N,) above 0, ``group`` (N,) int64: boxes of different groups never compete.
    """
    order = np.lexsort((-scores, group))
    alive = np.ones(len(order), bool)
    _leave_best(boxes[order].astype(np.float64), group[order], overlap, alive)
    kept = order[alive]
    return kept[np.argsort(-scores[kept], kind="stable")]


@compiled
def _leave_best(boxes: NDArray[np.float64], group: Int64, overlap: float, alive: Bools) -> None:
    """Set ``alive`` (N,) to False for boxes that an earlier one of their group covers; groups are in one piece."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in range(len(boxes)):
        j = i + 1
        while alive[i] and j < len(boxes) and group[j] == group[i]:
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
            shared = max(width, 0.0) * max(height, 0.0)
            if shared > overlap * (areas[i] + areas[j] - shared):
                alive[j] = False
            j += 1


def suppress_nested(boxes: Float32, scores: Float32, group: Int64, overlap: float) -> Int64:
    """As ``suppress``, but by intersection over the *smaller* of the two boxes, which also drops nested ones.

    The last step of MTCNN; sides count whole pixels (x1 - x0 + 1), and of boxes with the same score the last one
    is the best, as in the original: probabilities are often as near to 1 as float32 has it.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    covers = _covered(boxes[order], group[order]) > overlap  # (N, N)
    alive = np.ones(len(order), bool)
    for i, row in enumerate(covers):
        if alive[i]:
            alive[i + 1 :] &= ~row[i + 1 :]
    return order[alive]


def _covered(boxes: Float32, group: Int64) -> Float32:
    """Intersection over the smaller area for every pair of the same group: (N, N) in 0..1."""
    area = (boxes[:, 2:] - boxes[:, :2] + 1).clip(min=0).prod(1)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (high - low + 1).clip(min=0).prod(2)
    smaller = np.minimum(area[:, None], area)
    share: Float32 = shared / np.maximum(smaller, np.finfo(np.float32).tiny) * (group[:, None] == group)
    return share


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
