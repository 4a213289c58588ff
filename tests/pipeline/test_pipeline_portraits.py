"""Portraits: whose face counts, what becomes of photos without one, and of files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster import photos
from facecluster.pipeline import portraits
from facecluster.pipeline.portraits import Portrayer, central, embed_portraits, portrait_chips, portray
from facecluster.pipeline.readers import cut_faces
from facecluster.records import Box, Face, UInt8
from tests.conftest import COLOURS, SQUARE, fake_detect, fake_embed

Paint = Callable[..., Path]

FAKES = Portrayer(fake_detect, {"facenet": fake_embed, "sface": lambda *arrays: -fake_embed(*arrays)})


def direction(colour: str) -> np.ndarray:
    """What the fake embedder makes of a colour."""
    vector = np.zeros(128)
    vector[:3] = np.array(COLOURS[colour]) / 127.5 - 1
    return vector / np.linalg.norm(vector)


def face(x0: float, y0: float, x1: float, y1: float) -> Face:
    return Face(Box(x0, y0, x1, y1), np.zeros((5, 2), np.float32), 0.9)


def test_the_face_nearest_to_the_centre_counts() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        corners = random.uniform(0, 200, (4, 2))
        found = [face(x, y, x + 40, y + 60) for x, y in corners]
        off = [abs(x + 20 - 150) + abs(y + 30 - 100) for x, y in corners]
        assert central((200, 300, 3), found) is found[int(np.argmin(off))]


def test_without_a_face_the_middle_counts() -> None:
    middle = central((100, 200, 3), [])
    box = middle.box
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((100 - 36, 50 - 22.5, 100 + 36, 50 + 22.5))
    assert middle.score == 0
    left, right, nose, *mouth = middle.landmarks.tolist()
    assert left[0] < nose[0] == 100 < right[0]
    assert left[1] == right[1] < nose[1] < mouth[0][1] == mouth[1][1] < middle.box.y1


def test_every_photo_has_its_own_face_and_all_models_embed_it(
    paint: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portraits, "CHUNK", 2)
    colours = ["red", "green", "blue", "red", "green"]
    files = [paint(tmp_path / f"{i}.png", "white", colour) for i, colour in enumerate(colours)]
    done: list[tuple[int, int]] = []
    seen = portray(files, FAKES, lambda now, total: done.append((now, total)), workers=2)
    assert seen.files == tuple(files)
    assert seen.found.all()
    assert done == [(0, 5), (2, 5), (4, 5), (5, 5)]
    np.testing.assert_allclose(seen.vectors["facenet"], [direction(colour) for colour in colours], atol=1e-3)
    np.testing.assert_array_equal(seen.vectors["sface"], -seen.vectors["facenet"])
    assert [one.box for one in seen.faces] == [Box(100, 50, 100 + SQUARE, 50 + SQUARE)] * 5
    for i, file in enumerate(files):
        np.testing.assert_array_equal(
            embed_portraits([file], FAKES).vectors["facenet"], seen.vectors["facenet"][[i]]
        )


def test_a_photo_without_a_face_is_its_centre_and_said_to_be(paint: Paint, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (100, 100), (10, 20, 230)).save(blank)
    seen = portrait_chips([blank, paint(tmp_path / "red.png", "red")], fake_detect)
    assert seen.found.tolist() == [False, True]
    assert seen.chips[0, 112, 112].tolist() == [10, 20, 230]
    assert seen.chips[1, 112, 112].tolist() == list(COLOURS["red"])
    assert seen.sides.tolist() == [pytest.approx([36, 45]), [SQUARE, SQUARE]]
    assert seen.landmarks.shape == (2, 5, 2)
    assert (seen.landmarks > 30).all()
    assert (seen.landmarks < 194).all()


def test_a_file_that_cannot_be_read_is_named_and_left_out(paint: Paint, tmp_path: Path) -> None:
    good, broken, gone = paint(tmp_path / "a.png", "red"), tmp_path / "b.jpg", tmp_path / "c.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    seen = portray([broken, good, gone], FAKES)
    assert seen.files == (good,)
    assert len(seen.vectors["facenet"]) == len(seen.faces) == len(seen.found) == 1
    assert [error.path for error in seen.unreadable] == [broken, gone]
    assert all(error.reason for error in seen.unreadable)


def test_where_the_search_fails_only_that_photo_is_left_out(paint: Paint, tmp_path: Path) -> None:
    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        if any(image.shape[1] == 400 for image in images):
            raise RuntimeError("out of memory\nat line 3")
        return fake_detect(images)

    files = [paint(tmp_path / f"{i}.png", "red", size=(400 if i == 1 else 320, 240)) for i in range(3)]
    seen = portrait_chips(files, detect)
    assert seen.files == (files[0], files[2])
    ((error),) = seen.unreadable
    assert (error.path, error.reason) == (files[1], "the search for faces failed (out of memory)")


def test_no_files_give_no_portraits() -> None:
    seen = portray([], FAKES)
    assert (seen.files, seen.faces, seen.found.shape) == ((), (), (0,))
    assert seen.vectors["facenet"].shape == (0, 128)


def test_small_faces_of_large_photos_are_cut_from_a_larger_decoding(tmp_path: Path) -> None:
    """Stripes one pixel wide are grey in the photo as it is searched."""
    pixels = np.full((1200, 1200, 3), 90, np.uint8)
    pixels[560:640, 560:640:2] = 255
    Image.fromarray(pixels).save(tmp_path / "large.png")

    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        (image,) = images
        assert image.shape == (400, 400, 3)
        return [[face(187, 187, 213, 213)]]

    seen = portrait_chips([tmp_path / "large.png"], detect, max_side=400)
    assert seen.faces[0].box == Box(561, 561, 639, 639)
    assert int(np.ptp(seen.chips[0, 112, 90:134, 0])) > 60
    assert seen.faces[0].sharpness > 0


@pytest.mark.parametrize(("narrowest", "wanted"), [(40, 800), (60, 534), (79, 406), (80, None)])
def test_the_second_decoding_is_no_larger_than_the_narrowest_face_needs(
    narrowest: int, wanted: int | None, paint: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The face is to be 80 pixels wide; the photo was searched at 400 of its 1,200 pixels."""
    raw = photos.read_file(paint(tmp_path / "a.png", size=(1200, 1200)))
    opened, asked = photos.decode(raw, 400), []
    decode = photos.decode

    def spy(
        raw: photos.RawPhoto, max_side: int | None = None, memory: photos.Memory | None = None
    ) -> photos.OpenPhoto:
        asked.append(max_side)
        return decode(raw, max_side, memory)

    monkeypatch.setattr(photos, "decode", spy)
    cut_faces(raw, opened, [face(10, 10, 10 + narrowest, 100), face(100, 100, 300, 300)])
    assert asked == ([wanted] if wanted else [])


def test_an_interruption_begins_nothing_more(
    paint: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portraits, "CHUNK", 1)
    searched = []

    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        searched.append(len(images))
        return fake_detect(images)

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    files = [paint(tmp_path / "a.png", "red")] * 200
    with pytest.raises(KeyboardInterrupt):
        portray(files, Portrayer(detect, {"facenet": fake_embed}), interrupt, workers=1)
    assert len(searched) < 100
