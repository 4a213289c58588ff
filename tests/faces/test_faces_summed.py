from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from facecluster.faces.summed import Table, _ends, crop, look, shrink, table_of
from facecluster.records import Float32, UInt8


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def area(image: UInt8, height: int, width: int) -> Float32:
    """The definition: average over each cell's pixels, as torch does it from the pixels themselves."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    averages: Float32 = interpolate(pixels, size=(height, width), mode="area")[0].permute(1, 2, 0).numpy()
    return averages


def shrunk(
    table: Table, height: int, width: int, rows: slice = slice(None), columns: slice = slice(None)
) -> UInt8:
    """A part of a reduction, put somewhere on the second of two canvases, with nothing around it."""
    (top, h), (left, w) = (
        (part.indices(side)[0], len(range(side)[part])) for part, side in ((rows, height), (columns, width))
    )
    into = np.zeros((2, h + 3, w + 5, 4), np.uint8)
    shrink(table, np.array([(1, 2, 3, top, left, h, w, height, width)]), into)
    seen = into[1, 2:-1, 3:-2]
    assert (seen[..., 3] == 255).all()
    assert np.count_nonzero(into[..., 3]) == seen[..., 3].size
    return seen[..., :3]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (12, 12), (33, 50), (60, 80)])
def test_shrink_is_the_area_average_to_the_nearest(size: tuple[int, int]) -> None:
    image = noise(33, 50)
    np.testing.assert_allclose(shrunk(table_of(image), *size), area(image, *size), atol=0.501)


def test_shrink_of_a_part_is_a_part_of_the_whole() -> None:
    table = table_of(noise(140, 90))
    part, whole = shrunk(table, 100, 70, slice(4, 79), slice(9, 33)), shrunk(table, 100, 70)
    np.testing.assert_array_equal(part, whole[4:79, 9:33])


def test_shrink_repeats_the_last_pixels_and_draws_many_parts() -> None:
    table = table_of(noise(50, 40))
    blocks = [(0, 0, 0, 0, 0, 21, 16, 20, 15), (0, 30, 4, 9, 2, 3, 5, 50, 40), (1, 1, 1, 0, 0, 4, 4, 4, 4)]
    into = np.zeros((2, 40, 30, 4), np.uint8)
    shrink(table, np.array(blocks), into)
    whole = np.pad(shrunk(table, 20, 15), ((0, 1), (0, 1), (0, 0)), mode="edge")
    np.testing.assert_array_equal(into[0, :21, :16, :3], whole)
    np.testing.assert_array_equal(into[0, 30:33, 4:9, :3], shrunk(table, 50, 40)[9:12, 2:7])
    np.testing.assert_array_equal(into[1, 1:5, 1:5, :3], shrunk(table, 4, 4))


def test_look_shows_squares_of_the_area_average_and_nothing_outside() -> None:
    image, corners = noise(33, 50, 2), np.array([[0, 0], [18, 3], [9, 12], [19, 14]])
    around = np.zeros((22 + 12, 30 + 12, 4), np.float32)
    around[:22, :30, :3], around[:22, :30, 3] = area(image, 22, 30), 255
    shapes = np.array([(22, 30)] * 4)
    seen = look(table_of(image), shapes, corners, 12)
    for i, (x, y) in enumerate(corners.tolist()):
        np.testing.assert_allclose(seen[i], around[y : y + 12, x : x + 12], atol=1e-3)
    assert look(table_of(image), shapes[:0], corners[:0], 12).shape == (0, 12, 12, 4)
    shapes[1] = 11, 20
    assert (look(table_of(image), shapes, corners, 12)[0] == seen[0]).all()
    np.testing.assert_allclose(
        look(table_of(image), shapes, corners, 12)[1, :8, :2, :3], area(image, 11, 20)[3:, 18:], atol=1e-3
    )


def test_crop_averages_each_box() -> None:
    image = noise(40, 60, 1)
    boxes = np.array([[0, 0, 60, 40], [10, 5, 34, 29], [3, 4, 10, 12], [59, 39, 60, 40]])
    cut = crop(table_of(image), boxes, 24)
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        np.testing.assert_allclose(cut[i, ..., :3], area(image[y0:y1, x0:x1], 24, 24), atol=1e-3)
    whole = crop(table_of(image), boxes, 24, whole=True)
    assert whole.dtype == np.uint8
    np.testing.assert_array_equal(whole, np.floor(cut + np.float32(0.5)))


def test_a_table_lies_at_the_beginning_of_memory_that_is_large_enough() -> None:
    image, memory = noise(20, 30, 3), np.full(21 * 31 * 4 + 5, 7, np.int32)
    table = table_of(image, memory)
    assert np.shares_memory(table, memory)
    assert memory[-5:].tolist() == [7] * 5
    np.testing.assert_array_equal(table, table_of(image))
    elsewhere = table_of(image, memory[6:])
    assert not np.shares_memory(elsewhere, memory)
    np.testing.assert_array_equal(elsewhere, table)


def test_sums_that_wrap_around_still_give_averages() -> None:
    table = table_of(np.full((3100, 3100, 3), 255, np.uint8))  # the whole sums to more than 2**31
    assert int(table[-1, -1, 0]) < 0
    np.testing.assert_allclose(shrunk(table, 12, 12), 255, atol=0)
    np.testing.assert_allclose(shrunk(table, 400, 400), 255, atol=0)


def test_cells_cover_every_pixel() -> None:
    assert [_ends(i, 4, 0, 10) for i in range(6)] == [(0, 3), (2, 5), (5, 8), (7, 10), (10, 10), (10, 10)]
    assert [_ends(i, 4, 7, 3) for i in range(4)] == [(7, 8), (7, 9), (8, 10), (9, 10)]
