"""``facecluster train``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facecluster.cli.console import (
    Bar,
    Database,
    Device,
    Json,
    err,
    existing_library,
    number,
    out,
    print_json,
    progress_bar,
    say,
    say_error,
    shown,
    stop_on_ctrl_c,
)
from facecluster.errors import UsageError

if TYPE_CHECKING:
    from threading import Event

    from facecluster.training.coach import Telling
    from facecluster.training.finetune import Step
    from facecluster.training.judge import Judged
    from facecluster.training.train import Request, Trained

NONE = "none"
TROUBLES = 5
"""Photos without a face that are named; the others are counted."""


Name = Annotated[
    str | None, typer.Argument(help="What to call the model: letters, digits, dashes, dots.", metavar="NAME")
]
Data = Annotated[
    Path | None,
    typer.Option(help="Photos of one face each, a folder per person. [default: the library]", metavar="FOLDER"),
]
Unlabelled = Annotated[
    Path | None, typer.Option(help="Photos of people without a name, for the teachers.", metavar="FOLDER")
]
Arch = Annotated[str, typer.Option(help="The network: facenet, nn1, nn2 or mobilefacenet.")]
Start = Annotated[
    str | None,
    typer.Option(help="Model whose weights it begins with, or none. [default: facenet, for a facenet]"),
]
Crops = Annotated[
    str | None,
    typer.Option("--crop", help="box 36/160, steady 22/160 or five-point 112. [default: as START is shown]"),
]
Teachers = Annotated[
    list[str] | None,
    typer.Option(help="A model to imitate, and its weight; may be repeated.", metavar="MODEL[=WEIGHT]"),
]
Loss = Annotated[str, typer.Option(help="triplet, contrastive, softmax, arcface, cosface or sphereface.")]
MiningKind = Annotated[str, typer.Option(help="Which triplets: semi-hard, hard or all.")]
Margin = Annotated[float | None, typer.Option(help="The loss's margin. [default: the loss's own]")]
People = Annotated[int, typer.Option(min=0, help="People in a batch; 0: only teachers teach.")]
Faces = Annotated[int, typer.Option(min=2, help="Faces of each of them in a batch.")]
Others = Annotated[int, typer.Option(min=0, help="More faces in a batch, for the teachers alone.")]
Steps = Annotated[int, typer.Option(min=1, help="Batches to learn from.")]
Rate = Annotated[float, typer.Option(help="The highest learning rate.")]
Optimiser = Annotated[str, typer.Option(help="adamw, adagrad as in the paper, or muon.")]
Freeze = Annotated[
    str | None, typer.Option(help="The last block that does not learn; mixed_6a leaves the upper half.")
]
Chunk = Annotated[int, typer.Option(min=1, help="Faces in the network at a time: its memory.")]
LossWeight = Annotated[float, typer.Option(help="Weight of the loss over people.")]
TargetWeight = Annotated[float, typer.Option(help="Weight of the distance from the teachers.")]
SimilarityWeight = Annotated[float, typer.Option(help="Weight of seeing the likenesses they see.")]
HeldOut = Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of people to judge with.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Learn only from this set of labels.csv; may be repeated.", metavar="SET"),
]
Surround = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the photos cut at the face that get others' surroundings.")
]
Morph = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the OTHERS that are mixed with another face, for teachers.")
]
JudgeEvery = Annotated[int, typer.Option(min=1, help="Steps from one judgement to the next.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed is another training.")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]
Against = Annotated[str, typer.Option(help="The model that it has to beat to be installed.")]
Run = Annotated[
    Path | None, typer.Option(help="Where the training is kept. [default: NAME-training]", metavar="FOLDER")
]
Resume = Annotated[
    Path | None, typer.Option(help="Go on with the training kept in this folder.", metavar="FOLDER")
]


def train(
    context: typer.Context,
    name: Name = None,
    data: Data = None,
    unlabelled: Unlabelled = None,
    arch: Arch = "facenet",
    start: Start = None,
    crop: Crops = None,
    teacher: Teachers = None,
    loss: Loss = "triplet",
    mining: MiningKind = "semi-hard",
    margin: Margin = None,
    people: People = 45,
    faces: Faces = 40,
    others: Others = 0,
    steps: Steps = 200,
    rate: Rate = 2e-5,
    optimiser: Optimiser = "adamw",
    freeze: Freeze = None,
    chunk: Chunk = 64,
    loss_weight: LossWeight = 1.0,
    target_weight: TargetWeight = 1.0,
    similarity_weight: SimilarityWeight = 10.0,
    held_out: HeldOut = 0.15,
    sets: Sets = None,
    surround: Surround = 0.0,
    morph: Morph = 0.0,
    judge_every: JudgeEvery = 100,
    seed: Seed = 0,
    precision: Precision = "auto",
    against: Against = "facenet",
    run: Run = None,
    resume: Resume = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Train a model on people whom you know; it is installed if it is better than the one there is.

    Learns from photos that show one face each, in a folder per person, or from the people whom you confirmed in
    your library. On some of the people, set aside, the new model and the present one are compared. The loss is
    FaceNet's, triplets with semi-hard negatives; a teacher is a model to imitate beside that, and all that faces
    without a name teach. Ctrl-C keeps the best so far, and `--resume` goes on from there.

    **Examples**

    `facecluster train family --data ~/Faces --teacher facenet --teacher sface --people 8 --faces 4 --others 32`

    `facecluster train family --resume family-training`
    """
    from facecluster.training.train import asked

    options = {key: value for key, value in context.params.items() if key not in ("run", "resume", "db", "json")}
    if (name is None) == (resume is None):
        raise UsageError("Give a name for the model, or --resume with the folder of a training: one of the two.")
    request, folder = (asked(resume), resume) if resume else (_request(options), run or Path(f"{name}-training"))
    trained = _train(request, folder, db, resume=resume is not None)
    print_json(trained) if json else _print(trained, folder)
    if not trained.finished:
        raise typer.Exit(130)


