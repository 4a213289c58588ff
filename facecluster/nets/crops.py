"""The embedders' networks with what comes before them: from pixels of a crop to a unit vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from facecluster.errors import WeightsError
from facecluster.nets.architectures import ARCHITECTURES
from facecluster.nets.facenet import facenet_arrays, fold_batch_norm, load_facenet
from facecluster.nets.sface import load_sface, sface_arrays
from facecluster.nets.specs import ModelSpec
from facecluster.nets.tensors import Arrays
from facecluster.nets.trainable import network_of
from facecluster.nets.trained import read_model
from facecluster.nets.weights import head_file, trained_file

LOADERS: dict[str, Callable[[Arrays], nn.Module]] = {
    "facenet": lambda arrays: fold_batch_norm(load_facenet(arrays)),
    **{arch: partial(network_of, arch) for arch in ARCHITECTURES if arch != "facenet"},
}
"""How the network of a trained model is made of its tensors, for inference, by its kind."""


class OfCrops(nn.Module):
    """(N, S, S, 3) float32 RGB grey levels 0..255 → (N, dimension) float32, unit length."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings of the crops."""
        vectors: Tensor = self.net((pixels.permute(0, 3, 1, 2) - 127.5) / 128)
        return vectors


def embedder_of(spec: ModelSpec) -> nn.Module:
    """The network of ``spec`` for inference, float32. Raises ``WeightsError``."""
    if spec.source.kind in ("shipped", "own"):
        return OfCrops(_trained(spec))
    if spec.arch == "sface":
        return OfCrops(load_sface(sface_arrays()))
    return OfCrops(fold_batch_norm(load_facenet(facenet_arrays(spec.name), head_file(spec))))


def _trained(spec: ModelSpec) -> nn.Module:
    """The network of a trained model, tried on a crop of zeros: a file may hold anything."""
    file = trained_file(spec)
    if spec.arch not in LOADERS:
        kinds = ", ".join(LOADERS)
        raise WeightsError(f"{file} holds a network of the kind {spec.arch!r}; this version knows {kinds}.")
    arrays, _ = read_model(file, spec.source.sha256)
    try:
        net = LOADERS[spec.arch](arrays).eval()
        with torch.inference_mode():
            found = tuple(net(torch.zeros(1, 3, spec.size, spec.size)).shape)
    except (RuntimeError, AttributeError, LookupError, ValueError, TypeError) as error:
        raise WeightsError(f"{file} does not hold the {spec.arch} that its card tells ({error}).") from error
    if found != (1, spec.dimension):
        raise WeightsError(f"{file} gives embeddings of {found[-1]} numbers, and its card says {spec.dimension}.")
    return net
