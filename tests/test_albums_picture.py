"""A picture file takes nobody's place, and is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster.albums import picture as pictures
from facecluster.albums.picture import PNG_OR_JPEG, Kinds, save
from facecluster.errors import UsageError


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))


def test_a_picture_is_written_once(picture: Image.Image, tmp_path: Path) -> None:
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
    picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    check, file = pictures.check_free, tmp_path / "map.png"

    def then_somebody_writes(path: Path, kinds: Kinds) -> None:
        check(path, kinds)
        file.write_bytes(b"mine")

    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
        save(picture, tmp_path / "other.png")
        assert (tmp_path / "other.png").stat().st_size > 1000
    monkeypatch.setattr(pictures, "check_free", then_somebody_writes)
    with pytest.raises(UsageError, match="is there already"):
        save(picture, file)
    assert file.read_bytes() == b"mine"


def test_a_failure_leaves_nothing(picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Image.Image, *arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UsageError, match=r"map.png cannot be written \(No space left on device\)"):
        save(picture, tmp_path / "map.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.jpeg", "JPEG")])
def test_the_suffix_says_the_kind(picture: Image.Image, tmp_path: Path, name: str, kind: str) -> None:
    save(picture, tmp_path / name, PNG_OR_JPEG)
    with Image.open(tmp_path / name) as written:
        assert (written.format, written.size) == (kind, picture.size)
    with pytest.raises(UsageError, match=r"PNG or JPEG file: call it a.png"):
        save(picture, tmp_path / "a.gif", PNG_OR_JPEG)
