"""FaceNet: facenet-pytorch's InceptionResnetV1 and a linear head to 128 dimensions.

F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
CVPR 2015; the network is that of C. Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of
Residual Connections on Learning", AAAI 2017.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.tensorflow_graph import read_constants
from facecluster.nets.weights import Arrays, load_arrays
from facecluster.records import Float32

TRUNK_DIMENSION = 512

BN_EPS = 0.001


class Head(nn.Module):
    """From the trunk's unit vectors to shorter ones: ``(x - mean) @ projection``.

    ``mean`` is (512,) and ``projection`` (512, D) float32; fitted by PCA on the trunk's unit vectors of many
    faces, and trainable like any layer.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(TRUNK_DIMENSION))
        self.projection = nn.Parameter(torch.eye(TRUNK_DIMENSION, dimension))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 512) → (N, D), not yet of unit length."""
        return (x.to(self.mean.dtype) - self.mean) @ self.projection


class FaceNet(nn.Module):
    """(N, 3, 160, 160) RGB, (x - 127.5) / 128 → (N, dimension) float32, unit length; 512 without a head.

    The network, or its trunk alone, may be in half precision: what goes in and comes out stays float32.
    """

    def __init__(self, dimension: int = TRUNK_DIMENSION) -> None:
        super().__init__()
        self.trunk = InceptionResnetV1()
        self.head: nn.Module = nn.Identity() if dimension == TRUNK_DIMENSION else Head(dimension)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of a batch of normalised crops."""
        x = self.trunk(x.to(self.trunk.last_linear.weight.dtype))  # (N, 512), unit length
        return normalize(self.head(x).float())


def load_facenet(weights: Mapping[str, Float32] | Path, head: Path | None = None) -> FaceNet:
    """A FaceNet in evaluation mode, with its batch norm, ready to be trained or folded.

    ``weights`` are the network's tensors by ``state_dict`` name (``trunk.…``, perhaps ``head.…``), or a
    safetensors file of them. ``head`` is a safetensors file with ``mean`` (512,) and ``projection`` (512, D)
    that replaces the head; without any head the embeddings are 512-D. Raises torch's ``RuntimeError`` when a
    tensor is missing or of another shape.
    """
    arrays = dict(load_file(weights) if isinstance(weights, Path) else weights)
    if head is not None:
        arrays |= {f"head.{name}": array for name, array in load_file(head).items()}
    dimension = arrays["head.projection"].shape[1] if "head.projection" in arrays else TRUNK_DIMENSION
    with torch.device("meta"):  # spares the random initialisation, which is overwritten anyway
        net = FaceNet(dimension)
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, assign=True)
    return net.eval()


def facenet_arrays(name: str = "facenet-casia", cache: Path | None = None) -> Arrays:
    """The trunk's weights for :func:`load_facenet`, converted and stored in the cache folder the first time.

    ``name`` is ``facenet-casia`` or ``facenet-vggface2``, others' work. Raises
    :class:`~facecluster.errors.WeightsError`.
    """
    return load_arrays(name, convert_graph, cache)


def convert_graph(graph: Path) -> Arrays:
    """The tensors of the frozen TensorFlow graph under the names of FaceNet's ``state_dict``, float32.

    The graph's batch norm is folded into its convolutions, so that of the network is set to add the bias and
    change nothing else: weight √(1 + ε), mean 0, variance 1.
    """
    constants = read_constants(graph)
    constants = {name.removeprefix("InceptionResnetV1/"): array for name, array in constants.items()}
    arrays = {"last_linear.weight": constants.pop("Bottleneck/weights").T}  # (1792, 512) → (512, 1792)
    mean, variance, bias = (
        constants[f"Bottleneck/BatchNorm/{part}"] for part in ("moving_mean", "moving_variance", "beta")
    )
    arrays |= _batch_norm("last_bn", np.ones_like(bias), bias, mean, variance)
    layers = [name.removesuffix("/weights") for name in constants if name.endswith("/weights")]
    for layer, module in module_names(layers).items():
        arrays |= _convolution(module, layer, constants)
    return {f"trunk.{name}": np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def module_names(layers: Iterable[str]) -> dict[str, str]:
    """TensorFlow's convolutions (``Repeat/block35_1/Branch_1/Conv2d_0a_1x1``) → modules of the trunk.

    A branch of several convolutions is a sequence (``repeat_1.0.branch1.0``), one of a single convolution is
    that convolution; outside of branches they keep their own name (``conv2d_1a``, ``repeat_1.0.conv2d``).
    """
    folders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for layer in sorted(layers):
        folders[tuple(layer.split("/")[:-1])].append(layer)
    names = {}
    for folder, members in folders.items():
        place = ".".join(_module_part(part) for part in folder)
        for index, layer in enumerate(members):
            if not place.rpartition(".")[2].startswith("branch"):
                own = re.sub(r"_\dx\d$", "", layer.split("/")[-1].lower())
                names[layer] = f"{place}.{own}".lstrip(".")
            else:
                names[layer] = place if len(members) == 1 else f"{place}.{index}"
    return names


def _module_part(part: str) -> str:
    if block := re.fullmatch(r"block\d+_(\d+)", part):
        return str(int(block[1]) - 1)
    repeats = {"Repeat": "repeat_1", "Repeat_1": "repeat_2", "Repeat_2": "repeat_3"}
    return repeats.get(part, part.lower().replace("branch_", "branch"))


def _convolution(module: str, layer: str, constants: Arrays) -> Arrays:
    weight = constants[f"{layer}/weights"].transpose(3, 2, 0, 1)  # height, width, in, out → out, in, …
    if f"{layer}/biases" in constants:
        return {f"{module}.weight": weight, f"{module}.bias": constants[f"{layer}/biases"]}
    bias = constants[f"{layer}/Conv2D_bn_offset"]
    ones = np.ones_like(bias)
    norm = _batch_norm(f"{module}.bn", math.sqrt(1 + BN_EPS) * ones, bias, 0 * ones, ones)
    return {f"{module}.conv.weight": weight} | norm


def _batch_norm(module: str, weight: Float32, bias: Float32, mean: Float32, variance: Float32) -> Arrays:
    parts = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    return {f"{module}.{part}": array for part, array in parts.items()}
