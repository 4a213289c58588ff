"""Trained models for tests: a card, tensors of no network, and a network that is tiny."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.card import NORMALISATION, Card
from facecluster.nets.tensors import Arrays

Net = TypeVar("Net", bound=nn.Module)

FAR: dict[str, list[float | None]] = {
    "rates": [0.5, 0.1, 0.01, 0.001],
    "face": [1.9, 1.5, 1.2, 0.9],
    "person": [1.9, 1.6, 1.4, None],
}


def a_card(name: str = "family", **changes: Any) -> Card:
    """The card of a tiny model."""
    card = Card(
        name=name,
        arch="tiny",
        dimension=8,
        crop="box 36/160",
        size=32,
        normalisation=NORMALISATION,
        join_distance=0.9,
        licence="MIT",
        origin="a net for tests",
        training_data="no photo of anybody",
        command="facecluster train photos",
        made_at="2026-01-31",
        figures={"held-out": 97.5, "faces": 12, "note": "none"},
    )
    return replace(card, **changes)


def some_arrays(seed: int = 0) -> Arrays:
    """Tensors of all kinds that are stored differently."""
    numbers = np.random.default_rng(seed)
    shapes = {
        "conv.weight": (16, 8, 3, 3),
        "conv.bias": (16,),
        "small.weight": (4, 4),
        "head.projection": (64, 16),
        "linear.weight": (10, 64),
        "number": (),
    }
    return {name: numbers.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


class Tiny(nn.Module):
    """(N, 3, S, S) to (N, 8), unit length: what is bright where, mixed."""

    def __init__(self, dimension: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 8, stride=8, bias=False)
        self.bn = nn.BatchNorm2d(32)
        self.embed = nn.Linear(32, 8)

    def forward(self, x: Tensor) -> Tensor:
        return normalize(self.embed(torch.relu(self.bn(self.conv(x))).mean((2, 3))))


def load_tiny(arrays: Arrays) -> nn.Module:
    """The tiny network of its tensors."""
    net = Tiny()
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    return net


def tiny_net(seed: int = 0) -> Tiny:
    """A tiny network with random weights, and batch norm that does something."""
    torch.manual_seed(seed)
    return uneven(Tiny()).eval()


def uneven(net: Net) -> Net:
    """A network whose batch norm has seen something."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for values, low, high in (
                    (module.running_mean, -0.2, 0.2),
                    (module.running_var, 0.5, 2.0),
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.2, 0.2),
                ):
                    assert values is not None
                    values.uniform_(low, high)
    return net
