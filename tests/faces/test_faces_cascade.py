"""The cascade against facenet-pytorch's own detector, box by box."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from PIL import Image

from facecluster import faces
from facecluster.demo import draw_library
from facecluster.faces.cascade import Mtcnn
from facecluster.faces.odds import Hasty, log_odds, probability
from facecluster.nets import catalogue
from facecluster.nets.gpu import Gpu
from facecluster.nets.runtime import Network, network
from facecluster.records import Face, Float32, UInt8


@pytest.fixture(scope="module")
def plain() -> MTCNN:
    return MTCNN(keep_all=True, min_face_size=20, device="cpu")


@pytest.fixture(scope="module")
def detector(weights_cache: Path) -> Iterator[faces.Detector]:
    """All nets in float32, as in the original."""
    graphs = catalogue.scout(), catalogue.proposer(), catalogue.refiner(), catalogue.outputter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACECLUSTER_CACHE", str(weights_cache))
        scout, propose, refine, output = (network(graph, "cpu", exact=True) for graph in graphs)
        yield faces.Detector(Mtcnn(Hasty(scout, 0.3), propose, refine, output), faces.DetectOptions())


def rgb(file: Path) -> UInt8:
    return np.asarray(Image.open(file).convert("RGB"))


def assert_same(images: list[UInt8], detector: faces.Detector, plain: MTCNN) -> int:
    found = faces.detect(images, detector)
    for image, ours in zip(images, found, strict=True):
        boxes, scores, landmarks = plain.detect(Image.fromarray(image), landmarks=True)
        assert len(ours) == (0 if boxes is None else len(boxes))
        if not ours:
            continue
        order = np.argsort(-scores, kind="stable")
        mine = np.array([[face.box.x0, face.box.y0, face.box.x1, face.box.y1] for face in ours])
        np.testing.assert_allclose(mine, boxes[order].astype(np.float64), atol=0.05)
        points = [face.landmarks for face in ours]
        np.testing.assert_allclose(points, landmarks[order].astype(np.float64), atol=0.05)
        np.testing.assert_allclose([face.score for face in ours], scores[order].astype(np.float64), atol=1e-4)
    return sum(map(len, found))


def test_drawn_photos_give_the_boxes_of_plain_mtcnn(
    tmp_path: Path, detector: faces.Detector, plain: MTCNN
) -> None:
    library = draw_library(tmp_path / "photos", people=3, photos_per_person=3)
    images = [rgb(photo.path) for photo in library.photos[:6]]
    assert assert_same(images, detector, plain) >= 5


@pytest.mark.shared
def test_real_photos_of_mixed_sizes_give_the_boxes_of_plain_mtcnn(
    shared: Path, detector: faces.Detector, plain: MTCNN
) -> None:
    files = sorted((shared / "photos").glob("*/*.jp*g"))[::30]
    assert assert_same([rgb(file) for file in files], detector, plain) >= 10


@pytest.fixture(scope="module")
def sifting(detector: faces.Detector, weights_cache: Path) -> tuple[faces.Detector, list[int]]:
    """The same detector with a sieve in 8 bits before R-Net, and how many candidates each of the two has seen."""
    counts = [0, 0]

    def counted(net: Network, place: int) -> Network:
        def count(pixels: Float32 | UInt8, /) -> list[Float32]:
            counts[place] += len(pixels)
            return net(pixels)

        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACECLUSTER_CACHE", str(weights_cache))
        sieve = network(catalogue.sieve(), "cpu")
    assert isinstance(detector.nets, Mtcnn)
    refine = counted(detector.nets.refine, 1)
    nets = replace(detector.nets, sieve=Hasty(counted(sieve, 0), 1.05), refine=refine)
    return replace(detector, nets=nets), counts


def test_a_sieve_refuses_most_but_nothing_that_r_net_accepts(
    tmp_path: Path, sifting: tuple[faces.Detector, list[int]], plain: MTCNN
) -> None:
    (sieving, counts), library = sifting, draw_library(tmp_path / "photos", people=3, photos_per_person=3)
    images = [rgb(photo.path) for photo in library.photos[:6]]
    assert assert_same(images, sieving, plain) >= 5
    assert 0 < counts[1] < counts[0] / 2


@pytest.mark.shared
def test_a_sieve_changes_no_face_of_real_photos(
    shared: Path, detector: faces.Detector, sifting: tuple[faces.Detector, list[int]]
) -> None:
    files = sorted((shared / "photos").glob("*/*.jp*g"))[7::10]
    images = [rgb(file) for file in files]
    for with_it, without in zip(faces.detect(images, sifting[0]), faces.detect(images, detector), strict=True):
        np.testing.assert_allclose(boxes_of([with_it])[0], boxes_of([without])[0], atol=0.01)


@pytest.mark.shared
def test_networks_in_a_hurry_change_no_face_of_real_photos(
    shared: Path, detector: faces.Detector, real_weights: Path
) -> None:
    """All three of them, in the format that this processor is quick in, with the landmarks."""
    files = sorted((shared / "photos").glob("*/*.jp*g"))[3::10]
    images = [rgb(file) for file in files]
    found, expected = (faces.detect(images, each) for each in (faces.Detector.load("cpu"), detector))
    assert sum(map(len, expected)) > 30
    for own, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(boxes_of([own])[0], boxes_of([theirs])[0], atol=0.01)
        points = [[face.landmarks for face in each] for each in (own, theirs)]
        np.testing.assert_allclose(points[0], points[1], atol=0.01)


def test_of_a_hurried_o_net_s_candidates_few_are_judged_again(
    tmp_path: Path, detector: faces.Detector, real_weights: Path
) -> None:
    """O-Net stands in for itself, wrong by up to 0.3 at random; the faces are the same all the same."""
    images = [
        rgb(photo.path) for photo in draw_library(tmp_path / "photos", people=3, photos_per_person=3).photos[:6]
    ]
    exact, judged = detector.nets.output, [0, 0]
    noise = np.random.default_rng(0)

    def wrong(pixels: Float32 | UInt8, /) -> list[Float32]:
        offsets, points, seen = exact(pixels)
        judged[0] += len(pixels)
        return [offsets, points, seen + noise.uniform(-0.3, 0.3, len(seen)).astype(np.float32)]

    def counted(pixels: Float32 | UInt8, /) -> list[Float32]:
        judged[1] += len(pixels)
        return exact(pixels)

    assert isinstance(detector.nets, Mtcnn)
    hasty = replace(detector, nets=replace(detector.nets, output=counted, guess=Hasty(wrong, 0.3, 0.3)))
    found, expected = faces.detect(images, hasty), faces.detect(images, detector)
    assert sum(map(len, expected)) >= 5
    for own, theirs in zip(boxes_of(found), boxes_of(expected), strict=True):
        np.testing.assert_allclose(own, theirs, atol=0.01)
    assert 0 < judged[1] < judged[0] / 2


def test_log_odds_and_probabilities() -> None:
    assert [log_odds(p) for p in (0, 0.5, 1)] == [-np.inf, 0, np.inf]
    assert probability(np.array([log_odds(0.7)], np.float32)) == pytest.approx(0.7)
    hasty = Hasty(lambda pixels: [], 0.3)
    assert hasty.likely(np.array([log_odds(0.7) - 0.31, log_odds(0.7) - 0.29], np.float32), 0.7).tolist() == [
        False,
        True,
    ]
    assert [each.tolist() for each in hasty.bounds(np.array([3.0], np.float32))] == [[0.0], [1.0]]


def test_photos_searched_together_or_again_or_beyond_the_memory_give_the_same(
    tmp_path: Path, detector: faces.Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = draw_library(tmp_path / "photos", people=2, photos_per_person=2)
    images = [rgb(photo.path) for photo in library.photos[:4]]
    together = boxes_of(faces.detect(images, detector))
    alone = [boxes_of(faces.detect([image], detector))[0] for image in images]
    monkeypatch.setattr("facecluster.faces.detector.WORDS", images[0].size * 5 // 3)
    fresh = replace(detector, spare=deque())
    for other in (alone, boxes_of(faces.detect(images[::-1], fresh))[::-1]):
        for a, b in zip(together, other, strict=True):
            np.testing.assert_allclose(a, b, atol=0.01)
    assert sum(map(len, together)) >= 4


def boxes_of(found: list[list[Face]]) -> list[list[tuple[float, ...]]]:
    return [[astuple(face.box) for face in own] for own in found]


def test_torch_too_finds_nothing_in_nothing_and_faces_where_there_are(
    tmp_path: Path, detector: faces.Detector
) -> None:
    graphs = catalogue.scout(), catalogue.proposer(), catalogue.refiner(), catalogue.outputter()
    scout, propose, refine, output = (Gpu(graph.build(), "cpu", exact=True) for graph in graphs)
    on_torch = replace(detector, nets=Mtcnn(Hasty(scout, 0.3), propose, refine, output))
    blank = np.full((200, 300, 3), 128, np.uint8)
    assert faces.detect([blank], on_torch) == faces.detect([np.zeros((30, 19, 3), np.uint8)], on_torch) == [[]]
    library = draw_library(tmp_path / "photos", people=1, photos_per_person=1)
    images = [rgb(library.photos[0].path)]
    theirs, ours = (boxes_of(faces.detect(images, each)) for each in (on_torch, detector))
    assert theirs[0]
    np.testing.assert_allclose(theirs[0], ours[0], atol=0.05)


def test_a_blank_photo_and_a_tiny_one_have_no_faces(detector: faces.Detector) -> None:
    blank = np.full((200, 300, 3), 128, np.uint8)
    assert faces.detect([blank, np.zeros((9, 9, 3), np.uint8), blank], detector) == [[], [], []]
    assert faces.detect([], detector) == []


def test_probabilities_are_those_of_softmax_to_the_last_digit() -> None:
    """Most of a face's boxes have one of the few numbers just below 1: one digit more or less orders them anew."""
    both = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0)) * 6
    theirs = both.softmax(1)[:, 1].numpy()
    with np.errstate(all="raise"):
        ours = probability((both[:, 1] - both[:, 0]).numpy())
    near = theirs > 0.999
    assert 1000 < near.sum() < 19_000
    assert (ours[near] == theirs[near]).mean() > 0.9999
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert probability(np.array([-1000.0, 1000.0], np.float32)).tolist() == [0, 1]
