"""Probabilities and log-odds of faces, exact ones and those of networks in a hurry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecluster.nets.runtime import Network
from facecluster.records import Float32


def probability(log_odds: Float32) -> Float32:
    """1 / (1 + exp(-x)) to the last digit, float32: what softmax makes of two numbers whose difference is x.

    Of overlapping boxes the most probable one remains, and the probabilities of a face's boxes differ in their
    last digits only, if at all: quicker ways, which are off by one digit, choose other boxes than the original.
    """
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + np.exp(-log_odds))


def log_odds(probability: float) -> float:
    """The inverse: log(p / (1 - p)) of 0 < p < 1, else infinite."""
    if 0 < probability < 1:
        return math.log(probability / (1 - probability))
    return math.inf if probability > 0.5 else -math.inf


@dataclass(frozen=True, slots=True)
class Hasty:
    """A network in a hurry, and by how much its log-odds may differ from those of the exact one.

    What it sees up to ``below`` below a limit may be above it. Of candidates that compete, it orders those rightly
    that differ by twice ``among``; where that is infinite, all of them have to be looked at again. Both are hardly
    ever wrong: see ``hurried``.
    """

    net: Network
    below: float
    among: float = math.inf

    def likely(self, seen: Float32, least: float) -> NDArray[np.bool_]:
        """Which of those whose log-odds (N,) it has ``seen`` may have a probability of ``least`` or more: (N,)."""
        found: NDArray[np.bool_] = seen >= log_odds(least) - self.below
        return found

    def bounds(self, seen: Float32) -> tuple[Float32, Float32]:
        """Between which two probabilities (N,) the exact ones lie."""
        return probability(seen - np.float32(self.among)), probability(seen + np.float32(self.among))


def no_bounds(count: int) -> tuple[Float32, Float32]:
    """Between which two probabilities (N,) those of ``count`` candidates lie of which nothing is known."""
    return np.zeros(count, np.float32), np.ones(count, np.float32)
