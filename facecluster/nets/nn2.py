"""NN2: FaceNet's second network, of Inception modules that pool by maximum or by L2 norm.

F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
CVPR 2015, section 3.3 and table 2; after C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.cost import Printed
from facecluster.nets.layers import (
    L2Pool,
    convolution,
    first_convolution,
    last_layer,
    local_response_norm,
    max_pool,
)

TABLE = {
    "conv1": Printed((112, 112, 64), "9K", "119M"),
    "pool1": Printed((56, 56, 64)),
    "norm1": Printed((56, 56, 64)),
    "inception2": Printed((56, 56, 192), "115K", "360M"),
    "norm2": Printed((56, 56, 192)),
    "pool2": Printed((28, 28, 192)),
    "inception3a": Printed((28, 28, 256), "164K", "128M"),
    "inception3b": Printed((28, 28, 320), "228K", "179M"),
    "inception3c": Printed((14, 14, 640), "398K", "108M"),
    "inception4a": Printed((14, 14, 640), "545K", "107M"),
    "inception4b": Printed((14, 14, 640), "595K", "117M"),
    "inception4c": Printed((14, 14, 640), "654K", "128M"),
    "inception4d": Printed((14, 14, 640), "722K", "142M"),
    "inception4e": Printed((7, 7, 1024), "717K", "56M"),
    "inception5a": Printed((7, 7, 1024), "1.6M", "78M"),
    "inception5b": Printed((7, 7, 1024), "1.6M", "78M"),
    "pool5": Printed((1, 1, 1024)),
    "fc": Printed((1, 1, 128), "131K", "0.1M"),
}
"""Table 2 by the names of the layers."""

TOTAL = Printed((1, 1, 128), "7.5M", "1.6B")

BLOCKS = tuple(name for name, row in TABLE.items() if row.parameters)


class Widths(NamedTuple):
    """A row of table 2: channels of the four branches of a module, each as (first, second) convolution.

    ``pool`` is ``max`` or ``L2``; without a ``projection`` the pooled map itself is a branch. With a stride
    of 2 the last layer of each branch has it.
    """

    ones: int
    threes: tuple[int, int]
    fives: tuple[int, int]
    pool: str
    projection: int
    stride: int = 1

    def outputs(self, inputs: int) -> int:
        """Channels of the module's output, given those of its input."""
        return self.ones + self.threes[1] + self.fives[1] + (self.projection or inputs)


MODULES = {
    "inception3a": Widths(64, (96, 128), (16, 32), "max", 32),
    "inception3b": Widths(64, (96, 128), (32, 64), "L2", 64),
    "inception3c": Widths(0, (128, 256), (32, 64), "max", 0, stride=2),
    "inception4a": Widths(256, (96, 192), (32, 64), "L2", 128),
    "inception4b": Widths(224, (112, 224), (32, 64), "L2", 128),
    "inception4c": Widths(192, (128, 256), (32, 64), "L2", 128),
    "inception4d": Widths(160, (144, 288), (32, 64), "L2", 128),
    "inception4e": Widths(0, (160, 256), (64, 128), "max", 0, stride=2),
    "inception5a": Widths(384, (192, 384), (48, 128), "L2", 128),
    "inception5b": Widths(384, (192, 384), (48, 128), "max", 128),
}


class Inception(nn.Module):
    """(N, inputs, H, W) → (N, widths.outputs(inputs), H / stride, W / stride): branches side by side."""

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        pool = L2Pool() if widths.pool == "L2" else max_pool(widths.stride)
        branches = [
            _pair(inputs, widths.threes, 3, widths.stride),
            _pair(inputs, widths.fives, 5, widths.stride),
            nn.Sequential(pool, convolution(inputs, widths.projection, 1)) if widths.projection else pool,
        ]
        ones = [convolution(inputs, widths.ones, 1)] if widths.ones else []
        self.branches = nn.ModuleList([*ones, *branches])

    def forward(self, x: Tensor) -> Tensor:
        """The channels of 1 × 1, 3 × 3, 5 × 5 and the pool, in this order."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class NN2(nn.Sequential):
    """(N, 3, 224, 224) RGB, (x - 127.5) / 128 → (N, dimension) float32, unit length."""

    def __init__(self, dimension: int = 128) -> None:
        super().__init__(OrderedDict([*_stem(), *_modules(), *_end(dimension)]))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of a batch of normalised crops."""
        for layer in self:
            x = layer(x)
        return normalize(x.float())


def _pair(inputs: int, channels: tuple[int, int], kernel: int, stride: int) -> nn.Sequential:
    """A 1 × 1 convolution that reduces the channels, and that of ``kernel``."""
    reduced, outputs = channels
    return nn.Sequential(convolution(inputs, reduced, 1), convolution(reduced, outputs, kernel, stride))


def _stem() -> list[tuple[str, nn.Module]]:
    return [
        ("conv1", first_convolution()),
        ("pool1", max_pool(2)),
        ("norm1", local_response_norm()),
        ("inception2", _pair(64, (64, 192), 3, 1)),
        ("norm2", local_response_norm()),
        ("pool2", max_pool(2)),
    ]


def _modules() -> list[tuple[str, nn.Module]]:
    inputs, modules = 192, []
    for name, widths in MODULES.items():
        modules.append((name, Inception(inputs, widths)))
        inputs = widths.outputs(inputs)
    return list(modules)


def _end(dimension: int) -> list[tuple[str, nn.Module]]:
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return [("pool5", pool), ("fc", last_layer(1024, dimension))]
