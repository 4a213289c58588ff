"""What a network costs: its parameters and its multiply-adds, layer by layer.

A multiply-add is one multiplication and one addition, as in the tables of the papers ("FLOPS" in FaceNet's).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

Counted = Literal["weights", "weights and biases", "all"]
"""Which parameters count. ``weights`` are those of convolutions and of linear layers; each of their biases is one
more multiply-add per output. ``all`` adds batch norm and the slopes of PReLU, which count as parameters only: for
inference batch norm is folded into the weights and biases.

FaceNet's tables count weights and biases, though they do not say so: NN1's conv4a has 147,456 weights and 384
biases, and is printed as 148K. Its networks have no batch norm.
"""

UNITS = {"K": 1e3, "M": 1e6, "B": 1e9}


class Printed(NamedTuple):
    """A row of a paper's table: output (rows, columns, channels), parameters and multiply-adds as printed.

    Counts that the paper leaves out are empty.
    """

    shape: tuple[int, int, int]
    parameters: str = ""
    multiply_adds: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one layer or block, for one face: the shape of its output is (C, H, W) or (D,), without the batch."""

    layer: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_costs(net: nn.Module, size: int, counted: Counted = "all") -> list[Cost]:
    """Every module of ``net`` with parameters of its own, in the order in which they are computed.

    Runs ``net`` in evaluation mode on one input of zeros, (1, 3, size, size), on its own device; on ``meta``
    this takes no memory. Each layer is counted as called once.
    """
    return _layers(net, _output_shapes(net, size), counted)


def block_costs(net: nn.Module, size: int, blocks: Iterable[str], counted: Counted = "all") -> list[Cost]:
    """The same for modules by their dotted name, in the order given; their layers are added up."""
    shapes = _output_shapes(net, size)
    layers = _layers(net, shapes, counted)
    return [
        Cost(block, shapes[block], *_sums(cost for cost in layers if f"{cost.layer}.".startswith(f"{block}.")))
        for block in blocks
    ]


def total(costs: Sequence[Cost]) -> Cost:
    """The sums, under the name ``total``, with the shape of the last."""
    return Cost("total", costs[-1].shape, *_sums(costs))


def rounded(count: int, like: str) -> str:
    """``count`` with the unit and the decimals of ``like``: 164,288 like ``9K`` is ``164K``."""
    number, unit = like[:-1], like[-1]
    return f"{count / UNITS[unit]:.{len(number.partition('.')[2])}f}{unit}"


def value(printed: str) -> float:
    """The number that a paper prints: ``1.6B`` is 1.6e9."""
    return float(printed[:-1]) * UNITS[printed[-1]]


def _output_shapes(net: nn.Module, size: int) -> dict[str, tuple[int, ...]]:
    """The shape of every module's output, without the batch, in the order in which they are done."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, module: nn.Module, given: Any, output: Tensor) -> None:
        """Keep the shape of a module's output."""
        shapes[name] = tuple(output.shape[1:])

    hooks = [module.register_forward_hook(partial(note, name)) for name, module in net.named_modules()]
    modes = [(module, module.training) for module in net.modules()]
    device = next(net.parameters()).device
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(1, 3, size, size, device=device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    return shapes


def _layers(net: nn.Module, shapes: dict[str, tuple[int, ...]], counted: Counted) -> list[Cost]:
    modules = dict(net.named_modules())
    owners = [name for name in shapes if any(True for _ in modules[name].parameters(recurse=False))]
    return [_cost(name, modules[name], shapes[name], counted) for name in owners]


def _cost(name: str, module: nn.Module, shape: tuple[int, ...], counted: Counted) -> Cost:
    own = list(module.parameters(recurse=False))
    weights = sum(each.numel() for each in own if each.ndim > 1)
    vectors = sum(each.numel() for each in own if each.ndim <= 1)  # biases, or batch norm, or slopes
    used = weights + (vectors if weights and counted != "weights" else 0)
    return Cost(name, shape, weights + vectors if counted == "all" else used, used * math.prod(shape[1:]))


def _sums(costs: Iterable[Cost]) -> tuple[int, int]:
    counts = [(cost.parameters, cost.multiply_adds) for cost in costs]
    return sum(first for first, _ in counts), sum(second for _, second in counts)
