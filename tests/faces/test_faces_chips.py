from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facecluster import faces
from facecluster.faces.chips import region
from facecluster.records import CHIP_BOX, CHIP_SIZE, Box, UInt8


def gradient(width: int, height: int) -> UInt8:
    """Red grows by one per pixel to the right, green by one per pixel downwards."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)


def test_the_box_becomes_the_middle_of_the_chip() -> None:
    box = Box(80, 60, 80 + CHIP_BOX / 2, 60 + CHIP_BOX / 4)
    chip = faces.cut(gradient(256, 200), box).astype(float)
    edge = (CHIP_SIZE - CHIP_BOX) // 2
    assert chip.shape == (CHIP_SIZE, CHIP_SIZE, 3)
    np.testing.assert_allclose(chip[112, [edge, -edge - 1], 0], [box.x0, box.x1 - 1], atol=1.5)
    np.testing.assert_allclose(chip[[edge, -edge - 1], 112, 1], [box.y0, box.y1 - 1], atol=1.5)


def test_beyond_the_photo_its_edge_is_repeated() -> None:
    chip = faces.cut(gradient(100, 100), Box(-30, 10, 94, 134)).astype(float)
    assert chip[0, :, 1].max() <= 1  # above the photo: row 0
    assert chip[:, :60, 0].max() <= 1  # left of it: column 0
    assert chip[-1, -1].tolist() == pytest.approx([99, 99, 0], abs=1)


@pytest.mark.parametrize(("x0", "column"), [(-400, 0), (400, 99)])
def test_a_box_beside_the_photo_shows_its_nearest_edge(x0: float, column: int) -> None:
    chip = faces.cut(gradient(100, 100), Box(x0, 20, x0 + 60, 80))
    assert (chip[..., 0] == column).all()


def test_landmarks_lie_on_the_same_pixels_of_photo_and_chip() -> None:
    box = Box(60, 40, 122, 133)
    points = np.array([[70, 60], [110, 62], [90, 80], [75, 100], [105, 101]], np.float32)
    chip = faces.cut(gradient(250, 250), box)
    for (x, y), (u, v) in zip(points, faces.landmarks_in_chip(points, box), strict=True):
        assert chip[int(v), int(u), :2].tolist() == pytest.approx([x, y], abs=1.5)


def test_encoding_loses_little() -> None:
    chip = faces.cut(gradient(250, 250), Box(60, 40, 122, 133))
    assert np.abs(faces.decode(faces.encode(chip)).astype(int) - chip).mean() < 2


def test_region_grows_about_the_centre() -> None:
    assert region(Box(0, 0, CHIP_BOX, 2 * CHIP_BOX)) == Box(-50, -100, CHIP_BOX + 50, 2 * CHIP_BOX + 100)


def test_blur_lowers_sharpness() -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (CHIP_SIZE, CHIP_SIZE, 3), dtype=np.uint8))
    small = noise.resize((30, 30)).resize((CHIP_SIZE, CHIP_SIZE), Image.Resampling.BILINEAR)
    assert faces.sharpness(np.asarray(noise)) > 10 * faces.sharpness(np.asarray(small))


def test_frontality_falls_as_the_nose_moves_aside() -> None:
    def face(nose: float) -> float:
        return faces.frontality(np.array([[0, 0], [40, 0], [nose, 20], [5, 40], [35, 40]], np.float32))

    assert face(20) == pytest.approx(1)
    assert 1 > face(26) > face(32) > 0
    assert face(45) == 0


def test_where_the_photo_lies_in_a_chip() -> None:
    box = Box(-30, 10, 94, 134)  # as large as in the chip, so a pixel is a pixel
    x0, y0, x1, y1 = faces.extent(box, 100, 100).tolist()
    assert (x0, y0, x1, y1) == (80, 40, 180, 140)
    chip = faces.cut(gradient(100, 100), box)
    assert (chip[:, :80, 0] == chip[:, 80:81, 0]).all()
    assert (chip[:, 180:, 0] == 99).all()
    assert chip[90, 81, 0] == 1
    assert faces.extent(Box(200, 200, 262, 262), 1000, 800).tolist() == [0, 0, CHIP_SIZE, CHIP_SIZE]


@pytest.mark.parametrize(
    "box",
    [
        Box(60.3, 40.8, 130.1, 133.2),
        Box(-20.5, 5, 60, 90),
        Box(100, 90, 103.5, 94.2),
        Box(-90, -80, -50, -40),
        Box(200.3, 150.8, 420.1, 460.2),
        Box(5, 8, 300.4, 250),
        Box(300, 300, 520, 380),
        Box(560, 480, 700, 620),
        Box(-400, -300, 1000, 900),
    ],
    ids=["enlarged", "beside", "tiny", "outside", "reduced", "left", "both", "corner", "all"],
)
def test_a_chip_is_cut_as_pillow_does_it(box: Box) -> None:
    """Against Pillow's own triangle filter on a photo whose edges are repeated far enough."""
    rng = np.random.default_rng(3)
    photo = rng.integers(0, 256, (500, 620, 3), dtype=np.uint8)
    around = 2000
    wide = Image.fromarray(np.pad(photo, ((around, around), (around, around), (0, 0)), "edge"))
    part = region(box)
    corners = part.x0 + around, part.y0 + around, part.x1 + around, part.y1 + around
    expected = wide.resize((CHIP_SIZE, CHIP_SIZE), Image.Resampling.BILINEAR, box=corners)
    np.testing.assert_allclose(faces.cut(photo, box), np.asarray(expected, float), atol=1)


def test_what_lies_in_memory_in_another_order_is_cut_as_well() -> None:
    photo = np.random.default_rng(3).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    turned = photo.transpose(1, 0, 2)
    box = Box(50, 20, 170, 160)
    assert (faces.cut(turned, box) == faces.cut(turned.copy(), box)).all()
