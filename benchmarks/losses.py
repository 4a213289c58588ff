"""What each loss does to the same network, with the same faces, steps and seed.

    python benchmarks/losses.py ../shared/data/train

``labels.csv`` in that folder has the columns ``path``, ``set`` and ``person``. Of one set, some people with some
faces each are taken; part of them is set aside, and on these the network is judged before and after.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from facecluster import faces
from facecluster.pipeline.portraits import portrait_chips
from facecluster.records import Int64
from facecluster.training import checkpoint
from facecluster.training.coach import Coach
from facecluster.training.faces import TrainingFaces, of_photos
from facecluster.training.folder import read_folder
from facecluster.training.identities import Labelled
from facecluster.training.losses import LOSSES
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import pupil


def some_people(labelled: Labelled, name: str, people: int, each: int) -> Labelled:
    """The first ``each`` faces of the first ``people`` of one set."""
    own = (labelled.group == labelled.sets.index(name)) & (labelled.identity >= 0)
    chosen = np.unique(labelled.identity[own])[:people]
    rows = np.concatenate([np.flatnonzero(labelled.identity == who)[:each] for who in chosen])
    return replace(
        labelled,
        files=tuple(labelled.files[row] for row in rows),
        identity=labelled.identity[rows],
        group=labelled.group[rows],
    )


def gather(labelled: Labelled) -> TrainingFaces:
    detector = faces.Detector.load("cpu")
    return of_photos(labelled, lambda files: portrait_chips(files, lambda images: faces.detect(images, detector)))[
        0
    ]


def train(given: TrainingFaces, start: str, options: TrainOptions) -> tuple[Coach, Int64]:
    coach = Coach(pupil("facenet", start, options.seed), given, options)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.begin(Path(folder) / "run", {})
        coach.train(Path(folder) / "run")
    return coach, coach.held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--set", default="pins105")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--each", type=int, default=16)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rate", type=float, default=2e-5)
    parser.add_argument("--freeze", default="mixed_7a")
    parser.add_argument("--start", default="facenet")
    given = parser.parse_args()
    found = gather(some_people(read_folder(given.data), given.set, given.people, given.each))
    options = TrainOptions(
        steps=given.steps,
        people=8,
        faces=4,
        rate=given.rate,
        warm_up=5,
        decay=0.9,
        freeze=given.freeze,
        judge_every=given.steps,
        held_out=0.4,
    )
    table = Table("loss", "step", "accuracy", "VAL@FAR 1e-2", "VAL@FAR 1e-3")
    for loss in LOSSES:
        coach, held_out = train(found, given.start, replace(options, loss=loss))
        for step, judged in coach.course.judged.items():
            if step or loss == LOSSES[0]:
                name = loss if step else "none yet"
                row = (judged.accuracy, judged.val_at_hundredth, judged.val)
                table.add_row(name, str(step), *(f"{100 * figure:.2f}" for figure in row))
    Console().print(table)
    print(f"{len(found)} faces of {len(np.unique(found.identity))} people; judged on {len(held_out)}")


if __name__ == "__main__":
    main()
