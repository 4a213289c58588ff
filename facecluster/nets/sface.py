"""SFace of OpenCV's model zoo: a MobileNet-like network of 27 convolutions that gives 128-D embeddings.

Y. Zhong, W. Deng, J. Hu, D. Zhao, X. Li, D. Wen, "SFace: Sigmoid-Constrained Hypersphere Loss for Robust
Face Recognition", IEEE Transactions on Image Processing 30, 2021. The network alternates the depthwise and
pointwise convolutions of A. Howard et al., "MobileNets", 2017, with a PReLU after each; its batch norm is
folded into them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.onnx_file import read_onnx
from facecluster.nets.weights import Arrays, load_arrays
from facecluster.records import Float32

Affine = tuple[NDArray[np.float64], NDArray[np.float64]]

DIMENSION = 128

BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)
"""Channels and stride of each depthwise + pointwise pair, from the 32 channels of the first convolution."""


class SFace(nn.Module):
    """(N, 3, 112, 112) RGB, (x - 127.5) / 128, aligned by five points → (N, 128) float32, unit length.

    The network may be in half precision: what goes in and comes out stays float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layers())
        self.embed = nn.Linear(1024 * 7 * 7, DIMENSION)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of a batch of normalised crops."""
        x = self.features(x.to(self.embed.weight.dtype))  # (N, 1024, 7, 7)
        return normalize(self.embed(x.flatten(1)).float())


def load_sface(weights: Mapping[str, Float32] | Path) -> SFace:
    """An SFace in evaluation mode from its tensors by ``state_dict`` name, or a safetensors file of them."""
    arrays = load_file(weights) if isinstance(weights, Path) else weights
    with torch.device("meta"):  # spares the random initialisation, which is overwritten anyway
        net = SFace()
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, assign=True)
    return net.eval()


def sface_arrays(cache: Path | None = None) -> Arrays:
    """The weights for :func:`load_sface`, converted and stored in the cache folder the first time.

    Raises :class:`~facecluster.errors.WeightsError` when the extra is not installed.
    """
    return load_arrays("sface", convert_onnx, cache)


def convert_onnx(model: Path) -> Arrays:
    """Tensors of the 8-bit ONNX file by the names of SFace's ``state_dict``, float32, batch norm folded."""
    tensors = read_onnx(model)[0]
    arrays: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(_onnx_layers()):
        scale, shift = _scale_and_shift(tensors, f"{layer}_batchnorm", eps=1e-3)
        kernel = tensors[f"{layer}_conv2d_weight"].reshape(_kernel_shape(layer, len(scale)))
        arrays[f"features.{2 * index}.weight"] = kernel * scale[:, None, None, None]
        arrays[f"features.{2 * index}.bias"] = shift
        arrays[f"features.{2 * index + 1}.weight"] = tensors[f"{layer}_relu_gamma"].reshape(-1)
    before, after = (_scale_and_shift(tensors, norm, eps=2e-5) for norm in ("bn1", "fc1"))
    arrays["embed.weight"], arrays["embed.bias"] = _folded_linear(
        tensors["pre_fc1_weight"], tensors["pre_fc1_bias"], before, after
    )
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _layers() -> Iterator[nn.Module]:
    yield from (nn.Conv2d(3, 32, 3, padding=1), nn.PReLU(32))
    width = 32
    for channels, stride in BLOCKS:
        yield from (nn.Conv2d(width, width, 3, stride, padding=1, groups=width), nn.PReLU(width))
        yield from (nn.Conv2d(width, channels, 1), nn.PReLU(channels))
        width = channels


def _onnx_layers() -> Iterator[str]:
    yield "conv_1"
    for number in range(2, len(BLOCKS) + 2):
        yield from (f"conv_{number}_dw", f"conv_{number}")


def _kernel_shape(layer: str, channels: int) -> tuple[int, int, int, int]:
    if layer == "conv_1":
        return channels, 3, 3, 3
    return (channels, 1, 3, 3) if layer.endswith("_dw") else (channels, -1, 1, 1)


def _scale_and_shift(tensors: dict[str, NDArray[Any]], norm: str, eps: float) -> Affine:
    gamma, beta, mean, variance = (
        tensors[f"{norm}_{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    scale = gamma / np.sqrt(variance + eps)
    return scale, beta - mean * scale


def _folded_linear(weight: NDArray[Any], bias: NDArray[Any], before: Affine, after: Affine) -> Affine:
    # ``before`` acts on the 1024 channels of 7 × 7 that were flattened, ``after`` on the 128 outputs.
    scale, shift = (np.repeat(part, 49) for part in before)
    bias = bias + weight @ shift
    return after[0][:, None] * (weight * scale), after[0] * bias + after[1]
