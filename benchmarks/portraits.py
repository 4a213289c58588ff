"""Embeddings of portraits, with a progress bar: what `facecluster.pipeline.portraits` does, for the benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.progress import Progress

from facecluster import faces
from facecluster.pipeline.networks import portrayer
from facecluster.pipeline.portraits import Chips, Portraits, portrait_chips, portray


def embed_portraits(files: Sequence[Path], models: Iterable[str]) -> Portraits:
    """The face of each file; an error when one of them cannot be read."""
    with Progress() as progress:
        bar = progress.add_task("faces", total=len(files))
        portraits = portray(
            files, portrayer(list(models), "cpu"), lambda done, total: progress.update(bar, completed=done)
        )
    for error in portraits.unreadable:
        raise error
    return portraits


def chips_of(files: Sequence[Path]) -> Chips:
    detector = faces.Detector.load("cpu")
    return portrait_chips(files, lambda images: faces.detect(images, detector))
