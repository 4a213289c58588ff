"""YuNet of OpenCV's model zoo, a detector of 51,000 weights for a first look at a whole photo.

W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023.
Convolutions of one pixel alternate with depthwise ones of 3 × 3 pixels (section 3.1); three maps, with a place for
every 8, 16 and 32 pixels, say of each place whether there is a face and where its sides are. Its landmarks are
left out: nobody asks for them. Batch norm is folded into the convolutions of the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from facecluster.nets.onnx_file import read_onnx
from facecluster.nets.weights import YUNET, verified_source

MAPS = 3

UNIT = 128
"""Grey levels are divided by this first: see ``nets.mtcnn.Scout``."""


class Unit(nn.Sequential):
    """A convolution of one pixel and a depthwise one of 3 × 3."""

    def __init__(self, given: int, wanted: int, *after: nn.Module) -> None:
        super().__init__(
            nn.Conv2d(given, wanted, 1), nn.Conv2d(wanted, wanted, 3, padding=1, groups=wanted), *after
        )


class YuNet(nn.Module):
    """(N, H, W, 3) RGB grey levels 0..255. Sides are multiples of 32.

    Gives three maps (N, 6, H / s, W / s) for s = 8, 16, 32: log-odds that a place belongs to a face, and that
    a face is centred there; where the centre is, x and y from the place in units of s; logarithms of the face's
    width and height in the same units.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, 2, padding=1), nn.ReLU(), _unit(16, 16))
        self.fine = nn.Sequential(_unit(16, 16), _unit(16, 32), _unit(32, 32), _unit(32, 64))
        self.maps = nn.ModuleList(nn.Sequential(_unit(64, 64), _unit(64, 64)) for _ in range(MAPS))
        self.merge = nn.ModuleList(_unit(64, 64) for _ in range(MAPS))  # from the coarsest on, as in the file
        self.kind, self.sides, self.centre = (
            nn.ModuleList(Unit(64, wanted) for _ in range(MAPS)) for wanted in (1, 4, 1)
        )

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The three maps."""
        x = self.fine(max_pool2d(self.first((pixels / UNIT).permute(0, 3, 1, 2)), 2))
        levels = [x := level(max_pool2d(x, 2)) for level in self.maps]
        coarser: Tensor | None = None
        merged: list[Tensor] = []
        for merge, level in zip(self.merge, reversed(levels), strict=True):
            both = level if coarser is None else level + interpolate(coarser, scale_factor=2.0, mode="nearest")
            merged.insert(0, coarser := merge(both))
        heads = zip(self.kind, self.centre, self.sides, merged, strict=True)
        return tuple(torch.cat([kind(x), centre(x), sides(x)], 1) for kind, centre, sides, x in heads)


def yunet() -> nn.Module:
    """YuNet with its published weights. Raises :class:`~facecluster.errors.WeightsError` without the extra."""
    return load_yunet(verified_source(YUNET))


def load_yunet(model: Path) -> YuNet:
    """YuNet with the weights of an ONNX file, whose convolutions are in the order of the modules here."""
    tensors, convolutions = read_onnx(model)
    net = YuNet()
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    for number, (layer, names) in enumerate(zip(layers, convolutions, strict=False)):
        weight, bias = (tensors[name].astype(np.float32) for name in names)
        if number == 0:  # the file's colours are blue, green, red
            weight = weight[:, ::-1] * UNIT
        layer.load_state_dict({"weight": torch.tensor(weight.copy()), "bias": torch.tensor(bias)})
    return net.eval()


def _unit(given: int, wanted: int) -> Unit:
    return Unit(given, wanted, nn.ReLU())
