"""The embedders' networks with what comes before them: from pixels of a crop to a unit vector."""

from __future__ import annotations

from torch import Tensor, nn

from facecluster.nets.facenet import facenet_arrays, fold_batch_norm, load_facenet
from facecluster.nets.sface import load_sface, sface_arrays
from facecluster.nets.specs import ModelSpec
from facecluster.nets.weights import head_file


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
    if spec.name == "sface":
        return OfCrops(load_sface(sface_arrays()))
    return OfCrops(fold_batch_norm(load_facenet(facenet_arrays(spec.name), head_file(spec))))
