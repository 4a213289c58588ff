"""The ROC as a picture, by matplotlib.

It is drawn here, where its numbers are: a curve needs nothing of photos, faces or albums.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from math import floor

from PIL import Image

from facecluster.evaluation.verification import Roc

SIZE, DOTS = (6.4, 4.8), 150
"""Inches, and pixels per inch."""

LEFT = 1e-4
"""The least FAR on the axis, or one tenth of what can be told from so few pairs if that is more."""


def plot_roc(curves: Mapping[str, Roc]) -> Image.Image:
    """VAL over FAR, FAR on a logarithmic axis, a line for each name: 960 × 720 pixels RGB.

    The axes begin where something can be told: good models would all lie at the upper edge else.
    """
    from matplotlib.figure import Figure

    figure = Figure(SIZE, DOTS, layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        axes.plot(curve.far, curve.val, drawstyle="steps-post", label=name)
    axes.set_xscale("log")
    axes.set(xlim=(_left(curves), 1), ylim=(_bottom(curves), 1.005))
    axes.set(xlabel="FAR: pairs of two people accepted", ylabel="VAL: pairs of one person accepted")
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(loc="lower right")
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return Image.open(drawn).convert("RGB")


def _left(curves: Mapping[str, Roc]) -> float:
    """Where the axis begins: one step of the coarsest curve is a rate that can be told."""
    steps = [float(curve.far[curve.far > 0].min()) for curve in curves.values()]
    return min(max([LEFT, *(step / 10 for step in steps)]), 0.1)


def _bottom(curves: Mapping[str, Roc]) -> float:
    """A tenth or two below the least VAL, that at the least FAR which can be told."""
    least = [float(curve.val[curve.far > 0].min()) for curve in curves.values()]
    return max(0.0, floor(10 * min(least, default=0.0) - 1) / 10)