def _request(given: dict[str, Any]) -> Request:
    """What was asked for, from the command's parameters."""
    from facecluster.training.augment import AugmentOptions
    from facecluster.training.options import TrainOptions
    from facecluster.training.train import Request

    given["augment"] = AugmentOptions(surround=given.pop("surround"), morph=given.pop("morph"))
    given["teachers"] = _teachers(given.pop("teacher") or ())
    given["sets"] = tuple(given["sets"] or ())
    start = given["start"] or ("facenet" if given["arch"] == "facenet" else NONE)
    given["start"] = None if start == NONE else start
    own = {each.name for each in fields(TrainOptions)}
    options = TrainOptions(**{key: value for key, value in given.items() if key in own})
    rest = {key: value for key, value in given.items() if key not in own}
    return Request(options=options, command=shlex.join(["facecluster", *sys.argv[1:]]), **rest)


def _teachers(told: Iterable[str]) -> dict[str, float]:
    """Models by name, with their weights: ``sface``, ``sface=2``."""
    found = {}
    for each in told:
        model, _, weight = each.partition("=")
        try:
            found[model] = float(weight or 1)
        except ValueError:
            raise UsageError(
                f"{each!r} is no teacher: give a model, or a model and its weight, like sface=2."
            ) from None
    return found


def _train(request: Request, folder: Path, db: Path | None, *, resume: bool) -> Trained:
    from facecluster.training.train import train as run

    with ExitStack() as stack:
        library = stack.enter_context(existing_library(db)) if request.data is None else None
        stop = stack.enter_context(stop_on_ctrl_c())
        show = _Show(stack.enter_context(progress_bar("Training", "steps")), stop)
        return run(
            request,
            folder,
            library.store if library else None,
            resume=resume,
            on_progress=show.preparing,
            telling=show.telling(),
        )


class _Show:
    """What is seen of a training while it goes on."""

    def __init__(self, bar: Bar, stop: Event) -> None:
        self.bar, self.stop, self.what = bar, stop, ""

    def preparing(self, what: str, unit: str, done: float, total: float) -> None:
        """Show how far what comes before the first step is; a stop ends it here, for nothing is learnt yet."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        if what != self.what:
            self.bar.begin(what, unit)
            self.what = what
        self.bar.show(done, total)

    def telling(self) -> Telling:
        """What the training calls."""
        from facecluster.training.coach import Telling

        return Telling(self._step, _judged, self.stop)

    def _step(self, step: Step) -> None:
        if self.what:
            self.bar.begin("Training", "steps")
            self.what = ""
        seen = step.figures
        note = f"loss {seen.loss:.3f}, {seen.active:.0%} active, {step.pace:.0f} images/s"
        self.bar.show(step.number, step.steps, note)


def _judged(step: int, judged: Judged) -> None:
    err.print(f"step {step:>5}: people set aside told apart {_told(judged)}")


def _told(judged: Judged) -> str:
    return f"{judged.accuracy:.2%}, VAL {judged.val_at_hundredth:.1%} at FAR 1e-2, {judged.val:.1%} at 1e-3"


def _print(trained: Trained, folder: Path) -> None:
    for sentence in trained.trouble[:TROUBLES]:
        say_error(sentence)
    if len(trained.trouble) > TROUBLES:
        say_error(f"and {number(len(trained.trouble) - TROUBLES, 'other photo')} without a face.")
    people = number(trained.judged.people, "person", "people")
    out.print(f"\nOn {number(trained.judged.faces, 'face')} of {people} who were set aside:")
    width = max(len(trained.name), len(trained.rival))
    out.print(f"  {trained.rival:<{width}}  {_told(trained.against)}")
    out.print(f"  {trained.name:<{width}}  {_told(trained.judged)}")
    if trained.installed:
        out.print(f"{trained.name} is better, and installed. Next: facecluster migrate --model {trained.name}")
    else:
        say(f"{trained.name} is not better, so it is not installed; it is kept in {shown(trained.file)}.")
    if not trained.finished:
        say(f"Stopped after step {trained.step}; to go on: facecluster train --resume {shown(folder)}")
