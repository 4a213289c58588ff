from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from facecluster.demo import DemoLibrary, DrawnFace, draw_library
from facecluster.demo.cast import NAMES
from facecluster.demo.head import Expression, Looks, Surface
from facecluster.demo.paint import paint_face
from facecluster.demo.render import Light, View, draw, project, rotation
from facecluster.errors import UsageError
from facecluster.records import Box, UInt8

PEOPLE, EACH = 4, 3


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> DemoLibrary:
    return draw_library(tmp_path_factory.mktemp("demo"), seed=3, people=PEOPLE, photos_per_person=EACH)


def upright(path: Path) -> UInt8:
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def test_everybody_appears_as_often_as_asked(library: DemoLibrary) -> None:
    names = [face.person for photo in library.photos for face in photo.faces]
    assert sorted(names) == sorted(name for name in NAMES[:PEOPLE] for _ in range(EACH))
    assert library.people == sorted(NAMES[:PEOPLE])
    assert max(len(photo.faces) for photo in library.photos) > 1


def test_boxes_lie_inside_upright_photos(library: DemoLibrary) -> None:
    for photo in library.photos:
        height, width = upright(photo.path).shape[:2]
        for face in photo.faces:
            assert 0 <= face.box.x0 < face.box.x1 <= width
            assert 0 <= face.box.y0 < face.box.y1 <= height
            assert 0.55 < face.box.width / face.box.height < 1.2


def test_labels_file_says_the_same(library: DemoLibrary) -> None:
    labels = json.loads((library.folder / ".labels.json").read_text(encoding="utf-8"))
    for photo in library.photos:
        said = labels[photo.path.relative_to(library.folder).as_posix()]
        assert [face["person"] for face in said] == [face.person for face in photo.faces]
        assert np.allclose(said[0]["box"][0], photo.faces[0].box.x0, atol=0.06)
    assert len(labels) == len(library.photos) + 1


def test_same_seed_same_bytes_and_other_seed_others(tmp_path: Path) -> None:
    def content(name: str, seed: int) -> dict[str, bytes]:
        folder = tmp_path / name
        draw_library(folder, seed=seed, people=1, photos_per_person=2)
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    first = content("a", 1)
    assert first == content("b", 1)
    assert set(first.values()).isdisjoint(content("c", 2).values())


def test_copy_is_identical_and_broken_is_unreadable(library: DemoLibrary) -> None:
    assert library.copy.read_bytes() == library.photos[0].path.read_bytes()
    with pytest.raises(OSError, match="truncated"):
        upright(library.broken)


def test_photos_carry_dates_and_one_is_turned(library: DemoLibrary) -> None:
    dates, orientations = [], []
    for photo in library.photos:
        with Image.open(photo.path) as image:
            exif = image.getexif()
        text = exif.get_ifd(0x8769).get(36867)
        if text:
            dates.append(datetime.strptime(text, "%Y:%m:%d %H:%M:%S"))
        orientations.append(exif.get(274, 1))
    assert len(dates) > len(library.photos) / 2
    assert set(orientations) - {1}


