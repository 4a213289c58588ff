from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster import embeddings, faces
from facecluster.embeddings import box_crop, centre, crops, seen
from facecluster.errors import UsageError
from facecluster.nets import catalogue
from facecluster.nets.card import Crop
from facecluster.nets.framing import TEMPLATE
from facecluster.nets.runtime import network
from facecluster.nets.specs import spec_of
from facecluster.records import CHIP_SIZE, Float32, UInt8


def test_centre_cuts_the_middle() -> None:
    chips = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    np.testing.assert_array_equal(centre(chips, 4), chips[:, 2:6, 2:6])


def by_area(size: int) -> np.ndarray:
    """(size, 160): how much of each of 160 pixels lies in each of fewer."""
    edges = np.arange(size + 1) * (160 / size)
    covered = np.minimum(edges[1:, None], np.arange(1, 161)) - np.maximum(edges[:-1, None], np.arange(160))
    return np.asarray(np.maximum(covered, 0) * (size / 160))


def linearly(size: int) -> np.ndarray:
    """(size, 160): how much of each of 160 pixels is in each of more, by the distance of their centres."""
    centres = np.clip((np.arange(size) + 0.5) * (160 / size) - 0.5, 0, 159)
    return np.asarray(np.maximum(1 - np.abs(centres[:, None] - np.arange(160)), 0))


@pytest.mark.parametrize(("size", "weights"), [(112, by_area(112)), (220, linearly(220)), (224, linearly(224))])
def test_the_box_is_cut_in_any_size(size: int, weights: np.ndarray) -> None:
    chips, _, _ = random_faces(2)
    cut = box_crop(chips, size)
    assert cut.shape == (2, size, size, 3)
    assert cut.dtype == np.uint8
    expected = np.einsum("yi,nijc,xj->nyxc", weights, chips[:, 32:192, 32:192], weights, optimize=True)
    assert np.abs(cut - expected).max() <= 1
    assert np.abs(cut - expected).mean() < 0.3
    assert box_crop(chips[:0], size).shape == (0, size, size, 3)


def test_the_box_of_160_is_the_middle_bit_by_bit() -> None:
    chips, _, _ = random_faces(2)
    np.testing.assert_array_equal(box_crop(chips, 160), chips[:, 32:192, 32:192])


@pytest.mark.parametrize(("crop", "size"), [("box 36/160", 224), ("five-point 112", 96), ("steady 22/160", 112)])
def test_an_embedder_is_given_its_crop_in_its_size(crop: Crop, size: int) -> None:
    given = []

    def net(crops: Float32 | UInt8) -> list[Float32]:
        given.append(crops.shape)
        return [np.ones((len(crops), 128), np.float32)]

    spec = replace(spec_of("facenet"), crop=crop, size=size)
    vectors = embeddings.embed(*random_faces(3), embeddings.Embedder(spec, "mark", net))
    assert given == [(3, size, size, 3)]
    assert vectors.shape == (3, 128)
    _, points, boxes = random_faces(1)
    if crop == "box 36/160":
        assert seen(points[0], boxes[0], spec) == (32, 32, 192, 192)


def test_a_model_sees_the_middle_or_what_its_landmarks_span() -> None:
    """SFace's crop, turned in a stretched chip, shows nothing from outside and something at each of the sides."""
    chips, points, boxes = random_faces(1)
    assert seen(points[0], boxes[0], spec_of("facenet-casia")) == (32, 32, 192, 192)
    turned = ((points - 112) @ np.array([[0.9, 0.3], [-0.3, 0.9]]) * 0.9 + 112).astype(np.float32)
    x0, y0, x1, y1 = seen(turned[0], boxes[0], spec_of("sface"))
    assert 0 < x0 < x1 < CHIP_SIZE
    assert 0 < y0 < y1 < CHIP_SIZE

    def shows(*areas: tuple[slice, slice]) -> bool:
        lit = np.zeros_like(chips)
        for area in areas:
            lit[0][area] = 255
        return bool(crops(lit, turned, boxes, spec_of("sface")).any())

    everywhere = slice(None)
    outside = (slice(y0), slice(y1 + 1, None)), (slice(x0), slice(x1 + 1, None))
    assert not shows(
        *((rows, everywhere) for rows in outside[0]), *((everywhere, columns) for columns in outside[1])
    )
    for low, high in ((y0, y1), (x0, x1)):
        for edge in (slice(low, low + 4), slice(high - 4, high)):
            assert shows((edge, everywhere) if low == y0 else (everywhere, edge))


