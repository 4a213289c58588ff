from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from facecluster.nets.card import Crop
from facecluster.nets.framing import TEMPLATE, USUAL, composed, cut, frames, middle, similarity
from facecluster.records import CHIP_BOX, CHIP_SIZE, Box, Float32

SIDES = np.full((1, 2), 50, np.float32)


def test_similarity_is_the_best_of_many_tried() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.random((1, 5, 2)), rng.random((1, 5, 2))
    best = similarity(source, target)[0]

    def error(transform: np.ndarray) -> float:
        return float(np.square(source[0] @ transform[:, :2].T + transform[:, 2] - target[0]).sum())

    for turn, scale, dx, dy in product((-0.03, 0, 0.03), (0.97, 1, 1.03), (-0.02, 0, 0.02), (-0.02, 0, 0.02)):
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        other = scale * rotation @ best
        other[:, 2] += [dx, dy]
        assert error(best) <= error(other) + 1e-9


def test_similarity_recovers_a_known_transform() -> None:
    source = np.array([[[0.0, 0], [1, 0], [0, 1], [2, 3], [4, 1]]])
    turned = source @ [[0.0, 2.0], [-2.0, 0.0]] + [5.0, 7.0]
    np.testing.assert_allclose(similarity(source, turned), np.array([[[0.0, -2, 5], [2, 0, 7]]]), atol=1e-12)


def test_align_moves_the_landmarks_to_the_template() -> None:
    """Dots are drawn at landmarks that are the template turned, scaled, shifted and seen in a stretched chip."""
    turn = np.array([[0.9, -0.3], [0.3, 0.9]])
    in_photo = (np.array(TEMPLATE) - 56) @ turn.T * 1.2 + 112
    box = Box(0.0, 0.0, 62.0, 93.0)
    stretch = np.array([box.width, box.height]) / ((box.width + box.height) / 2)
    in_chip = ((in_photo - 112) / stretch + 112).astype(np.float32)
    chip = np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    for x, y in in_chip:
        chip[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
    sides = np.array([[box.width, box.height]], np.float32)
    where = frames("five-point 112", 112, in_chip[None], sides)
    aligned = cut(chip[None], where, 112)[0, :, :, 0]
    for x, y in TEMPLATE:
        assert aligned[round(y), round(x)] > 100
    assert aligned[5, 5] == 0


def corners(size: int, frame: np.ndarray) -> Any:
    """The outer edges of a crop's first and last pixel, in chip pixels."""
    return np.array([[-0.5, -0.5, 1], [size - 0.5, size - 0.5, 1]]) @ frame.T + 0.5


@pytest.mark.parametrize("size", [96, 112, 160, 220])
@pytest.mark.parametrize(("crop", "margin"), [("box 36/160", 36), ("steady 22/160", 22)])
def test_a_face_with_the_usual_landmarks_is_its_box_and_the_margin(crop: Crop, margin: int, size: int) -> None:
    usual = np.array([USUAL], np.float32)
    first, last = corners(size, frames(crop, size, usual, SIDES)[0])
    share = CHIP_BOX / (last - first)
    assert share == pytest.approx(1 - margin / 160, abs=1e-6)
    assert (first + last) / 2 == pytest.approx(CHIP_SIZE / 2, abs=1e-4)


def test_a_steady_crop_goes_half_the_way_that_the_landmarks_go() -> None:
    """Landmarks that are larger, turned and elsewhere, compared with the box alone point by point."""
    usual = np.array([USUAL])
    turn = np.array([[1.1, -0.2], [0.2, 1.1]])
    points = ((usual - 112) @ turn.T + 112 + [6, -4]).astype(np.float32)
    (frame,) = frames("steady 22/160", 160, points, SIDES)
    alone = middle(CHIP_BOX * 160 / 138, 160)
    for x, y in [(0, 0), (159, 0), (40, 120), (80, 80)]:
        by_box = alone @ [x, y, 1]
        by_landmarks = turn @ (by_box - 112) + 112 + [6, -4]
        assert frame @ [x, y, 1] == pytest.approx((by_box + by_landmarks) / 2, abs=1e-3)


def test_two_maps_are_done_one_after_the_other() -> None:
    random = np.random.default_rng(0)
    outer, inner = random.random((3, 2, 3)), random.random((2, 3))
    for both, each in zip(composed(outer, inner), outer, strict=True):
        whole = np.vstack([each, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]])
        assert both == pytest.approx(whole[:2])


def test_a_crop_is_interpolated_between_four_pixels_and_repeats_the_edge() -> None:
    chips = np.random.default_rng(1).integers(0, 256, (2, CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    shift = np.array([[[1, 0, 10.25], [0, 1, -3]], [[1, 0, 200], [0, 1, 50.5]]])
    crops = cut(chips, shift, 32)
    assert crops.dtype == np.float32
    for i, (dx, dy) in enumerate(((10.25, -3), (200, 50.5))):
        for y, x in product(range(32), repeat=2):
            assert crops[i, y, x] == pytest.approx(between(chips[i], x + dx, y + dy), abs=1e-2)
    assert cut(chips[:0], shift[:0], 32).shape == (0, 32, 32, 3)


def between(chip: np.ndarray, x: float, y: float) -> Float32:
    """The colour at a place between four pixels."""
    left, upper = int(np.floor(x)), int(np.floor(y))
    total = np.zeros(3, np.float32)
    for row, column in product((upper, upper + 1), (left, left + 1)):
        weight = (1 - abs(x - column)) * (1 - abs(y - row))
        total += np.float32(weight) * chip[min(max(row, 0), CHIP_SIZE - 1), min(max(column, 0), CHIP_SIZE - 1)]
    return total