def test_progress_counts_up_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_library(tmp_path / "x", people=1, photos_per_person=2, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(("people", "each"), [(0, 3), (1000, 3), (2, 0)])
def test_numbers_out_of_range_are_refused(tmp_path: Path, people: int, each: int) -> None:
    with pytest.raises(UsageError):
        draw_library(tmp_path / "x", people=people, photos_per_person=each)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        draw_library(tmp_path)


def square(size: float, z: float, colour: tuple[float, float, float]) -> Surface:
    x, y = np.meshgrid(np.linspace(-size, size, 40), np.linspace(size, -size, 40))
    points = np.stack([x, y, np.full_like(x, z)], -1).astype(np.float32)
    tones = np.broadcast_to(np.asarray(colour), points.shape).astype(np.float32)
    return Surface(points, tones, np.zeros((40, 40), np.float32))


def test_the_nearer_surface_hides_the_farther() -> None:
    red, blue = square(0.5, 0.3, (0.8, 0, 0)), square(1.0, 0.0, (0, 0, 0.8))
    view = View((120, 120), 60, 60, 40)
    for order in ([red, blue], [blue, red]):
        colour, alpha = draw(order, view, Light())
        assert colour[60, 60, 0] > 5 * colour[60, 60, 2]
        assert colour[60, 30, 2] > 5 * colour[60, 30, 0]
        assert alpha[60, 60] == pytest.approx(1)
        assert alpha[5, 5] == 0


def test_light_from_the_left_lights_the_left() -> None:
    u, v = np.meshgrid(np.linspace(-1.5, 1.5, 90), np.linspace(1.5, -1.5, 90))
    ball = np.stack([np.sin(u) * np.cos(v), np.sin(v), np.cos(u) * np.cos(v)], -1).astype(np.float32)
    surface = Surface(ball, np.full_like(ball, 0.5), np.zeros(u.shape, np.float32))
    colour, _ = draw([surface], View((100, 100), 50, 50, 40), Light((-0.9, 0.0, 0.4)))
    assert colour[50, 25].sum() > 1.5 * colour[50, 75].sum()


def test_projection_and_yaw() -> None:
    view = View((200, 100), 100, 50, 30)
    assert np.allclose(project(np.zeros((1, 3), np.float32), view), [[100, 50]])
    nose = np.asarray([[0, 0, 1]], np.float32) @ rotation(20, 0, 0).T
    assert project(nose, view)[0, 0] > 100, "positive yaw looks to the viewer's right"
    chin_up = np.asarray([[0, 0, 1]], np.float32) @ rotation(0, 10, 0).T
    assert project(chin_up, view)[0, 1] < 50, "positive pitch looks up"


def test_a_face_has_a_dark_pupil_white_eyes_and_teeth_when_it_laughs() -> None:
    looks = Looks()
    x, y = np.meshgrid(np.linspace(-0.7, 0.7, 281), np.linspace(-1.1, 0.7, 361))
    face = np.stack([x, y], -1).astype(np.float32)

    def at(expression: Expression, px: float, py: float) -> float:
        colour, _ = paint_face(face, looks, expression)
        return float(colour[round((py + 1.1) / 0.005), round((px + 0.7) / 0.005)].mean())

    still = Expression()
    assert at(still, 0.325, 0.012) < 0.02 < 0.3 < at(still, 0.325 - 0.10, 0.0)
    laugh = Expression(smile=0.5, mouth_open=0.8)
    assert at(laugh, 0.0, -0.755) > 5 * at(still, 0.0, -0.765)


def overlap(face: DrawnFace, found: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    box, other = face.box, Box(*map(float, found))
    wide = max(0.0, min(box.x1, other.x1) - max(box.x0, other.x0))
    tall = max(0.0, min(box.y1, other.y1) - max(box.y0, other.y0))
    both = wide * tall
    return both / (box.width * box.height + other.width * other.height - both)


@pytest.mark.slow
def test_mtcnn_finds_the_drawn_faces(tmp_path: Path) -> None:
    """The real cascade, at its own thresholds, finds at least 95 % and next to nothing else."""
    facenet_pytorch = pytest.importorskip("facenet_pytorch")
    mtcnn = facenet_pytorch.MTCNN(keep_all=True)
    drawn = found = extra = 0
    for photo in draw_library(tmp_path / "demo", seed=1, people=8, photos_per_person=4).photos:
        boxes, scores = mtcnn.detect(Image.fromarray(upright(photo.path)))
        sure = [] if boxes is None else [b for b, s in zip(boxes, scores, strict=True) if s >= 0.9]
        hits = [any(overlap(face, box) >= 0.5 for box in sure) for face in photo.faces]
        drawn, found, extra = drawn + len(hits), found + sum(hits), extra + len(sure) - sum(hits)
    assert found >= 0.95 * drawn
    assert extra <= 0.05 * drawn
