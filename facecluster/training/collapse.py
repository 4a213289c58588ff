"""Noticing that a network has begun to map all faces to one point, or to numbers that are none.

FaceNet (Schroff et al. 2015), section 3.2: with the hardest negatives, a training can end in f(x) = 0. With
vectors of unit length that is one point of the sphere: every distance is 0, and every triplet's loss the margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class CollapseOptions:
    """When to speak up.

    ``margin`` is that of the triplet loss, a squared distance; None for other losses. The loss is stuck when it is
    within ``tolerance`` times the margin of it for ``patience`` batches. ``spread`` is the least mean squared
    distance of a batch; faces of strangers are about 2 apart.
    """

    margin: float | None = None
    tolerance: float = 0.02
    patience: int = 20
    spread: float = 0.1


def spread(vectors: Tensor) -> float:
    """The mean squared L2 distance of all pairs of two ``vectors`` (N, D), any length; 0 for fewer than two.

    It is twice the variance, 2 Σ |v - mean|² / (n - 1).
    """
    if len(vectors) < 2:
        return 0.0
    wide = vectors.detach().double()
    return 2 * float((wide - wide.mean(0)).square().sum()) / (len(wide) - 1)


def collapse(losses: Sequence[float], spread: float, options: CollapseOptions) -> str | None:
    """What has gone wrong, and what to do, as a sentence; None while all is well.

    ``losses`` are those of all batches so far, the last one last (the last ``patience`` of them suffice);
    ``spread`` is that of the last batch, see the function.
    """
    if not all(map(math.isfinite, (spread, *losses[-1:]))):
        return "The embeddings or their loss are no numbers any more: lower the learning rate."
    if spread < options.spread:
        return (
            f"All faces get nearly the same embedding (their mean squared distance is {spread:.3f}; strangers "
            "are about 2 apart): lower the learning rate, or mine semi-hard negatives if these are hard."
        )
    if options.margin is not None and _stuck(losses, options.margin, options):
        return (
            f"The triplet loss has stayed at the margin, {options.margin:g}, for {options.patience} batches, so "
            "nothing is learnt: lower the learning rate, take more people and faces into a batch, or mine "
            "semi-hard negatives."
        )
    return None


def _stuck(losses: Sequence[float], margin: float, options: CollapseOptions) -> bool:
    last = losses[-options.patience :]
    near = all(abs(loss - margin) <= options.tolerance * margin for loss in last)
    return near and len(last) == options.patience
