"""What it costs to learn only from sets of faces whose terms are free, and leave the restricted ones out.

    python benchmarks/terms.py ../shared/data/train --free pins105 voteview --every 3 --steps 60

``labels.csv`` in that folder has the columns ``path``, ``set`` and ``person``. The training of the model
``facenet`` (docs/training.md) is begun twice, with the same start, teachers, steps and seed: once on all sets,
once on the free ones. Both are judged on the same people, who are set aside from all sets. ``--every`` takes
the faces of every so many-th person only, and every so many-th of the faces without a label. The teachers'
targets, which are reduced to 128 dimensions along the directions in which all faces vary most, are the same for
both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from facecluster import faces
from facecluster.embeddings import Embedder
from facecluster.pipeline.portraits import portrait_chips
from facecluster.records import Float32
from facecluster.training import checkpoint
from facecluster.training.coach import Coach, Telling
from facecluster.training.faces import TrainingFaces, of_photos
from facecluster.training.folder import read_folder
from facecluster.training.identities import UNLABELLED
from facecluster.training.judge import Judged
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import DIMENSION, pupil
from facecluster.training.targets import Teacher, targets

START = "facenet-casia"
TEACHERS = (START, "sface")


def gather(data: Path, every: int) -> TrainingFaces:
    labelled, detector = read_folder(data), faces.Detector.load("cpu")
    alone = labelled.identity == UNLABELLED
    rows = np.flatnonzero(np.where(alone, np.cumsum(alone), labelled.identity) % every == 0)
    some = replace(
        labelled,
        files=tuple(labelled.files[i] for i in rows),
        identity=labelled.identity[rows],
        group=labelled.group[rows],
    )
    return of_photos(some, lambda files: portrait_chips(files, lambda images: faces.detect(images, detector)))[0]


def train(
    given: TrainingFaces, aims: Float32, options: TrainOptions, sets: Sequence[str]
) -> tuple[int, Judged, Judged]:
    """How many faces it learnt from, and what it is worth before and after."""
    coach = Coach(pupil("facenet", START, options.seed), given, replace(options, sets=tuple(sets)), aims)

    def say(step: object) -> None:
        print(step, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as place:
        checkpoint.begin(Path(place) / "run", {})
        coach.train(Path(place) / "run", Telling(on_step=lambda step: say(step.number)))
    return len(coach.rows), coach.course.judged[0], coach.course.judged[options.steps]


def line(name: str, count: int | str, judged: Judged) -> str:
    rates = judged.accuracy, judged.val_at_hundredth, judged.val
    return f"| {name} | {count} | " + " | ".join(f"{100 * rate:.2f} %" for rate in rates) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--free", nargs="+", required=True, metavar="SET")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--steps", type=int, default=440)
    parser.add_argument("--rate", type=float, default=2e-5)
    asked = parser.parse_args()
    given = gather(asked.data, asked.every)
    aims = targets(given, [Teacher(Embedder.load(name, "cpu"), 1.0) for name in TEACHERS], DIMENSION)
    options = TrainOptions(asked.steps, people=6, faces=4, others=40, rate=asked.rate, loss_weight=0.3)
    options = replace(
        options, freeze="mixed_6a", judge_every=asked.steps, warm_up=min(20, asked.steps // 4), decay=0.95
    )
    print("| learnt from | faces | accuracy | VAL@FAR 1e-2 | VAL@FAR 1e-3 |", "|---|--:|--:|--:|--:|", sep="\n")
    for name, sets in (("all sets", given.sets), (", ".join(asked.free), asked.free)):
        count, before, after = train(given, aims, options, sets)
        if sets is given.sets:
            print(line("nothing yet", "–", before))
        print(line(name, count, after), flush=True)
    print(f"\njudged on {after.faces} faces of {after.people} people of all sets; {asked.steps} steps")


if __name__ == "__main__":
    main()
