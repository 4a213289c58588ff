"""The picture of heat: what it shows where, and that it takes nobody's place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster.albums import heat as heats
from facecluster.albums.heat import FULL, GAP, SIDE, heat_map, save
from facecluster.errors import UsageError
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


def test_a_map_is_written_once(chip: UInt8, heat: Float32, tmp_path: Path) -> None:
    picture = heat_map(chip, heat, SQUARE)
    save(picture, tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as written:
        assert (written.format, written.size) == ("PNG", picture.size)
        np.testing.assert_array_equal(np.asarray(written), np.asarray(picture))
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    for name, why in (
        ("mine.png", "is there already"),
        ("nowhere.png", "is there already"),
        ("map.jpg", "call it map.png"),
        ("", f"call it {tmp_path.name}.png"),
        ("none/map.png", "There is no folder"),
    ):
        with pytest.raises(UsageError, match=why):
            save(picture, tmp_path / name)
    assert (tmp_path / "mine.png").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.png", "mine.png", "nowhere.png"]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_comes_meanwhile_stays(
    chip: UInt8, heat: Float32, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    check, file = heats.check_free, tmp_path / "map.png"

    def then_somebody_writes(path: Path) -> None:
        check(path)
        file.write_bytes(b"mine")

    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
        save(heat_map(chip, heat, SQUARE), tmp_path / "other.png")
        assert (tmp_path / "other.png").stat().st_size > 1000
    monkeypatch.setattr(heats, "check_free", then_somebody_writes)
    with pytest.raises(UsageError, match="is there already"):
        save(heat_map(chip, heat, SQUARE), file)
    assert file.read_bytes() == b"mine"


def test_a_failure_leaves_nothing(
    chip: UInt8, heat: Float32, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Image.Image, *arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UsageError, match=r"map.png cannot be written \(No space left on device\)"):
        save(heat_map(chip, heat, SQUARE), tmp_path / "map.png")
    assert list(tmp_path.iterdir()) == []
