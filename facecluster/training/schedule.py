"""How the learning rate goes over the steps of a training, and a slow average of the weights on the way."""

from __future__ import annotations

import math
from typing import TypedDict

import torch
from torch import Tensor, nn


def rate(step: int, steps: int, warm_up: int, peak: float, floor: float = 0.0) -> float:
    """The learning rate at ``step``, 0..``steps`` - 1.

    1. In the ``warm_up`` steps it rises in a line, so that it would be ``peak`` at the step after them.
    2. From ``steps`` on it is ``floor``.
    3. Between, it falls from ``peak`` to ``floor`` along half a cosine (Loshchilov & Hutter, ICLR 2017).
    """
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    if step >= steps:
        return floor
    done = (step - warm_up) / (steps - warm_up)
    return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2


class AverageState(TypedDict):
    """What an `Average` needs to go on: the averaged ``state_dict``, and how many updates there were."""

    weights: dict[str, Tensor]
    updates: int


class Average:
    """An exponential moving average of a network's weights: a ← a + (1 - d)(w - a) at every update.

    d is ``decay``, but (1 + t) / (10 + t) where that is less, with t the updates before: in the beginning the
    average should forget where it began. Averaged are all floating tensors of the ``state_dict``, in float32 at
    least; others, such as counters, are taken as they are.
    """

    def __init__(self, net: nn.Module, decay: float = 0.999) -> None:
        self.decay, self.updates = decay, 0
        self.weights = {name: _wide(value) for name, value in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take in the weights as they are now."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, value in net.state_dict().items():
            average = self.weights[name]
            if average.is_floating_point():
                average.lerp_(value.to(average.dtype), 1 - decay)
            else:
                average.copy_(value)

    def copy_to(self, net: nn.Module) -> None:
        """Give the averaged weights to a network of the same shape."""
        net.load_state_dict(self.weights)

    def state(self) -> AverageState:
        """What to save; shares its tensors with the average."""
        return {"weights": self.weights, "updates": self.updates}

    def restore(self, state: AverageState) -> None:
        """Go on from what was saved."""
        self.weights = {name: _wide(value) for name, value in state["weights"].items()}
        self.updates = state["updates"]


def _wide(value: Tensor) -> Tensor:
    """A copy, in float32 at least where it is floating."""
    dtype = torch.promote_types(value.dtype, torch.float32) if value.is_floating_point() else value.dtype
    return value.detach().to(dtype, copy=True)
