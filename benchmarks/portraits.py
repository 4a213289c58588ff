"""Embeddings of portraits, with a progress bar: what `facecluster.pipeline.portraits` does, for the benchmarks.

A file that cannot be read is an error here.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.progress import Progress

from facecluster import faces
from facecluster.errors import UnreadablePhotoError
from facecluster.pipeline.networks import portrayer
from facecluster.pipeline.portraits import Chips, Portraits, portrait_chips, portray


def asked_for(doc: str | None, every: int) -> list[Path]:
    """The ``listed`` files of the folder on the command line; ``--every`` says how many of them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with labels.csv, whose column 'path' lists the faces")
    parser.add_argument("--every", type=int, default=every)
    options = parser.parse_args()
    return listed(options.data, options.every)


def listed(folder: Path, every: int) -> list[Path]:
    """One of ``every`` so many files in the column ``path`` of the folder's ``labels.csv``."""
    with (folder / "labels.csv").open(newline="") as file:
        return [folder / row["path"] for row in csv.DictReader(file)][::every]


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
