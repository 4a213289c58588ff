"""The three nets of MTCNN with facenet-pytorch's weights, as modules that either runtime can run.

The layers are those of ``facenet_pytorch.models.mtcnn``, whose modules also load the weights from their wheel.
Added are the normalisation of grey levels, a fourth channel, and the same results in another order; what the
original's softmax makes of its two kinds, face and none, is left to whoever asks: here are log-odds. The weights
are checked before use; :class:`~facecluster.errors.WeightsError` says when they are not the ones expected.
"""

from __future__ import annotations

import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from facecluster.nets.weights import mtcnn_path

FINE = 128
"""Grey levels that are 1 for ``fine_scout`` and ``fine_sieve``."""

OUTSIDE = 24.0
"""This is taken away twice. No value of P-Net's first map is further from 0 than 22, its weights' sum."""


class Judge(nn.Module):
    """R-Net or O-Net: (N, S, S, 4) float32 grey levels 0..255 of red, green and blue; the fourth is ignored.

    Gives offsets (N, 4), for O-Net landmarks (N, 10; five x, then five y), and the log-odds of a face (N,).
    """

    def __init__(self, net: RNet | ONet) -> None:
        super().__init__()
        self.net = _without_softmax(net)
        self.net.conv1 = _wider(net.conv1, net.conv1.weight, net.conv1.bias, 0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Offsets, perhaps landmarks, and log-odds."""
        *rest, both = self.net(_normalised(pixels))
        return *rest, both[:, 1] - both[:, 0]


class Scout(nn.Module):
    """P-Net's judgement alone: (N, S, S, 4) grey levels 0..255 of red, green and blue; the fourth is ignored.

    Gives the log-odds of a face (N, h, w), with a cell for every 12 × 12 pixels that begin at even ones:
    h = ceil(S / 2) - 5. Grey levels are not normalised before the first layer: its weights are. They may be
    divided by a ``unit``: divided by 128 they are exact in bfloat16 as well, and where OpenVINO has something to
    compute, it puts channels first at no cost.
    """

    def __init__(self, net: PNet, unit: int = 1) -> None:
        super().__init__()
        self.unit = unit
        self.first = nn.Sequential(_of_grey_levels(net.conv1, unit), net.prelu1)
        self.rest = nn.Sequential(net.conv2, net.prelu2, net.conv3, net.prelu3)
        self.face = _difference(net)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The log-odds."""
        x = max_pool2d(self.first(_channels_first(pixels, self.unit)), 2, 2, ceil_mode=True)
        return (self.face(self.rest(x))[:, 0],)


class Sieve(nn.Module):
    """R-Net's judgement alone: (N, 24, 24, 4) grey levels 0..255 of red, green and blue; the fourth is ignored.

    Gives the log-odds of a face (N,). As with ``Scout``, the first layer takes grey levels as they are.
    """

    def __init__(self, net: RNet, unit: int = 1) -> None:
        super().__init__()
        self.unit, self.net = unit, _without_softmax(net)
        self.net.conv1 = _of_grey_levels(net.conv1, unit)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The log-odds."""
        both = self.net(_channels_first(pixels, self.unit))[1]
        return (both[:, 1] - both[:, 0],)


class Proposer(nn.Module):
    """P-Net: (N, S, S, 4) float32 grey levels 0..255 of red, green and blue, and 255 in a picture, 0 around it.

    Gives offsets (N, 4, h, w) and the log-odds of a face (N, h, w), in cells as ``Scout`` has them.

    Where a picture's side is odd, the maxima at its end are taken over half a cell, as in the original: what lies
    outside must not win. So it is made small in the first layer, and activations that could make it large again
    come after the maximum. A rising PReLU (slope ≥ 0) cannot. A falling one is max(x, slope·x), so the first layer
    gives slope·x as well, and after the maximum follows max(a, b) = (a + b) / 2 + |a - b| / 2 by a layer of 1 × 1,
    where |x| is a PReLU of slope -1.
    """

    def __init__(self, net: PNet) -> None:
        super().__init__()
        slope, weight, bias = (each.detach() for each in (net.prelu1.weight, net.conv1.weight, net.conv1.bias))
        rising, falling = slope >= 0, slope < 0
        weight = torch.cat(
            [weight[rising], weight[falling], weight[falling] * slope[falling][:, None, None, None]]
        )
        bias = torch.cat([bias[rising], bias[falling], bias[falling] * slope[falling]])
        up, down = int(rising.sum()), int(falling.sum())
        second = net.conv2.weight.detach()
        self.first = _wider(net.conv1, weight, bias, OUTSIDE)
        self.rise = _prelu(torch.cat([slope[rising], torch.ones(2 * down)]))
        self.pair = _pairs(up, down)
        self.bend = _prelu(torch.cat([torch.ones(up + down), -torch.ones(down)]))
        self.second = nn.Conv2d(len(weight), len(second), 3)
        self.second.weight = nn.Parameter(
            torch.cat([second[:, rising], second[:, falling], second[:, falling]], 1)
        )
        self.second.bias = net.conv2.bias
        self.rest = nn.Sequential(net.prelu2, net.conv3, net.prelu3)
        self.face, self.offsets = _difference(net), net.conv4_2

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Offsets and log-odds."""
        x = max_pool2d(self.rise(self.first(_normalised(pixels))), 2, 2, ceil_mode=True)
        x = self.rest(self.second(self.bend(self.pair(x))))
        return self.offsets(x), self.face(x)[:, 0]


def scout() -> nn.Module:
    """P-Net's judgement, for looking everywhere in bytes."""
    mtcnn_path("pnet")
    return Scout(PNet())


def fine_scout() -> nn.Module:
    """The same for bfloat16."""
    mtcnn_path("pnet")
    return Scout(PNet(), FINE)


def propose() -> nn.Module:
    """P-Net, for looking at a few places."""
    mtcnn_path("pnet")
    return Proposer(PNet())


def sieve() -> nn.Module:
    """R-Net's judgement alone, for sorting out in bytes what is clearly no face."""
    mtcnn_path("rnet")
    return Sieve(RNet())


def fine_sieve() -> nn.Module:
    """The same for bfloat16."""
    mtcnn_path("rnet")
    return Sieve(RNet(), FINE)


def refine() -> nn.Module:
    """R-Net, which judges candidates of 24 × 24 pixels."""
    mtcnn_path("rnet")
    return Judge(RNet())


def output() -> nn.Module:
    """O-Net, which judges candidates of 48 × 48 pixels and finds their landmarks."""
    mtcnn_path("onet")
    return Judge(ONet())


def _without_softmax(net: RNet | ONet) -> RNet | ONet:
    """The network, whose last layer for the two kinds of candidates is no longer followed by a softmax."""
    setattr(net, "softmax5_1" if isinstance(net, RNet) else "softmax6_1", nn.Identity())
    return net


def _difference(net: PNet) -> nn.Conv2d:
    """The layer whose sigmoid is the softmax of the original's two: face and no face."""
    layer = nn.Conv2d(32, 1, 1)
    layer.weight, layer.bias = (
        nn.Parameter(each[1:] - each[:1]) for each in (net.conv4_1.weight, net.conv4_1.bias)
    )
    return layer


def _of_grey_levels(layer: nn.Conv2d, unit: int) -> nn.Conv2d:
    """The convolution that gives for grey levels in ``unit`` (four channels) what ``layer`` gives for normalised
    colours."""
    weight, (_, bias) = layer.weight.detach() / 128, layer.parameters()
    return _wider(layer, weight * unit, bias.detach() - 127.5 * weight.sum((1, 2, 3)), 0)


def _channels_first(pixels: Tensor, unit: int) -> Tensor:
    return (pixels if unit == 1 else pixels / unit).permute(0, 3, 1, 2)


def _normalised(pixels: Tensor) -> Tensor:
    """(N, S, S, 4) → (N, 4, S, S): colours from about -1 to 1; the fourth channel 0, or -2 where it was 0."""
    return ((pixels - torch.tensor([127.5, 127.5, 127.5, 255.0])) / 128).permute(0, 3, 1, 2)


def _prelu(slopes: Tensor) -> nn.PReLU:
    activation = nn.PReLU(len(slopes))
    activation.weight = nn.Parameter(slopes)
    return activation


def _pairs(up: int, down: int) -> nn.Conv2d:
    """From channels r (``up`` of them), a and b (``down`` each) to r, (a + b) / 2 and (a - b) / 2."""
    same, none, half = torch.eye(up), torch.zeros(up, down), torch.eye(down) / 2
    rows = [
        torch.cat([same, none, none], 1),
        torch.cat([none.T, half, half], 1),
        torch.cat([none.T, half, -half], 1),
    ]
    layer = nn.Conv2d(up + 2 * down, up + 2 * down, 1, bias=False)
    layer.weight = nn.Parameter(torch.cat(rows)[..., None, None])
    return layer


def _wider(layer: nn.Conv2d, weight: Tensor, bias: Tensor, fourth: float) -> nn.Conv2d:
    """A convolution of four channels, whose last and lowest pixel adds ``fourth`` times the fourth channel."""
    wide = nn.Conv2d(4, len(weight), layer.kernel_size)  # type: ignore[arg-type]
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, :3] = weight
        wide.weight[:, 3, -1, -1] = fourth
        wide.bias = nn.Parameter(bias)
    return wide
