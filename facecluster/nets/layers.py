"""The layers that the networks of the papers are made of, with their random initialisation."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

Layer = TypeVar("Layer", bound=nn.Conv2d | nn.Linear)


def he(layer: Layer, slope: float = 0.0) -> Layer:
    """``layer`` with normal weights of variance 2 / ((1 + slope²) · inputs) and, if it has any, biases of 0.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015, section 2.2: before activations
    with that ``slope`` below 0 the mean square stays what it is. ReLU has 0; 1 is no activation, and right for
    maxout of two as well: the larger of two independent normal values has the mean square of either.
    """
    nn.init.kaiming_normal_(layer.weight, a=slope)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def centred(layer: Layer) -> Layer:
    """``layer`` with the mean of each output's weights taken away, and the rest multiplied by √(π / (π - 1)).

    For networks without batch norm, behind ReLU or maxout of two. Their outputs are positive on average, whatever
    the photo shows, and layer by layer that average drowns the rest: NN2 with :func:`he` alone begins with
    embeddings of different people at a squared distance of 0.02, with this at 0.4. (L. Huang et al., "Centered
    Weight Normalization", ICCV 2017, keep weights so throughout; here it is only the start.) The factor makes
    up for the mean: of the mean square of either activation of normal values, 1 / π is that of their mean.
    """
    layer.weight -= layer.weight.flatten(1).mean(1).reshape(-1, *[1] * (layer.weight.ndim - 1))
    layer.weight *= math.sqrt(math.pi / (math.pi - 1))
    return layer


def first_convolution() -> nn.Sequential:
    """(N, 3, H, W) → (N, 64, H / 2, W / 2), rounded up: 7 × 7 and ReLU, the first layer of NN1 and of NN2."""
    return nn.Sequential(he(nn.Conv2d(3, 64, 7, 2, 3)), nn.ReLU(inplace=True))


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution with biases, and ReLU; an odd ``kernel`` keeps (H, W), or halves them, rounded up."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    return nn.Sequential(centred(he(layer)), nn.ReLU(inplace=True))


def last_layer(inputs: int, dimension: int) -> nn.Linear:
    """(N, inputs) → (N, dimension), without an activation."""
    return centred(he(nn.Linear(inputs, dimension), slope=1))


def max_pool(stride: int) -> nn.MaxPool2d:
    """The largest of 3 × 3; (H, W) stay or are halved, rounded up."""
    return nn.MaxPool2d(3, stride, padding=1)


def local_response_norm() -> nn.LocalResponseNorm:
    """Each value over (2 + 1e-4 · the sum of squares of 5 neighbouring channels at its place) ^ 0.75.

    A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
    NIPS 2012, section 3.3, with its constants; FaceNet's tables (rnorm, norm) give none. torch takes the mean of
    the squares, hence 5e-4.
    """
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


class L2Pool(nn.Module):
    """(N, C, H, W) → the root of the sum of squares of each 3 × 3, at least 1e-6; (H, W) stay.

    Schroff et al. 2015, section 3.3: the L2 norm in place of the maximum. Outside of the map is 0. The gradient
    where all nine are 0 is 0, not the 0 / 0 of the root.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pooled in float32, given back in the precision of ``x``."""
        squares = avg_pool2d(x.float().square(), 3, 1, 1, divisor_override=1)
        return squares.clamp_min(1e-12).sqrt().to(x.dtype)


class Maxout(nn.Module):
    """(N, inputs) → (N, outputs): the largest of ``pieces`` linear functions each.

    I. Goodfellow et al., "Maxout Networks", ICML 2013, section 3; FaceNet's table 1 has p = 2.
    """

    def __init__(self, inputs: int, outputs: int, pieces: int = 2) -> None:
        super().__init__()
        self.linear = centred(he(nn.Linear(inputs, outputs * pieces), slope=1))
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """The pieces of an output are neighbours in the linear layer."""
        return torch.amax(self.linear(x).unflatten(1, (-1, self.pieces)), 2)