def random_faces(count: int, part: slice = slice(None)) -> tuple[UInt8, Float32, Float32]:
    rng = np.random.default_rng(0)
    chips = rng.integers(0, 256, (count, CHIP_SIZE, CHIP_SIZE, 3), dtype=np.uint8)[part]
    points = np.array([[90, 95], [135, 95], [112, 120], [95, 142], [130, 142]], np.float32)
    count = len(chips)
    return chips, np.repeat(points[None], count, 0), np.full((count, 2), (100, 125), np.float32)


@pytest.mark.parametrize("name", ["facenet", "sface"])
def test_embeddings_are_unit_vectors_whatever_the_batch(name: str, real_weights: Path) -> None:
    embedder = embeddings.Embedder.load(name, "cpu")
    together = embeddings.embed(*random_faces(5), embedder)
    single = [random_faces(5, slice(i, i + 1)) for i in range(5)]
    alone = np.concatenate([embeddings.embed(*each, embedder) for each in single])
    assert together.shape == (5, 128)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together * alone).sum(1).min() > 0.999
    assert embeddings.embed(*random_faces(0), embedder).shape == (0, 128)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["facenet", "sface"])
def test_the_fast_number_format_keeps_the_embeddings(name: str, shared: Path, real_weights: Path) -> None:
    detector = faces.Detector.load("cpu")
    images = [np.asarray(Image.open(f).convert("RGB")) for f in sorted((shared / "lfw").glob("*/*.jpg"))[:8]]
    found = [each[0] for each in faces.detect(images, detector)]
    given = (
        np.stack([faces.cut(image, face.box) for image, face in zip(images, found, strict=True)]),
        np.stack([faces.landmarks_in_chip(face.landmarks, face.box) for face in found]),
        np.array([[face.box.width, face.box.height] for face in found], np.float32),
    )
    embedder = embeddings.Embedder.load(name, "cpu")
    exact = replace(embedder, net=network(catalogue.embedder(spec_of(name)), "cpu", exact=True))
    assert (embeddings.embed(*given, embedder) * embeddings.embed(*given, exact)).sum(1).min() > 0.998


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no model called 'vgg'.*facenet"):
        embeddings.Embedder.load("vgg", "cpu")


@pytest.mark.parametrize("name", ["facenet", "sface"])
def test_both_ways_is_the_mean_of_the_crop_and_its_mirror_image(name: str) -> None:
    """The network is one that looks at the left edge of its crop only."""
    spec, shown = spec_of(name), []

    def net(crops: Float32 | UInt8) -> list[Float32]:
        shown.append(np.array(crops))
        left = crops[:, :, :20].astype(np.float32).mean(axis=(1, 2))
        return [np.tile(left, (1, 43))[:, :128] + np.arange(128, dtype=np.float32)]

    embedder = embeddings.Embedder(spec, "mark", net)
    random = np.random.default_rng(0)
    chips = random.integers(0, 255, (3, CHIP_SIZE, CHIP_SIZE, 3)).astype(np.uint8)
    points = np.tile(np.array(TEMPLATE, np.float32) * 1.1 + 50, (3, 1, 1))
    sides = np.full((3, 2), 80, np.float32)
    one, other = (embeddings.embed(chips, points, sides, embedder, mirrored=turned) for turned in (False, True))
    np.testing.assert_array_equal(shown[1], shown[0][:, :, ::-1])
    assert np.abs(one - other).max() > 1e-3
    both = embeddings.embed_both_ways(chips, points, sides, embedder)
    for i in range(3):
        mean = (one[i] + other[i]) / 2
        np.testing.assert_allclose(both[i], mean / np.linalg.norm(mean), atol=1e-6)
    assert embeddings.embed_both_ways(chips[:0], points[:0], sides[:0], embedder).shape == (0, 128)
