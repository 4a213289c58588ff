"""Models as a training begins with them, and as it leaves them."""

from __future__ import annotations

import torch
from safetensors.numpy import load_file
from torch import nn

from facecluster.errors import UsageError
from facecluster.nets.architectures import architecture_of
from facecluster.nets.facenet import facenet_arrays, load_facenet
from facecluster.nets.specs import ModelSpec
from facecluster.nets.tensors import Arrays
from facecluster.nets.trained import read_model
from facecluster.nets.weights import head_file, trained_file


def arrays_of(spec: ModelSpec) -> Arrays:
    """The tensors of ``spec`` by the ``state_dict`` names of its architecture's network, float32.

    Batch norm is folded into the layers before it; see ``folding``. Raises ``WeightsError``, and ``UsageError``
    for a model whose network cannot be trained here.
    """
    if spec.source.kind in ("shipped", "own"):
        return read_model(trained_file(spec), spec.source.sha256)[0]
    if spec.arch != "facenet":
        raise UsageError(f"{spec.name} can teach, but a training cannot begin with its weights.")
    head = head_file(spec)
    arrays = facenet_arrays(spec.name)
    return arrays | {f"head.{name}": array for name, array in load_file(head).items()} if head else arrays


def network_of(arch: str, arrays: Arrays) -> nn.Module:
    """The network of an architecture with these tensors, in evaluation mode; FaceNet with the head that is theirs.

    Raises ``UsageError`` for an unknown architecture, torch's ``RuntimeError`` for tensors that do not fit.
    """
    if arch == "facenet":
        return load_facenet(arrays)
    net = architecture_of(arch).build()
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    return net.eval()
