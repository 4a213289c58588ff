"""MobileFaceNet: under a million parameters, for faces aligned by five points.

S. Chen, Y. Liu, X. Gao, Z. Han, "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on
Mobile Devices", CCBR 2018, section 3.2 and table 1; its bottlenecks are those of M. Sandler et al.,
"MobileNetV2", CVPR 2018, section 3.4, with PReLU.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.cost import Printed
from facecluster.nets.layers import he

SLOPE = 0.25
"""Where the slopes of PReLU start: He et al., "Delving Deep into Rectifiers", ICCV 2015, section 2.1."""

TOTAL = Printed((1, 1, 128), "0.99M", "221M")


class Stage(NamedTuple):
    """A row of table 1: bottlenecks with expansion t and c channels, n times, the first with stride s."""

    expansion: int
    channels: int
    times: int
    stride: int


STAGES = {
    "bottleneck1": Stage(2, 64, 5, 2),
    "bottleneck2": Stage(4, 128, 1, 2),
    "bottleneck3": Stage(2, 128, 6, 1),
    "bottleneck4": Stage(4, 128, 1, 2),
    "bottleneck5": Stage(2, 128, 2, 1),
}

BLOCKS = ("conv1", "depthwise", *STAGES, "conv2", "gdconv", "linear")


class Bottleneck(nn.Sequential):
    """1 × 1 to more channels, 3 × 3 for each of them alone, 1 × 1 to ``outputs`` without an activation.

    The input is added where it has the shape of the output.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        between = expansion * inputs
        super().__init__(
            _convolution(inputs, between, 1),
            _convolution(between, between, 3, stride, groups=between),
            _linear_convolution(between, outputs, 1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H / stride, W / stride)."""
        given = x
        for layer in self:
            x = layer(x)
        return x + given if self.residual else x


class MobileFaceNet(nn.Sequential):
    """(N, 3, 112, 112) RGB, (x - 127.5) / 128 → (N, dimension) float32, unit length."""

    def __init__(self, dimension: int = 128) -> None:
        super().__init__(
            OrderedDict[str, nn.Module](
                conv1=_convolution(3, 64, 3, stride=2),
                depthwise=_convolution(64, 64, 3, groups=64),
                **_stages(64),
                conv2=_convolution(128, 512, 1),
                gdconv=_linear_convolution(512, 512, 7, groups=512),
                linear=_linear_convolution(512, dimension, 1),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of a batch of normalised crops."""
        for layer in self:
            x = layer(x)
        return normalize(x.flatten(1).float())


def _stages(inputs: int) -> dict[str, nn.Module]:
    stages: dict[str, nn.Module] = {}
    for name, (expansion, outputs, times, stride) in STAGES.items():
        first = Bottleneck(inputs, outputs, expansion, stride)
        more = (Bottleneck(outputs, outputs, expansion, 1) for _ in range(times - 1))
        stages[name] = nn.Sequential(first, *more)
        inputs = outputs
    return stages


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution, batch norm and PReLU; (H, W) stay, or are halved."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(he(layer, SLOPE), nn.BatchNorm2d(outputs), nn.PReLU(outputs, SLOPE))


def _linear_convolution(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Sequential:
    """A convolution and batch norm, without an activation."""
    layer = nn.Conv2d(inputs, outputs, kernel, groups=groups, bias=False)
    return nn.Sequential(he(layer, slope=1), nn.BatchNorm2d(outputs))
