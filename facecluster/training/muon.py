"""Muon: steps that are as long in every direction that a layer's gradient has, not only in its strongest ones.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. torch's own takes matrices only;
most of a FaceNet is convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

MOMENTUM = 0.9
SPREAD = 0.99
"""How slowly the mean square of a vector's gradient changes."""

STEPS = 5
QUINTIC = 3.4445, -4.7750, 2.0315
"""Of the Newton-Schulz iteration: it brings every singular value near to 1, between 0.7 and 1.2, in five steps."""

LIKE_ADAM = 0.2
"""The root mean square of AdamW's steps as a share of its rate: so a rate that suits it suits Muon (J. Liu et al.,
"Muon is Scalable for LLM Training", 2025, section 2.2)."""

TINY = 1e-10


class Muon(Optimizer):
    """Steps of the learning rate ``lr`` times 0.2 in root mean square, whatever the size of the gradient.

    A weight of two dimensions or more is taken as a matrix of outputs by inputs, and its averaged gradient made
    orthogonal, computing in ``dtype``; a vector's is divided by the root of its own mean square, as Adam does
    (Kingma & Ba, ICLR 2015).
    """

    def __init__(self, params: Iterable[Any], lr: float, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(params, {"lr": lr})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; a ``closure`` is not called."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(self._direction(weight), alpha=group["lr"] * LIKE_ADAM)

    def _direction(self, weight: Tensor) -> Tensor:
        """Where to go, of root mean square 1 or so, and the shape of ``weight``."""
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None
        if not state:
            state["mean"], state["steps"] = torch.zeros_like(weight), 0
        state["steps"] += 1
        mean: Tensor = state["mean"].lerp_(gradient, 1 - MOMENTUM)
        if weight.ndim > 1:
            matrix = gradient.lerp(mean, MOMENTUM).reshape(len(weight), -1)  # Nesterov's
            straight = orthogonal(matrix.to(self.dtype)).to(weight.dtype)
            return straight.reshape(weight.shape) * math.sqrt(max(matrix.shape))
        square: Tensor = state.setdefault("square", torch.zeros_like(weight))
        square.lerp_(gradient.square(), 1 - SPREAD)
        steps: int = state["steps"]
        size = (square / (1 - SPREAD**steps)).sqrt()
        return mean / (1 - MOMENTUM**steps) / (size + TINY)


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix (M, N) with singular values near to 1 instead of its own; zeros stay zeros."""
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = found / (found.norm() + TINY)
    a, b, c = QUINTIC
    for _ in range(STEPS):
        gram = found @ found.T
        found = a * found + (b * gram + c * gram @ gram) @ found
    result: Tensor = found.T if tall else found
    return result
