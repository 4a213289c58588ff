"""The embedders' networks with what comes before them: from pixels of a crop to a unit vector."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from facecluster.errors import WeightsError
from facecluster.nets.architectures import ARCHITECTURES
from facecluster.nets.facenet import FaceNet, facenet_arrays, load_facenet
from facecluster.nets.folding import fold_batch_norm
from facecluster.nets.sface import load_sface, sface_arrays
from facecluster.nets.specs import ModelSpec
from facecluster.nets.trained import read_model
from facecluster.nets.weights import head_file, trained_file

BUILD: dict[str, Callable[[int], nn.Module]] = {
    "facenet": FaceNet,
    **{name: kind.build for name, kind in ARCHITECTURES.items() if name != "facenet"},
}
"""Makes the network of a trained model, by its kind: with embeddings of so many numbers."""


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
    if spec.arch not in BUILD:
        kinds = ", ".join(BUILD)
        raise WeightsError(f"{file} holds a network of the kind {spec.arch!r}; this version knows {kinds}.")
    arrays, _ = read_model(file, spec.source.sha256)
    try:
        with torch.device("meta"):  # spares the random initialisation, which is overwritten anyway
            net = BUILD[spec.arch](spec.dimension)
        net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, assign=True)
        folded = fold_batch_norm(net.eval())
        with torch.inference_mode():
            found = tuple(folded(torch.zeros(1, 3, spec.size, spec.size)).shape)
    except (RuntimeError, LookupError, ValueError, TypeError) as error:
        raise WeightsError(f"{file} does not hold the {spec.arch} that its card tells ({error}).") from error
    if found != (1, spec.dimension):
        raise WeightsError(f"{file} gives embeddings of {found[-1]} numbers, and its card says {spec.dimension}.")
    return folded
