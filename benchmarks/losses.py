"""What each loss does to the same network, with the same faces, steps, rate and seed.

    python benchmarks/losses.py ../shared/data/train
    python benchmarks/losses.py ../shared/data/train --faces faces.npz  # kept, or taken from there

``labels.csv`` in that folder has the columns ``path``, ``set`` and ``person``. Of one set, some people with some
faces each are taken; some of the people are set aside, and on these the network is judged before and after. A loss
is a row, printed when it is done. Losses themselves cannot be compared; what they do can: the share of pairs told
apart rightly, VAL at a FAR of 1e-2, the mean squared distances of pairs of one person and of two, and the median
time of a step as a multiple of the triplets'.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from facecluster import faces
from facecluster.pipeline.portraits import portrait_chips
from facecluster.records import Float32, Int64
from facecluster.training import checkpoint
from facecluster.training.coach import Coach, Telling
from facecluster.training.faces import TrainingFaces, load, of_photos, save
from facecluster.training.finetune import CollapsedError, Step
from facecluster.training.folder import read_folder
from facecluster.training.identities import Labelled
from facecluster.training.judge import Judged, judge
from facecluster.training.losses import LOSSES
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import Pupil, pupil

HEADINGS = ("loss", "accuracy", "VAL@FAR 1e-2", "d of one person", "d of two", "time")
ROW = "| {:<11} | {:>8} | {:>12} | {:>15} | {:>8} | {:>4} |"


class Watched(Coach):
    """A coach that is told where the network sees all faces before it learns, and keeps what it saw ``last``."""

    def __init__(self, pupil: Pupil, given: TrainingFaces, options: TrainOptions, start: Float32) -> None:
        super().__init__(pupil, given, options)
        self.start, self.last = start, start

    def embed(self, rows: Int64, net: nn.Module | None = None) -> Float32:
        self.last = super().embed(rows, net) if self.course.losses else self.start[rows]
        return self.last


def some_people(among: Labelled | TrainingFaces, name: str, people: int, each: int) -> Int64:
    """The first ``each`` faces of the first ``people`` of one set."""
    own = (among.group == among.sets.index(name)) & (among.identity >= 0)
    chosen = np.unique(among.identity[own])[:people]
    return np.concatenate([np.flatnonzero(among.identity == who)[:each] for who in chosen])


def gather(given: argparse.Namespace) -> TrainingFaces:
    """The faces that are kept in ``--faces``, or those of the photos."""
    choice = given.set, given.people, given.each
    if given.faces and given.faces.exists():
        kept = load(given.faces)
        if given.set not in kept.sets:
            raise SystemExit(f"{given.faces} holds no faces of {given.set}: give another file.")
        kept = kept.only(some_people(kept, *choice))
        if len(np.unique(kept.identity)) < given.people:
            raise SystemExit(f"{given.faces} holds fewer than {given.people} people of {given.set}.")
        return kept
    labelled, detector = read_folder(given.data), faces.Detector.load("cpu")
    rows = some_people(labelled, *choice)
    files = tuple(labelled.files[i] for i in rows)
    found, _ = of_photos(
        replace(labelled, files=files, identity=labelled.identity[rows], group=labelled.group[rows]),
        lambda files: portrait_chips(files, lambda images: faces.detect(images, detector)),
        lambda done, total: tell(f"finding faces: photo {done} of {total}"),
    )
    if given.faces:
        save(found, given.faces)
    return found


def train(coach: Watched, loss: str) -> float:
    """Train to the end; the median of the seconds between two steps."""
    ended = []

    def on_step(step: Step) -> None:
        ended.append(time.perf_counter())
        tell(f"{loss}: step {step.number} of {step.steps}, loss {step.figures.loss:.4f}, {step.pace:.1f} faces/s")

    with tempfile.TemporaryDirectory() as folder:
        checkpoint.begin(Path(folder) / "run", {})
        coach.train(Path(folder) / "run", Telling(on_step=on_step))
    return float(np.median(np.diff(ended)))


def row(name: str, judged: Judged, vectors: Float32, identity: Int64, times: str) -> str:
    """A line of the table; ``vectors`` (N, D) are the faces that were judged."""
    first, second = np.triu_indices(len(vectors), 1)
    distances, same = (2 - 2 * vectors @ vectors.T)[first, second], identity[first] == identity[second]
    rates = (f"{100 * rate:.2f} %" for rate in (judged.accuracy, judged.val_at_hundredth))
    return ROW.format(name, *rates, f"{distances[same].mean():.3f}", f"{distances[~same].mean():.3f}", times)


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="the folder; not needed where --faces is there")
    parser.add_argument("--faces", type=Path, metavar="FILE.npz", help="where found faces are kept")
    parser.add_argument("--set", default="pins105")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--each", type=int, default=12, help="faces of a person")
    parser.add_argument("--steps", type=int, default=24, help="of 8 × 4 faces; 2 at least")
    parser.add_argument("--rate", type=float, default=2e-5, help="of all losses")
    parser.add_argument("--freeze", default="mixed_7a")
    parser.add_argument("--start", default="facenet")
    given = parser.parse_args()
    if given.steps < 2 or not (given.data or (given.faces and given.faces.exists())):
        parser.error("give two steps or more, and the folder of the photos or a file of faces")
    return given


def main() -> None:
    given, began = arguments(), time.perf_counter()
    found = gather(given)
    options = TrainOptions(given.steps, people=8, faces=4, warm_up=5, decay=0.9, held_out=0.4)
    options = replace(options, rate=given.rate, freeze=given.freeze, judge_every=given.steps)
    tell(f"{len(found)} faces of {len(np.unique(found.identity))} people are embedded")
    first = Coach(pupil("facenet", given.start, options.seed), found, options)
    start, held = first.embed(np.arange(len(found))), first.held_out
    who, sets, seconds = found.identity[held], found.group[held], dict[str, float]()
    print(ROW.format(*HEADINGS), "|---|--:|--:|--:|--:|--:|", sep="\n")
    print(row("before", judge(start[held], who, sets), start[held], who, "–"), flush=True)
    for loss in LOSSES:
        one = Watched(pupil("facenet", given.start, options.seed), found, replace(options, loss=loss), start)
        try:
            seconds[loss] = train(one, loss)
        except CollapsedError as error:
            tell(f"{loss}: {error}")
            continue
        times = f"{seconds[loss] / seconds[LOSSES[0]]:.2f}" if LOSSES[0] in seconds else "–"
        print(row(loss, one.course.judged[given.steps], one.last, who, times), flush=True)
    counts = f"judged on {len(held)} faces of {len(np.unique(who))} people, learnt from {len(found) - len(held)}"
    print(f"\n{counts}; {given.steps} steps at {given.rate:g}; {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
