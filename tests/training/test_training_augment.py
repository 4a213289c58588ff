from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facecluster.nets.framing import cut, frames, middle
from facecluster.training.augment import AugmentOptions, blur, cover, crop, grey, jpeg, light, placement, small
from tests.training.pictures import chip_of

FRAME = middle(160, 160)


def test_without_changes_it_is_the_crop_that_the_model_is_given() -> None:
    chip, points = chip_of(3), np.array([[[80, 95], [140, 100], [112, 120], [90, 140], [138, 146]]], np.float32)
    where = frames("steady 22/160", 160, points, np.full((1, 2), 50, np.float32))
    picture = crop(chip, 160, where[0], np.random.default_rng(0), AugmentOptions.none())
    assert picture.dtype == np.uint8
    assert np.abs(picture - cut(chip[None], where, 160)[0]).max() <= 0.5


def test_nothing_is_moved_without_changes() -> None:
    unchanged = placement(112, np.random.default_rng(0), AugmentOptions.none())
    assert unchanged == pytest.approx(np.eye(2, 3))


def test_what_is_drawn_stays_within_its_ranges() -> None:
    options = replace(AugmentOptions.none(), shift=0.05, scale=0.1, turn=8.0)
    for seed in range(50):
        matrix = placement(160, np.random.default_rng(seed), options)
        factor = np.hypot(matrix[0, 0], matrix[1, 0])
        angle = np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))
        middle = matrix @ [79.5, 79.5, 1] - 79.5
        assert 0.9 <= factor <= 1.1
        assert abs(angle) <= 8
        assert (abs(middle) <= 0.05 * 160 + 1e-9).all()


def test_a_seed_makes_the_same_picture_again_and_another_seed_another() -> None:
    chip, options = chip_of(5), AugmentOptions()
    pictures = [crop(chip, 160, FRAME, np.random.default_rng(seed), options) for seed in (1, 1, 2)]
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] != pictures[2]).any()


@pytest.mark.parametrize("change", [light, grey, blur, small, jpeg, cover])
def test_changes_keep_size_and_type_and_do_change_something(change: object) -> None:
    picture = chip_of(6)[:160, :160]
    before = picture.copy()
    assert callable(change)
    changed = change(picture, np.random.default_rng(1))
    assert changed.shape == picture.shape
    assert changed.dtype == np.uint8
    assert (changed != picture).any()
    assert (picture == before).all()


def test_grey_has_no_colour() -> None:
    changed = grey(chip_of(7), np.random.default_rng(0))
    assert (changed == changed[:, :, :1]).all()


def test_a_cover_is_a_rectangle_of_one_grey_that_leaves_most_of_the_face() -> None:
    picture = chip_of(8)[:160, :160]
    for seed in range(20):
        changed = (cover(picture, np.random.default_rng(seed)) != picture).any(2)
        assert 0 < changed.mean() <= 0.45**2 + 0.01
