from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facecluster.photos import reduced
from facecluster.records import Float32, UInt8


def averaged(pixels: UInt8, factor: int) -> Float32:
    """Cell by cell; beyond the picture, its last row and column go on."""
    height, width = (-(-side // factor) for side in pixels.shape[:2])
    found = np.zeros((height, width, 3), np.float32)
    for i, j in np.ndindex(height, width):
        rows = [min(factor * i + y, pixels.shape[0] - 1) for y in range(factor)]
        columns = [min(factor * j + x, pixels.shape[1] - 1) for x in range(factor)]
        found[i, j] = np.mean([pixels[y, x] for y in rows for x in columns], axis=0)
    return found


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(60, 120), (61, 119), (1, 7)])
def test_a_reduction_averages_whole_cells(size: tuple[int, int], factor: int) -> None:
    pixels = np.random.default_rng(factor).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = reduced(pixels, factor)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, averaged(pixels, factor), atol=0.51)


def test_a_picture_of_whole_cells_is_reduced_as_pillow_does() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_allclose(reduced(pixels, 2), np.asarray(Image.fromarray(pixels).reduce(2)), atol=1)
