from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from facenet_pytorch.models.inception_resnet_v1 import BasicConv2d
from safetensors.numpy import save_file
from torch import nn

from facecluster.nets import facenet, weights
from facecluster.nets.folding import fold_batch_norm
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import Arrays
from facecluster.records import Float32


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    return facenet.facenet_arrays(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def crops() -> Float32:
    """(2, 3, 160, 160) in [-1, 1]: noise, and smooth colours as in a photo."""
    numbers = np.random.default_rng(0)
    noise = numbers.uniform(-1, 1, (160, 160, 3)).astype(np.float32)
    smooth = cv2.resize(numbers.uniform(-1, 1, (6, 6, 3)).astype(np.float32), (160, 160))
    return np.stack([noise, smooth]).transpose(0, 3, 1, 2)


def embed(net: nn.Module, crops: Float32) -> Float32:
    with torch.inference_mode():
        embeddings: Float32 = net(torch.from_numpy(crops)).numpy()
    return embeddings


def random_head(dimension: int = 128) -> Arrays:
    numbers = np.random.default_rng(1)
    mean = numbers.normal(scale=0.03, size=512).astype(np.float32)
    return {"mean": mean, "projection": numbers.normal(size=(512, dimension)).astype(np.float32)}


@pytest.mark.skipif(int(cv2.__version__[0]) < 5, reason="OpenCV 4 crashes on this graph")
def test_network_agrees_with_opencv_on_the_published_graph(arrays: Arrays, crops: Float32) -> None:
    opencv = cv2.dnn.readNetFromTensorflow(str(weights.verified_source(spec_of("facenet-casia").source)))
    expected = []
    for crop in crops:
        opencv.setInput(crop[None])
        expected.append(opencv.forward("embeddings")[0].copy())
    embeddings = embed(facenet.load_facenet(arrays), crops)
    assert embeddings.shape == (2, 512)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, np.stack(expected), atol=1e-5)
    assert embeddings[0] @ embeddings[1] < 0.9  # the two crops are told apart at all


def test_folding_changes_the_layers_but_not_the_embeddings(arrays: Arrays, crops: Float32) -> None:
    net = facenet.load_facenet(arrays)
    # The graph's own batch norm is trivial; make this one matter.
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, BasicConv2d):
                module.bn.running_mean += 0.01
                module.bn.running_var *= 1.1
    folded = fold_batch_norm(net)
    kinds = (nn.BatchNorm2d, nn.BatchNorm1d)
    assert not any(isinstance(module, kinds) for module in folded.modules())
    assert sum(isinstance(module, kinds) for module in net.modules()) == 112
    np.testing.assert_allclose(embed(folded, crops), embed(net, crops), atol=1e-5)


def test_head_subtracts_projects_and_normalises(tmp_path: Path, arrays: Arrays, crops: Float32) -> None:
    parts = random_head()
    save_file(parts, tmp_path / "head.safetensors")
    net = facenet.load_facenet(arrays, tmp_path / "head.safetensors")
    projected = (embed(net.trunk, crops) - parts["mean"]) @ parts["projection"]
    expected = projected / np.sqrt((projected**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(embed(net, crops), expected, atol=1e-5)
    np.testing.assert_allclose(embed(fold_batch_norm(net), crops), expected, atol=1e-5)


@pytest.mark.parametrize("part", ["whole", "trunk"])
def test_half_precision_goes_in_and_out_as_float32(
    tmp_path: Path, arrays: Arrays, crops: Float32, part: str
) -> None:
    save_file(random_head(), tmp_path / "head.safetensors")
    net = fold_batch_norm(facenet.load_facenet(arrays, tmp_path / "head.safetensors"))
    expected = embed(net, crops)
    (net if part == "whole" else net.trunk).bfloat16()
    embeddings = embed(net, crops)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert (embeddings * expected).sum(axis=1).min() > 0.99  # the crops are no faces: those reach 0.9999


def test_a_whole_network_is_read_back_from_its_own_file(tmp_path: Path, arrays: Arrays, crops: Float32) -> None:
    save_file(random_head(64), tmp_path / "head.safetensors")
    net = facenet.load_facenet(arrays, tmp_path / "head.safetensors")
    save_file({name: value.numpy() for name, value in net.state_dict().items()}, tmp_path / "net.safetensors")
    again = facenet.load_facenet(tmp_path / "net.safetensors")
    assert np.array_equal(embed(again, crops), embed(net, crops))
    assert embed(again, crops).shape == (2, 64)
    save_file(random_head(128), tmp_path / "head.safetensors")
    replaced = facenet.load_facenet(tmp_path / "net.safetensors", tmp_path / "head.safetensors")
    assert replaced.state_dict()["head.projection"].shape == (512, 128)


def test_every_weight_can_be_trained(tmp_path: Path, arrays: Arrays, crops: Float32) -> None:
    save_file(random_head(), tmp_path / "head.safetensors")
    net = facenet.load_facenet(arrays, tmp_path / "head.safetensors")
    assert not net.training
    net.train()(torch.from_numpy(crops))[:, 0].sum().backward()
    parameters = dict(net.named_parameters())
    assert {"head.mean", "head.projection", "trunk.conv2d_1a.conv.weight"} <= parameters.keys()
    assert all(parameter.grad is not None for parameter in parameters.values())


def test_weights_that_do_not_fit_are_refused(arrays: Arrays) -> None:
    incomplete = {name: array for name, array in arrays.items() if name != "trunk.conv2d_1a.conv.weight"}
    with pytest.raises(RuntimeError, match=r"trunk\.conv2d_1a\.conv\.weight"):
        facenet.load_facenet(incomplete)


def test_module_names() -> None:
    layers = {
        "Conv2d_1a_3x3": "conv2d_1a",
        "Repeat/block35_1/Branch_0/Conv2d_1x1": "repeat_1.0.branch0",
        "Repeat/block35_1/Branch_1/Conv2d_0b_3x3": "repeat_1.0.branch1.1",
        "Repeat/block35_1/Branch_1/Conv2d_0a_1x1": "repeat_1.0.branch1.0",
        "Repeat_1/block17_10/Conv2d_1x1": "repeat_2.9.conv2d",
        "Repeat_2/block8_5/Conv2d_1x1": "repeat_3.4.conv2d",
        "Mixed_6a/Branch_1/Conv2d_0a_1x1": "mixed_6a.branch1.0",
        "Mixed_6a/Branch_1/Conv2d_1a_3x3": "mixed_6a.branch1.1",
        "Block8/Conv2d_1x1": "block8.conv2d",
    }
    assert facenet.module_names(layers) == layers
