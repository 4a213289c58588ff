"""How often a model takes two people for one at a distance: measured on people of whom none is in a test set.

``benchmarks/fit_far.py`` measures it on photos of known people. In a family it is more often: siblings are alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from facecluster.nets.card import Far
from facecluster.nets.specs import spec_of

Kind = Literal["face", "person"]
"""What is compared: two faces, or a face and a person, by the mean squared distance to the person's faces."""


@dataclass(frozen=True, slots=True)
class FarCurve:
    """The false-accept rate (FAR), the share of comparisons of different people that lie below a distance.

    ``distances`` are squared L2 between unit vectors, falling as the ``rates`` do. FaceNet (Schroff et al. 2015),
    section 4, defines FAR(d) = |FA(d)| / |P_diff|.
    """

    rates: tuple[float, ...]
    distances: tuple[float, ...]

    def rate(self, distance: float) -> float:
        """FAR at a distance: its logarithm is linear between measured points, and ends with them."""
        return float(np.exp(np.interp(distance, self.distances[::-1], np.log(self.rates[::-1]))))

    def distance(self, rate: float) -> float:
        """The distance at which FAR is ``rate``, the inverse of ``rate``."""
        return float(np.interp(np.log(rate), np.log(self.rates[::-1]), self.distances[::-1]))

    def adapted(self, tenth: float, hundredth: float) -> FarCurve:
        """The curve moved and stretched so that FAR is 0.1 and 0.01 at these distances."""
        one, other = self.distance(0.1), self.distance(0.01)
        stretch = (tenth - hundredth) / (one - other)
        return FarCurve(self.rates, tuple(hundredth + stretch * (far - other) for far in self.distances))


def far_curve(model: str, kind: Kind) -> FarCurve | None:
    """What was measured for a model, as its own file tells it or that beside this module; None for nothing.

    Raises ``UsageError`` for an unknown model, ``WeightsError`` for a damaged one.
    """
    measured = spec_of(model).far or _shipped(model)
    if measured is None:
        return None
    points = zip(measured["rates"], measured[kind], strict=True)
    rates, distances = zip(
        *((rate, distance) for rate, distance in points if rate is not None and distance is not None), strict=True
    )
    return FarCurve(rates, distances)


@cache
def _shipped(model: str) -> Far | None:
    file = Path(__file__).with_name(f"{model}_far.json")
    far: Far | None = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return far
