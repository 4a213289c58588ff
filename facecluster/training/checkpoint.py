"""A training on disk: what it needs to go on, and what a person wants to know of it.

A run is a folder: ``README.txt`` says what it is, ``run.json`` how it was begun, ``steps.csv`` and ``curve.png``
how it went, ``checkpoint.pt`` is what it goes on from.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from facecluster.errors import UsageError
from facecluster.training.finetune import Course
from facecluster.training.judge import Judged
from facecluster.training.learner import Figures, Learner

CHECKPOINT, ABOUT, TABLE, README = "checkpoint.pt", "run.json", "steps.csv", "README.txt"

TEXT = """A training of facecluster.

run.json        what was asked for, of which model, on how many faces
steps.csv       what each step saw: the losses, the share of active pairs, how far apart embeddings are
curve.png       the same as a picture, with what the network was judged at on people who were set aside
checkpoint.pt   the network, its moving average, the optimiser: torch.load(..., weights_only=True) reads it
faces.npz       the faces, as small pictures, and whose they are
targets.npy     what the teachers said of them; panel.npz: how what they say is brought together

`facecluster train --resume FOLDER` goes on where this stopped. The folder can be deleted when the model is done.
It was made from photos of people, and may tell of them: treat it like the photos.
"""


def begin(folder: Path, about: dict[str, Any]) -> None:
    """Make the folder of a run. Raises ``UsageError`` when it holds one already, or anything else."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty: choose another folder, or go on with --resume {folder}.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / README).write_text(TEXT, "utf-8")
        (folder / ABOUT).write_text(json.dumps(about, indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error


def about(folder: Path) -> dict[str, Any]:
    """How a run was begun. Raises ``UsageError`` where there is none."""
    try:
        told = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no training to go on with: {ABOUT} cannot be read.") from error
    if not isinstance(told, dict):
        raise UsageError(f"{folder} holds no training to go on with: {ABOUT} is damaged.")
    return told


def save(folder: Path, learner: Learner, course: Course) -> None:
    """Write the checkpoint and the table, whole or not at all."""
    part = folder / f".{CHECKPOINT}.part"
    torch.save({"learner": learner.state(), "course": _plain(course)}, part)
    part.replace(folder / CHECKPOINT)
    write_table(folder / TABLE, course.losses)


def is_there(folder: Path) -> bool:
    """Whether the run in ``folder`` has something to go on from."""
    return (folder / CHECKPOINT).is_file()


def load(folder: Path, learner: Learner, course: Course) -> bool:
    """Put both where the run stopped; False when it has no checkpoint yet. Raises ``UsageError`` when damaged."""
    file = folder / CHECKPOINT
    if not is_there(folder):
        return False
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        learner.restore(saved["learner"])
        told = saved["course"]
        course.losses = [Figures(*row) for row in told["losses"]]
        course.judged = {step: Judged(*row) for step, row in told["judged"].items()}
        course.best = told["best"]
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, EOFError, UnpicklingError) as error:
        raise UsageError(
            f"{file} is damaged or of another training ({type(error).__name__}); begin anew."
        ) from error
    return True


def write_table(file: Path, rows: Iterable[Figures]) -> None:
    """One row a step, from 1 on."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["step", *(each.name for each in fields(Figures))])
        table.writerows([step, *asdict(row).values()] for step, row in enumerate(rows, 1))


def _plain(course: Course) -> dict[str, Any]:
    return {
        "losses": [list(asdict(each).values()) for each in course.losses],
        "judged": {step: list(asdict(each).values()) for step, each in course.judged.items()},
        "best": course.best,
    }
