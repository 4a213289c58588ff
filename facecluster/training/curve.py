"""How a training went, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facecluster.records import Float32
from facecluster.training.finetune import Course

SMOOTH = 20
"""Steps that a line is averaged over."""


def draw(course: Course, file: Path) -> None:
    """Write a PNG: what the steps saw, and below it what the average was judged at; nothing before the first."""
    from matplotlib.figure import Figure  # takes a second

    if not course.losses:
        return
    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for name, label in (
        ("loss", "loss over identities"),
        ("targets", "distance from the teachers"),
        ("active", "active pairs"),
    ):
        values = [getattr(each, name) for each in course.losses]
        if any(values):
            above.plot(range(1, len(values) + 1), smoothed(values), label=label)
    above.set_ylabel(f"mean of {SMOOTH} steps")
    above.legend()
    steps = sorted(course.judged)
    for name, label in (
        ("accuracy", "accuracy"),
        ("val_at_hundredth", "VAL @ FAR 1e-2"),
        ("val", "VAL @ FAR 1e-3"),
    ):
        below.plot(steps, [100 * getattr(course.judged[step], name) for step in steps], "o-", label=label)
    below.set_ylabel("people set aside, %")
    below.set_xlabel("step")
    below.legend()
    figure.savefig(file, dpi=100)


def smoothed(values: Sequence[float], over: int = SMOOTH) -> Float32:
    """The mean of each value and up to ``over`` - 1 before it: (N,) float32."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - over, 0)
    means: Float32 = ((sums[ends] - sums[starts]) / (ends - starts)).astype(np.float32)
    return means
