"""The quick search: what YuNet is shown, where it sees faces, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from facecluster import faces, photos
from facecluster.demo import draw_library
from facecluster.faces import boxes as geometry
from facecluster.faces.candidates import SIDE, cut, inside
from facecluster.faces.glance import LIKELY, Glance, _cut_out, locate
from facecluster.faces.pieces import LEAST, SHARED, Piece, canvas_of, cut_up, draw, reduced_to
from facecluster.faces.summed import table_of
from facecluster.nets import catalogue
from facecluster.nets.catalogue import CANVASES
from facecluster.nets.gpu import Gpu
from facecluster.records import Box, Face, UInt8

YUNET = faces.DetectOptions(detector="yunet")
SIZES = [(1, 1), (30, 900), (375, 500), (500, 375), (480, 640), (750, 1000), (769, 1), (1000, 1000), (2000, 1999)]


@pytest.fixture
def detector(real_weights: Path) -> faces.Detector:
    return faces.Detector.load("cpu", YUNET)


def noise(*shape: int) -> UInt8:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def smooth(height: int, width: int) -> UInt8:
    """Colours without edges."""
    return np.asarray(cv2.resize(noise(5, 7, 3), (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("min_face", [12, 20, 60])
def test_every_face_is_whole_in_a_piece_where_it_is_large_enough(size: tuple[int, int], min_face: int) -> None:
    pieces = list(cut_up(7, size, min_face))
    numbers = np.random.default_rng(1)
    for _ in range(100):
        side = min(math.exp(numbers.uniform(math.log(min_face), math.log(max(min_face + 1, max(size))))), *size)
        y, x = (numbers.uniform(0, length - side) for length in size)
        seen = {piece.factor for piece in pieces if holds(piece, y, x, side)}
        assert max(seen) * side >= min(1.0, side / min_face) * LEAST * 0.99
        assert seen >= {piece.factor for piece in pieces if piece.factor * side <= SHARED - 1}


def holds(piece: Piece, y: float, x: float, side: float) -> bool:
    """Whether a square of an image lies in the piece, but for a pixel that is lost in rounding."""
    return all(
        start - 1 <= at * piece.factor and (at + side) * piece.factor <= start + length + 1
        for at, start, length in zip((y, x), piece.corner, piece.size, strict=True)
    )


@pytest.mark.parametrize("size", SIZES)
def test_pieces_fit_on_the_smallest_canvas_that_takes_them(size: tuple[int, int]) -> None:
    for piece in cut_up(0, size, 12):
        assert all(side > 0 for side in piece.size)
        assert all(a + b <= c for a, b, c in zip(piece.corner, piece.size, piece.whole, strict=True))
        areas = {(h, w): h * w for h, w in CANVASES if piece.size[0] <= h and piece.size[1] <= w}
        assert areas[canvas_of(piece)] == min(areas.values())


@pytest.mark.parametrize(
    ("size", "min_face", "looks"),
    [
        ((375, 500), 20, 1),
        ((750, 1000), 20, 1),
        ((667, 1000), 20, 1),
        ((864, 1152), 20, 1 + 2),
        ((750, 1000), 12, 1 + 2 * 2),
        ((1500, 2000), 20, 1 + 2 * 3),
        ((1500, 2000), 12, 1 + 2 * 3 + 3 * 5),
    ],
)
def test_photos_are_not_seen_more_often_than_small_faces_ask_for(
    size: tuple[int, int], min_face: int, looks: int
) -> None:
    assert len(list(cut_up(0, size, min_face))) == looks


def test_pieces_are_drawn_in_the_corner_and_nothing_else_is() -> None:
    images = [noise(40, 60, 3), noise(30, 20, 3)]
    pieces = [
        Piece(1, 1.0, (30, 20), (0, 0), (30, 20)),
        Piece(0, 1.0, (40, 60), (10, 20), (25, 40)),
        Piece(0, 0.5, (20, 30), (0, 0), (20, 30)),
    ]
    drawn = draw(pieces, images, (48, 64))
    assert drawn.shape == (3, 48, 64, 3)
    np.testing.assert_array_equal(drawn[0, :30, :20], images[1])
    np.testing.assert_array_equal(drawn[1, :25, :40], images[0][10:35, 20:60])
    np.testing.assert_allclose(drawn[2, :20, :30], images[0].reshape(20, 2, 30, 2, 3).mean((1, 3)), atol=0.5)
    for pixels, piece in zip(drawn, pieces, strict=True):
        assert not pixels[piece.size[0] :].any()
        assert not pixels[:, piece.size[1] :].any()


@pytest.mark.parametrize(("size", "times"), [((60, 80), 1), ((30, 40), 2), ((20, 26), 3), ((15, 20), 4)])
def test_whole_factors_average(size: tuple[int, int], times: int) -> None:
    image = noise(60, 80, 3)
    parts = image[: size[0] * times, : size[1] * times].reshape(size[0], times, size[1], times, 3)
    np.testing.assert_allclose(reduced_to(image, size), parts.mean((1, 3)), atol=0.51)


@pytest.mark.parametrize("size", [(240, 320), (120, 160), (124, 164), (80, 107), (68, 92), (1, 1)])
def test_reducing_averages_what_a_pixel_covers(size: tuple[int, int]) -> None:
    image = smooth(240, 320)
    expected = np.empty((*size, 3))
    for row in range(size[0]):
        for column in range(size[1]):
            top, left = row * 240 / size[0], column * 320 / size[1]
            covered = image[int(top) : math.ceil(top + 240 / size[0]), int(left) : math.ceil(left + 320 / size[1])]
            expected[row, column] = covered.mean((0, 1))
    np.testing.assert_allclose(reduced_to(image, size), expected, atol=16)
    assert np.abs(reduced_to(image, size) - expected).mean() < 3


def test_places_are_where_the_definition_puts_them() -> None:
    numbers = np.random.default_rng(2)
    pieces = [Piece(3, 0.5, (64, 64), (0, 0), (32, 64)), Piece(5, 1.0, (96, 70), (20, 6), (32, 64))]
    free = math.inf
    ends = [((-free, -free), (free, 32)), ((6, 20), (free, 52))]
    maps = [numbers.normal(0, 1.5, (2, 6, 32 // s, 64 // s)).astype(np.float32) for s in (8, 16, 32)]
    expected = []
    for stride, map in zip((8, 16, 32), maps, strict=True):
        for n, row, column in np.ndindex(2, 32 // stride, 64 // stride):
            kind, centre, x, y, width, height = map[n, :, row, column].astype(float)
            score = math.sqrt(1 / (1 + math.exp(-kind)) / (1 + math.exp(-centre)))
            if score >= LIKELY:
                top, left = pieces[n].corner
                x, y = (column + x) * stride + left, (row + y) * stride + top
                width, height = math.exp(width) * stride, math.exp(height) * stride
                box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
                (x0, y0), (x1, y1) = ends[n]
                if box[0] >= x0 and box[1] >= y0 and box[2] <= x1 and box[3] <= y1:
                    expected.append((pieces[n].image, *(box / pieces[n].factor), score))
    image, boxes, scores = locate(maps, pieces)
    assert 10 < len(image) < 50
    np.testing.assert_allclose(np.column_stack([image, boxes, scores]), expected, rtol=1e-4, atol=1e-3)


def test_what_overflows_is_no_face() -> None:
    maps = [np.full((1, 6, 4, 8), 5, np.float32), *(np.full((1, 6, s, 2 * s), -5, np.float32) for s in (2, 1))]
    for i, odd in enumerate([np.inf, -np.inf, np.nan]):
        maps[0][0, 2, i] = odd
    maps[0][0, 4:, 3] = 1e9
    piece = Piece(0, 1.0, (32, 64), (0, 0), (32, 64))
    image, boxes, _ = locate(maps, [piece])
    assert len(image) == 8
    assert (boxes[:, 2:] - boxes[:, :2] < 5000).all()


def test_smaller_faces_than_were_asked_for_are_left_out(detector: faces.Detector, tmp_path: Path) -> None:
    images = drawn_photos(tmp_path / "demo")
    every = [face for found in faces.detect(images, detector) for face in found]
    least = round(sorted(max(face.box.width, face.box.height) for face in every)[-3])
    some = faces.detect(images, replace(detector, options=replace(YUNET, min_face=least)))
    assert 3 <= sum(map(len, some)) < len(every)


def test_faces_of_a_large_photo_are_found_once(detector: faces.Detector, tmp_path: Path) -> None:
    """Four photos in one, enlarged: seen in pieces, whose borders go through faces."""
    images = [cv2.resize(image, (1000, 750)) for image in drawn_photos(tmp_path / "demo")[:8]]
    for four in (images[:4], images[4:]):
        image = np.concatenate([np.concatenate(four[:2], 1), np.concatenate(four[2:], 1)])
        (found,), (expected,) = (faces.detect([image], one) for one in (detector, faces.Detector.load("cpu")))
        assert len(found) == len(expected) >= 4
        assert all(max(one.box.overlap(other.box) for other in found) > 0.6 for one in expected)


def test_candidates_are_cut_as_from_a_table() -> None:
    images = [smooth(90, 120), noise(50, 40, 3)]
    corners = np.random.default_rng(3).uniform(-20, 100, (40, 2))
    boxes = np.concatenate([corners, corners + np.random.default_rng(4).uniform(1, 90, (40, 1))], 1)
    image = np.arange(40) // 20
    boxes = geometry.squared(boxes.astype(np.float32))
    ours = _cut_out(images, image, boxes)
    tables = [table_of(each) for each in images]
    numbers, expected = inside(tables, image, boxes)
    pixels = cut(tables, numbers, expected, SIDE)
    assert 10 < len(numbers) < 40, "some are outside"
    np.testing.assert_array_equal(ours.image, numbers)
    np.testing.assert_array_equal(ours.boxes, expected)
    np.testing.assert_array_equal(ours.pixels, pixels)


def drawn_photos(folder: Path) -> list[UInt8]:
    draw_library(folder)
    return [photos.open_photo(file).pixels for file in sorted(folder.rglob("*.jpg"))[:12]]


def boxes_of(found: list[Face]) -> list[Box]:
    return [face.box for face in found]


def alike(one: list[Face], other: list[Face]) -> bool:
    return len(one) == len(other) and all(a.box.overlap(b.box) > 0.8 for a, b in zip(one, other, strict=True))


def test_drawn_faces_are_those_of_mtcnn(detector: faces.Detector, tmp_path: Path) -> None:
    images = drawn_photos(tmp_path / "demo")
    found, expected = faces.detect(images, detector), faces.detect(images, faces.Detector.load("cpu"))
    assert sum(map(len, found)) >= 12
    pairs = [(a, b) for one, two in zip(found, expected, strict=True) for a in one for b in two]
    near = [(a, b) for a, b in pairs if a.box.overlap(b.box) > 0.6]
    assert len(near) == sum(map(len, expected)) == sum(map(len, found))
    assert all(np.abs(a.landmarks - b.landmarks).max() < 0.1 * b.box.width for a, b in near)


def test_a_photo_is_searched_alike_alone_and_in_company(detector: faces.Detector, tmp_path: Path) -> None:
    images = drawn_photos(tmp_path / "demo")
    together = faces.detect(images, detector)
    for image, found in zip(images, together, strict=True):
        assert boxes_of(faces.detect([image], detector)[0]) == boxes_of(found)


def test_a_gpu_finds_the_same(detector: faces.Detector, tmp_path: Path) -> None:
    """By torch, as there; the processor stands in for it."""
    images = drawn_photos(tmp_path / "demo")[:4]
    looks = tuple(Gpu(graph.build(), "cpu") for graph in catalogue.glances())
    nets = Glance(looks, Gpu(catalogue.outputter().build(), "cpu", exact=True))
    on_gpu = faces.detect(images, faces.Detector(nets, YUNET))
    assert all(map(alike, on_gpu, faces.detect(images, detector)))
    assert sum(map(len, on_gpu)) >= 4


def test_pictures_without_faces_have_none(detector: faces.Detector) -> None:
    images = [np.zeros((1, 1, 3), np.uint8), np.full((3, 2000, 3), 200, np.uint8), smooth(300, 400)]
    assert faces.detect(images, detector) == [[], [], []]
    assert faces.detect([], detector) == []


@pytest.mark.shared
def test_real_photos_have_nearly_all_faces_of_mtcnn(detector: faces.Detector, shared: Path) -> None:
    files = [e.path for e in photos.walk([shared / "photos"]) if photos.looks_like_photo(e.path)][::6]
    images = [np.asarray(Image.fromarray(photos.open_photo(file, 1000).pixels)) for file in files]
    found, expected = faces.detect(images, detector), faces.detect(images, faces.Detector.load("cpu"))
    sure = [(one, own) for theirs, own in zip(expected, found, strict=True) for one in theirs if one.score >= 0.9]
    hits = sum(any(one.box.overlap(face.box) >= 0.5 for face in own) for one, own in sure)
    assert hits >= 0.9 * len(sure) > 50
    extra = sum(len(own) for own in found) - hits
    assert extra <= 0.15 * len(sure)
