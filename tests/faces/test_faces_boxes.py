from __future__ import annotations

import numpy as np
import pytest

from facecluster.faces import boxes as geometry
from facecluster.records import Float32, Int64


def some_boxes(seed: int, count: int = 40) -> tuple[Float32, Float32, Int64]:
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 60, (count, 2)), rng.uniform(5, 40, (count, 2))
    boxes = np.concatenate([corner, corner + sides], 1).astype(np.float32)
    return boxes, ((1 + rng.permutation(count)) / count).astype(np.float32), rng.integers(0, 3, count)


def keep_one_by_one(boxes: Float32, scores: Float32, group: Int64, limit: float, nested: bool) -> list[int]:
    """Suppression by its definition: the best box stays, those it covers go, and so on."""
    kept: list[int] = []
    extra = 1 if nested else 0
    for i in sorted(range(len(boxes)), key=lambda i: -float(scores[i])):
        covered = False
        for j in kept:
            a, b = boxes[i].tolist(), boxes[j].tolist()
            width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + extra)
            height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + extra)
            areas = [(box[2] - box[0] + extra) * (box[3] - box[1] + extra) for box in (a, b)]
            whole = min(areas) if nested else sum(areas) - width * height
            covered |= bool(group[i] == group[j]) and width * height / whole > limit
        if not covered:
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(10))
def test_suppression_keeps_what_the_definition_keeps(seed: int) -> None:
    boxes, scores, group = some_boxes(seed)
    kept = geometry.suppress(boxes, scores, group, 0.3)
    assert kept.tolist() == keep_one_by_one(boxes, scores, group, 0.3, nested=False)
    nested = geometry.suppress_nested(boxes, scores, group, 0.7)
    assert nested.tolist() == keep_one_by_one(boxes, scores, group, 0.7, nested=True)


def test_nothing_is_left_of_nothing() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    assert geometry.suppress(*nothing, 0.5).tolist() == geometry.suppress_nested(*nothing, 0.5).tolist() == []
    assert geometry.squared(nothing[0]).shape == (0, 4)


def test_suppress_leaves_other_groups_alone() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 3, np.float32)
    kept = geometry.suppress(boxes, np.array([0.5, 0.9, 0.7], np.float32), np.array([0, 0, 1]), 0.5)
    assert sorted(kept.tolist()) == [1, 2]


def test_of_nested_boxes_with_the_same_score_the_last_one_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], np.float32)
    kept = geometry.suppress_nested(boxes, np.ones(3, np.float32), np.zeros(3, np.int64), 0.7)
    assert sorted(kept.tolist()) == [1, 2]


def test_squared_keeps_the_centre_and_the_longer_side() -> None:
    square = geometry.squared(np.array([[10, 20, 20, 60]], np.float32))
    assert square.tolist() == [[-5.0, 20.0, 35.0, 60.0]]


def test_clipped_counts_pixels_from_one_as_mtcnn_does() -> None:
    boxes = np.array([[-3.5, 0.2, 8.9, 30.0], [12.0, 5.0, 9.0, 9.0], [4.0, 4.0, 9.0, 9.0]], np.float32)
    inside, there = geometry.clipped(boxes, 10, 20)
    assert inside.tolist()[0] == [0, 0, 8, 20]
    assert inside.tolist()[2] == [3, 3, 9, 9]
    assert there.tolist() == [True, False, True]


def test_regress_moves_sides_in_units_of_the_box() -> None:
    box, offsets = np.array([[10, 10, 19, 29]], np.float32), np.array([[0.1, 0.1, -0.1, 0.2]], np.float32)
    np.testing.assert_allclose(geometry.regress(box, offsets), [[11.0, 12.0, 18.0, 33.0]], atol=1e-5)
