"""Which parts of a chip carry a match, with networks that look at a place that is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from facecluster.occlusion import OcclusionOptions, Region, occlusion, places
from facecluster.records import Float32, UInt8

CORNER: Region = (8, 8, 14, 14)
REGION: Region = (8, 8, 40, 37)
MEAN = np.array([0.6, 0.0], np.float32)

Embed = Callable[[UInt8], Float32]


def looking_at(place: Region) -> Embed:
    """A network that sees only how bright ``place`` is: all white is (1, 0), all black (0, 1)."""
    x0, y0, x1, y1 = place

    def embed(chips: UInt8) -> Float32:
        angle = (1 - chips[:, y0:y1, x0:x1].mean(axis=(1, 2, 3)) / 255) * np.pi / 2
        return np.stack((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)

    return embed


@pytest.fixture
def chip() -> UInt8:
    """Dark noise with a white corner."""
    chip = np.random.default_rng(0).integers(0, 60, (48, 48, 3)).astype(np.uint8)
    chip[8:14, 8:14] = 255
    return chip


def slowly(chip: UInt8, embed: Embed, options: OcclusionOptions) -> Float32:
    """The definition, pixel by pixel: the mean over the squares that cover it."""
    x0, y0, x1, y1 = REGION
    colour = np.round(chip[y0:y1, x0:x1].reshape(-1, 3).mean(0))

    def distance(pixels: UInt8) -> float:
        return 2 - 2 * float(embed(pixels[None])[0] @ MEAN)

    half = (options.side - options.step) // 2 + (options.side - options.step) % 2
    weights = []
    for top in range(y0, y1, options.step):
        for left in range(x0, x1, options.step):
            rows = [y for y in range(top - half, top - half + options.side) if y0 <= y < y1]
            columns = [x for x in range(left - half, left - half + options.side) if x0 <= x < x1]
            covered = chip.copy()
            for y in rows:
                for x in columns:
                    covered[y, x] = colour
            weights.append((set(rows), set(columns), distance(covered) - distance(chip)))
    heat = np.zeros(chip.shape[:2], np.float32)
    for y in range(y0, y1):
        for x in range(x0, x1):
            heat[y, x] = np.mean([weight for rows, columns, weight in weights if y in rows and x in columns])
    return heat


@pytest.mark.parametrize(("side", "step"), [(8, 4), (9, 4), (6, 6), (7, 2)])
def test_occlusion_is_its_definition(chip: UInt8, side: int, step: int) -> None:
    options = OcclusionOptions(side, step)
    heat = occlusion(chip, MEAN, looking_at(CORNER), REGION, options)
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, slowly(chip, looking_at(CORNER), options), atol=1e-5)


def test_only_the_corner_at_which_the_network_looks_lights_up(chip: UInt8) -> None:
    heat = occlusion(chip, MEAN, looking_at(CORNER), REGION, OcclusionOptions(side=8, step=4))
    assert heat[8:14, 8:14].min() > 0.1
    assert heat[8:14, 8:14].max() == heat.max()
    near = np.zeros_like(heat, bool)
    near[8:22, 8:22] = True  # what a square that touches the corner can reach
    np.testing.assert_array_equal(heat[~near], 0)


def test_what_hides_the_person_is_negative(chip: UInt8) -> None:
    """The corner speaks against somebody who is (0, 1)."""
    heat = occlusion(chip, MEAN[::-1].copy(), looking_at(CORNER), REGION)
    assert heat.min() < -0.1
    assert heat.max() <= 0


def test_squares_cover_the_region_and_nothing_else() -> None:
    for side, step in ((32, 8), (5, 3), (4, 4)):
        covered = np.zeros((48, 48), int)
        for x0, y0, x1, y1 in places(REGION, OcclusionOptions(side, step)).tolist():
            assert x0 < x1 <= x0 + side
            assert y0 < y1 <= y0 + side
            covered[y0:y1, x0:x1] += 1
        inside = np.zeros_like(covered, bool)
        inside[8:37, 8:40] = True
        np.testing.assert_array_equal(covered > 0, inside)


def test_chips_are_embedded_in_batches(chip: UInt8) -> None:
    sizes: list[int] = []

    def embed(chips: UInt8) -> Float32:
        sizes.append(len(chips))
        return looking_at(CORNER)(chips)

    occlusion(chip, MEAN, embed, REGION, OcclusionOptions(side=4, step=2))
    assert sum(sizes) == 1 + 16 * 15
    assert max(sizes) == 64
