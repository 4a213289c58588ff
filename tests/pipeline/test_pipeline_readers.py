"""At what size a photo is searched, and where its faces are then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster import photos
from facecluster.pipeline import readers
from facecluster.pipeline.outcomes import Claims
from facecluster.pipeline.readers import read, reduction
from facecluster.records import Box, Face, FileEntry, Photo, UInt8
from tests.conftest import fake_detect, fake_embed

Paint = Callable[..., Path]


def opened(width: int, height: int, scale: float = 1.0) -> photos.OpenPhoto:
    taken = datetime(2020, 1, 1)
    photo = Photo("0" * 64, "JPEG", round(width / scale), round(height / scale), taken, None, has_gps=False)
    return photos.OpenPhoto(photo, np.zeros((height, width, 3), np.uint8), scale)


@pytest.mark.parametrize(
    ("width", "height", "scale", "factor"),
    [
        (500, 400, 1, 1),
        (1999, 1999, 1, 1),
        (2000, 2000, 1, 1),  # four megapixels
        (2000, 2001, 1, 2),
        (2152, 1615, 1, 1),
        (3999, 1000, 1, 1),
        (3999, 2999, 1, 3),
        (2000, 1500, 0.5, 2),  # of 12 megapixels
        (2304, 1296, 0.5, 2),
        (3000, 2000, 0.5, 3),
        (1000, 750, 0.5, 1),
    ],
)
def test_photos_of_four_megapixels_are_searched_as_they_are_and_larger_ones_at_a_part_of_their_size(
    width: int, height: int, scale: float, factor: int
) -> None:
    assert reduction(opened(width, height, scale), 1000) == factor
    assert reduction(opened(height, width, scale), 1000) == factor


@pytest.mark.parametrize(
    ("size", "searched"),
    [((160, 120), (120, 160)), ((640, 480), (120, 160)), ((500, 320), (80, 125)), ((250, 248), (248, 250))],
)
def test_faces_are_in_pixels_of_the_photo_whatever_the_size_of_the_search(
    size: tuple[int, int], searched: tuple[int, int], paint: Paint, tmp_path: Path
) -> None:
    """The search says that the face is the right lower quarter of what it is shown."""

    def detect(shown: Sequence[UInt8]) -> list[list[Face]]:
        (pixels,) = shown
        assert pixels.shape == (*searched, 3)
        height, width = searched
        points = np.full((5, 2), [width / 2, height / 2], np.float32)
        return [[Face(Box(width / 2, height / 2, width, height), points, 0.9, frontality=1.0)]]

    file = paint(tmp_path / "a.png", size=size)
    (outcome,) = read([FileEntry(file, 0, 0)], Claims(set()), 125, detect, fake_embed)
    ((face),) = [seen.face for seen in outcome.seen]
    assert face.box == Box(size[0] / 2, size[1] / 2, *size)
    np.testing.assert_allclose(face.landmarks, np.full((5, 2), [size[0] / 2, size[1] / 2]))


def test_memory_holds_a_calls_photos_once_and_is_free_for_the_next_call(
    paint: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each photo is decoded twice, and the second decoding needs no block of its own once its chips are cut."""
    monkeypatch.setattr(readers, "SHARP_BOX", 200)
    files = [paint(tmp_path / f"{i}.jpg", "red", seed=i) for i in range(3)]
    for file in files:
        with Image.open(file) as small:
            small.resize((1280, 960), Image.Resampling.NEAREST).save(file)
    memory, entries = photos.Memory(), [FileEntry(file, 0, 0) for file in files]

    def detect(shown: Sequence[UInt8]) -> list[list[Face]]:
        return fake_detect([pixels.repeat(2, 0).repeat(2, 1) for pixels in shown])

    for _ in range(2):
        found = read(entries, Claims(set()), 160, detect, fake_embed, memory=memory)
        assert [len(outcome.seen) for outcome in found] == [1, 1, 1]
        assert memory.taken == 3
