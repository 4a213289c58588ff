"""Pyramids on tiles: every cell of every level is on exactly one tile, with the pixels that it should see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from facecluster.faces.summed import table_of
from facecluster.faces.tiles import FIELD, STRIDE, Level, cells, draw, lay_out, pixels, pyramid
from facecluster.records import Float32

SIDE = 62


def levels_of(*sizes: tuple[int, int]) -> tuple[list[Level], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    return [level for i, image in enumerate(images) for level in pyramid(i, table_of(image), 20)], images


def test_cells_count_the_places_of_a_field_of_twelve() -> None:
    """As many as the maxima of facenet-pytorch's P-Net, whose last one may reach over the end."""
    for length in range(12, 60):
        maxima = -(-(length - 2) // 2)  # after a convolution of 3, over pairs, the last of them perhaps single
        assert cells(length) == maxima - 4
        assert length <= pixels(cells(length)) <= length + 1


def test_levels_shrink_until_the_field_is_larger() -> None:
    levels, _ = levels_of((100, 60))
    assert [level.shape for level in levels] == [(61, 37), (43, 26), (31, 19), (22, 13)]
    assert levels_of((19, 300))[0] == []


def test_every_cell_lies_on_one_tile_and_blocks_do_not_overlap() -> None:
    levels, _ = levels_of((130, 170), (61, 300), (40, 40))
    seen = {level: np.zeros((cells(level.shape[0]), cells(level.shape[1])), int) for level in levels}
    for tile in lay_out(levels, SIDE):
        used = np.zeros((SIDE, SIDE), int)
        for block, top, left in tile.blocks:
            assert top % STRIDE == left % STRIDE == 0
            height, width = block.pixels
            used[top : top + height, left : left + width] += 1
            assert top + height <= SIDE
            assert left + width <= SIDE
            rows, columns = (slice(first, first + n) for first, n in zip(block.first, block.cells, strict=True))
            seen[block.level][rows, columns] += 1
        assert used.max() == 1
    assert all((counts == 1).all() for counts in seen.values())


def whole(image: np.ndarray, level: Level) -> Float32:
    """The level by torch's definition, its last row and column twice."""
    given = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    average = interpolate(given, size=level.shape, mode="area")[0].permute(1, 2, 0).numpy()
    opaque = np.full((*level.shape, 1), 255, np.float32)
    return np.pad(np.concatenate([average, opaque], 2), ((0, 1), (0, 1), (0, 0)), mode="edge")


@pytest.mark.parametrize("sizes", [((130, 171),), ((61, 300), (40, 43))])
def test_a_tile_shows_each_cell_what_it_should_see(sizes: tuple[tuple[int, int], ...]) -> None:
    levels, images = levels_of(*sizes)
    tables = [table_of(image) for image in images]
    tiles = lay_out(levels, SIDE)
    for tile, canvas in zip(tiles, draw(tiles, tables, SIDE), strict=True):
        for block, top, left in tile.blocks:
            level = whole(images[block.level.image], block.level)
            for row, column in np.ndindex(block.cells):
                y, x = (STRIDE * (first + i) for first, i in zip(block.first, (row, column), strict=True))
                there = canvas[top + STRIDE * row :, left + STRIDE * column :][:FIELD, :FIELD]
                np.testing.assert_allclose(there, level[y : y + FIELD, x : x + FIELD], atol=0.501)
