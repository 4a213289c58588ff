"""Batch norm folded into the layers before it, for a quicker network or for one with its own shape.

A batch norm belongs to a layer when it is registered right after it in the same module, with as many channels; any
other stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import numpy as np
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from facecluster.nets.tensors import Arrays

Net = TypeVar("Net", bound=nn.Module)

Layer = nn.Conv2d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d


def fold_batch_norm(net: Net) -> Net:
    """A copy without the batch norm that its layers have taken in.

    The same embeddings to rounding (1e-6), in less time; ``net`` must be in evaluation mode. Trained, it learns
    what a network does whose batch norm is frozen, but for the norm's weights: see ``unfolded_arrays``.
    """
    folded = copy.deepcopy(net)
    for place, layer, after, norm in list(_pairs(folded)):
        fused = (
            fuse_linear_bn_eval(layer, norm) if isinstance(layer, nn.Linear) else fuse_conv_bn_eval(layer, norm)
        )
        for name, module in ((place, fused), (after, nn.Identity())):
            parent, _, own = name.rpartition(".")
            setattr(folded.get_submodule(parent), own, module)
    return folded


def unfolded_arrays(folded: nn.Module, net: nn.Module) -> Arrays:
    """The tensors of ``folded``, a copy of ``net`` by ``fold_batch_norm`` that was trained, as ``net`` names them.

    As in ``folded_arrays``, batch norm only adds the bias.
    """
    arrays, own = folded_arrays(net), folded_arrays(folded)
    for layer, _, norm, _ in _pairs(net):
        own[f"{norm}.bias"] = own.pop(f"{layer}.bias")
        if f"{layer}.bias" in arrays:
            own[f"{layer}.bias"] = np.zeros_like(own[f"{norm}.bias"])
    return arrays | own


def folded_arrays(net: nn.Module) -> Arrays:
    """The tensors of ``net`` by ``state_dict`` name, float32, its batch norm folded away.

    Loaded into the same network they give the same embeddings, to rounding, in evaluation mode. A layer has taken
    in what its batch norm did, γ / √(σ² + ε) of each channel, and the batch norm only adds the bias that is left:
    its weight is √(1 + ε), its mean 0, its variance 1 (S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015,
    algorithm 2). In training mode it would normalise by the batch as ever, so it is to be trained frozen.
    """
    tensors = {name: value.detach().cpu().double().numpy() for name, value in net.state_dict().items()}
    arrays = {name: array for name, array in tensors.items() if not name.endswith("num_batches_tracked")}
    for layer, _, norm, kept in _pairs(net):
        parts = (arrays[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        weight, bias, mean, variance = parts
        factor = weight / np.sqrt(variance + kept.eps)
        kernel, own = arrays[f"{layer}.weight"], arrays.get(f"{layer}.bias", np.zeros_like(bias))
        arrays[f"{layer}.weight"] = kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))
        if f"{layer}.bias" in arrays:
            arrays[f"{layer}.bias"] = np.zeros_like(own)
        arrays[f"{norm}.weight"] = np.full_like(weight, np.sqrt(1 + kept.eps))
        arrays[f"{norm}.bias"] = bias + (own - mean) * factor
        arrays[f"{norm}.running_mean"], arrays[f"{norm}.running_var"] = np.zeros_like(mean), np.ones_like(mean)
    return {name: np.asarray(array, np.float32, order="C") for name, array in arrays.items()}


def _pairs(net: nn.Module) -> Iterator[tuple[str, Layer, str, Norm]]:
    """Each layer and the batch norm after it, with their names."""
    for place, parent in net.named_modules():
        prefix = f"{place}." if place else ""
        for (name, layer), (after, norm) in pairwise(parent.named_children()):
            if isinstance(layer, Layer) and isinstance(norm, Norm) and len(layer.weight) == norm.num_features:
                yield f"{prefix}{name}", layer, f"{prefix}{after}", norm
