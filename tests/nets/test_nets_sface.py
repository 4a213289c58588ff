from __future__ import annotations

import copy
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from PIL import Image

from facecluster.nets import sface, weights
from facecluster.nets.sface import SFace
from facecluster.nets.specs import spec_of
from facecluster.records import Float32

LFW = Path(__file__).parents[2] / "../shared/data/lfw"

TEMPLATE = np.array([(38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20)], np.float32)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> SFace:
    return sface.load_sface(sface.sface_arrays(tmp_path_factory.mktemp("cache")))


def embed(net: SFace, pixels: Float32) -> Float32:
    """Embeddings of (N, 3, 112, 112) grey levels 0..255."""
    with torch.inference_mode():
        embeddings: Float32 = net((torch.from_numpy(pixels) - 127.5) / 128).numpy()
    return embeddings


def test_network_agrees_with_the_reference_evaluator(net: SFace) -> None:
    numbers = np.random.default_rng(0)
    small = numbers.uniform(0, 255, (7, 7, 3)).astype(np.float32)
    pixels = np.asarray(cv2.resize(small, (112, 112)), np.float32).transpose(2, 0, 1)[None]
    model = onnx.load(weights.verified_source(spec_of("sface").source))
    (answer,) = ReferenceEvaluator(model).run(None, {"data": pixels})
    expected = np.asarray(answer) / np.linalg.norm(answer)
    embeddings = embed(net, pixels)
    assert embeddings.shape == (1, 128)
    np.testing.assert_allclose(embeddings, expected, atol=1e-4)


def test_batch_rows_are_independent(net: SFace) -> None:
    pixels = np.random.default_rng(1).uniform(0, 255, (3, 3, 112, 112)).astype(np.float32)
    one_by_one = np.concatenate([embed(net, row[None]) for row in pixels])
    np.testing.assert_allclose(embed(net, pixels), one_by_one, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(one_by_one, axis=1), 1, atol=1e-5)


def test_half_precision_goes_in_and_out_as_float32(net: SFace) -> None:
    pixels = np.random.default_rng(2).uniform(0, 255, (2, 3, 112, 112)).astype(np.float32)
    embeddings = embed(copy.deepcopy(net).bfloat16(), pixels)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert (embeddings * embed(net, pixels)).sum(axis=1).min() > 0.99


@pytest.mark.shared
@pytest.mark.skipif(not LFW.is_dir(), reason="the measuring photos are not beside the checkout")
def test_photos_of_one_person_are_nearer_than_those_of_two(net: SFace) -> None:
    folders = [folder for folder in sorted(LFW.iterdir()) if len(list(folder.glob("*.jpg"))) > 1][:6]
    photos = [photo for folder in folders for photo in sorted(folder.glob("*.jpg"))[:2]]
    embeddings = embed(net, np.stack([aligned(photo) for photo in photos]))
    distances = ((embeddings[:, None] - embeddings[None]) ** 2).sum(axis=2)
    person = np.arange(len(photos)) // 2
    same = person[:, None] == person[None]
    pairs = ~np.eye(len(photos), dtype=bool)
    # The threshold that separates LFW's pairs best is about 1.31.
    assert distances[same & pairs].max() < 1.31 < distances[~same].min()


def aligned(photo: Path) -> Float32:
    """(3, 112, 112) RGB grey levels of the photo's most central face, its five points on the template."""
    image = Image.open(photo).convert("RGB")
    detector = MTCNN(select_largest=False, device="cpu")
    boxes, _, landmarks = detector.detect(image, landmarks=True)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    central = np.abs(centres - np.array(image.size) / 2).sum(axis=1).argmin()
    transform = similarity(np.array(landmarks[central], np.float64))
    crop = cv2.warpAffine(np.asarray(image), transform, (112, 112))
    return np.asarray(crop, np.float32).transpose(2, 0, 1)


def similarity(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the turn, scaling and shift that bring ``points`` nearest to the template, by least squares."""
    x, y, one, zero = points[:, 0], points[:, 1], np.ones(5), np.zeros(5)
    rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    (a, b, right, down), *_ = np.linalg.lstsq(rows, TEMPLATE.T.reshape(-1))
    return np.array([[a, -b, right], [b, a, down]])
