"""The picture of heat: what it shows where."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facecluster.albums.heat import FULL, GAP, SIDE, heat_map
from facecluster.records import Box, Float32, UInt8

SQUARE = Box(0, 0, 50, 50)


@pytest.fixture
def chip() -> UInt8:
    return np.full((224, 224, 3), (200, 100, 50), np.uint8)


@pytest.fixture
def heat() -> Float32:
    """A hot square in the upper left quarter, a cold one in the lower right."""
    heat = np.zeros((224, 224), np.float32)
    heat[40:80, 40:80] = 0.5
    heat[150:190, 150:190] = -0.5
    return heat


def colourful(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture, int)
    return np.asarray(pixels.max(axis=2) - pixels.min(axis=2) > 20)


def test_the_face_is_beside_its_heat(chip: UInt8, heat: Float32) -> None:
    both = heat_map(chip, heat, SQUARE)
    assert both.size == (2 * SIDE + GAP, SIDE)
    assert both.getpixel((10, 10)) == (200, 100, 50)
    assert both.getpixel((SIDE + 1, 10)) == (255, 255, 255)
    hot = colourful(both.crop((SIDE + GAP, 0, 2 * SIDE + GAP, SIDE)))
    assert hot[90:150, 90:150].all()
    hot[60:180, 60:180] = False
    assert not hot.any(), "the rest is grey, the cold square, too"


def test_little_heat_is_dim_and_none_is_grey(chip: UInt8, heat: Float32) -> None:
    def brightness(share: float) -> int:
        picture = heat_map(np.zeros_like(chip), heat * share, SQUARE)
        return sum(picture.getpixel((SIDE + GAP + 120, 120)))  # type: ignore[arg-type]

    assert brightness(1) == brightness(FULL / 0.5) > 2 * brightness(FULL / 4) > 0
    assert not colourful(heat_map(chip, heat * 0, SQUARE).crop((SIDE + GAP, 0, 2 * SIDE + GAP, SIDE))).any()


def test_a_face_has_its_shape_back(chip: UInt8, heat: Float32) -> None:
    assert heat_map(chip, heat, Box(0, 0, 50, 100)).size == (SIDE + GAP, SIDE)
    assert heat_map(chip, heat, Box(0, 0, 100, 50)).size == (2 * SIDE + GAP, SIDE // 2)
