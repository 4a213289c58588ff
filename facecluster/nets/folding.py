"""A network's tensors with its batch norm folded into the layers before it, in a form that can be trained."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from torch import nn

from facecluster.nets.tensors import Arrays

LAYERS = (nn.Conv2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def folded_arrays(net: nn.Module) -> Arrays:
    """The tensors of ``net`` by ``state_dict`` name, float32, its batch norm folded away.

    Loaded into the same network they give the same embeddings, to rounding, in evaluation mode. A layer has taken
    in what its batch norm did, γ / √(σ² + ε) of each channel, and the batch norm only adds the bias that is left:
    its weight is √(1 + ε), its mean 0, its variance 1 (S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015,
    algorithm 2). In training mode it would normalise by the batch as ever, so it is to be trained frozen.

    A batch norm belongs to a layer when it is registered right after it in the same module, with as many channels;
    any other stays as it is.
    """
    tensors = {name: value.detach().cpu().double().numpy() for name, value in net.state_dict().items()}
    arrays = {name: array for name, array in tensors.items() if not name.endswith("num_batches_tracked")}
    for layer, norm, epsilon in _pairs(net):
        parts = (arrays[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        weight, bias, mean, variance = parts
        factor = weight / np.sqrt(variance + epsilon)
        kernel, own = arrays[f"{layer}.weight"], arrays.get(f"{layer}.bias", np.zeros_like(bias))
        arrays[f"{layer}.weight"] = kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))
        if f"{layer}.bias" in arrays:
            arrays[f"{layer}.bias"] = np.zeros_like(own)
        arrays[f"{norm}.weight"] = np.full_like(weight, np.sqrt(1 + epsilon))
        arrays[f"{norm}.bias"] = bias + (own - mean) * factor
        arrays[f"{norm}.running_mean"], arrays[f"{norm}.running_var"] = np.zeros_like(mean), np.ones_like(mean)
    return {name: np.asarray(array, np.float32, order="C") for name, array in arrays.items()}


def _pairs(net: nn.Module) -> Iterator[tuple[str, str, float]]:
    """Names of each layer and of the batch norm after it, and its ε."""
    for place, parent in net.named_modules():
        prefix = f"{place}." if place else ""
        for (name, layer), (after, norm) in pairwise(parent.named_children()):
            if isinstance(layer, LAYERS) and isinstance(norm, NORMS) and len(layer.weight) == norm.num_features:
                yield f"{prefix}{name}", f"{prefix}{after}", norm.eps
