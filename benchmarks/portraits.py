"""Embeddings of portraits, with a progress bar: what `facecluster.pipeline.portraits` does, for the benchmarks.

A file that cannot be read is an error here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.progress import Progress

from facecluster import faces
from facecluster.errors import UnreadablePhotoError
from facecluster.pipeline.networks import portrayer
from facecluster.pipeline.portraits import Chips, Portraits, portrait_chips, portray


def embed_portraits(files: Sequence[Path], models: Iterable[str]) -> Portraits:
    with Progress() as progress:
        bar = progress.add_task("faces", total=len(files))
        nets = portrayer(list(models), "cpu")
        portraits = portray(files, nets, lambda done, total: progress.update(bar, completed=done))
    _refuse(portraits.unreadable)
    return portraits


def chips_of(files: Sequence[Path]) -> Chips:
    detector = faces.Detector.load("cpu")
    chips = portrait_chips(files, lambda images: faces.detect(images, detector))
    _refuse(chips.unreadable)
    return chips


def _refuse(unreadable: Iterable[UnreadablePhotoError]) -> None:
    for error in unreadable:
        raise error
