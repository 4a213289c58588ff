"""``train``: from what the user asked to a model that is installed, or kept aside because it is no better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from facecluster import faces
from facecluster.embeddings import Embedder, embed
from facecluster.errors import UsageError
from facecluster.nets.architectures import freeze
from facecluster.nets.card import NORMALISATION, Card
from facecluster.nets.install import check_free, install
from facecluster.nets.runtime import has_bfloat16, pick_device
from facecluster.nets.specs import spec_of
from facecluster.nets.trained import copy_model, read_model, write_model
from facecluster.pipeline.portraits import portrait_chips
from facecluster.records import Float32, Int64
from facecluster.store import Store
from facecluster.training import checkpoint
from facecluster.training.augment import AugmentOptions
from facecluster.training.coach import Coach, Telling
from facecluster.training.faces import TrainingFaces, load, of_library, of_photos, save
from facecluster.training.folder import read_folder
from facecluster.training.identities import UNLABELLED, check_enough
from facecluster.training.judge import Judged, judge, matched
from facecluster.training.options import TrainOptions
from facecluster.training.panel import Panel
from facecluster.training.pupil import DIMENSION, Pupil, arrays_of_pupil, pupil, pupil_of
from facecluster.training.targets import Teacher, targets

Progress = Callable[[str, str, float, float], None]
"""What is being done, the unit of its things, how many are done, and how many there are."""

FACES, TARGETS, PANEL = "faces.npz", "targets.npy", "panel.npz"


@dataclass(frozen=True, slots=True)
class Request:
    """What a training is asked for.

    Faces are those of the photos below ``data``, a folder per person, with those of ``unlabelled``; or, without
    ``data``, the library's, of which the confirmed ones have a person. The network is of kind ``arch`` and
    begins as the model ``start`` (None: random weights), shown the same ``crop`` unless another is named.
    ``teachers`` are models to imitate, with their weights. The result is called ``name``, and has to beat the
    model ``against``.
    """

    name: str
    data: Path | None = None
    unlabelled: Path | None = None
    arch: str = "facenet"
    start: str | None = "facenet"
    teachers: Mapping[str, float] = field(default_factory=dict)
    against: str = "facenet"
    device: str = "auto"
    crop: str | None = None
    command: str = ""
    options: TrainOptions = field(default_factory=TrainOptions)


@dataclass(frozen=True, slots=True)
class Trained:
    """How it ended: the model's ``file``, what it and the model that it had to beat were judged at, whether it
    is ``installed``, and at which of its steps it was ``best``. ``step`` is the last that was done; ``finished``
    is false after a stop. ``trouble`` has a sentence for each photo that gave no face.
    """

    name: str
    rival: str
    file: Path
    judged: Judged
    against: Judged
    installed: bool
    best: int
    step: int
    finished: bool = True
    trouble: tuple[str, ...] = ()


def train(
    request: Request,
    run: Path,
    store: Store | None = None,
    *,
    resume: bool = False,
    on_progress: Progress = lambda what, unit, done, total: None,
    telling: Telling | None = None,
) -> Trained:
    """Train a model as asked, with everything that it needs to go on in the folder ``run``.

    Raises ``UsageError`` when the name is taken, when there is too little to learn from, or for what is no
    model; ``WeightsError``; ``CollapsedError``. With ``resume``, ``request`` is that of ``asked(run)``.
    """
    device = pick_device(request.device)
    options = replace(request.options, precision=_precision(request.options.precision, device))
    student = pupil(request.arch, request.start, options.seed, device, request.crop)
    _check(request, student)
    if not resume:
        check_free(request.name)
        checkpoint.begin(run, asdict(request))
    given, trouble = _faces(request, run, store, device, on_progress)
    wanted = given.among(options.sets)
    check_enough(given.identity[wanted], given.group[wanted])
    mixed = options.augment.surround or options.augment.morph
    aims = None if mixed else _targets(request, run, given, device, on_progress)
    coach = Coach(student, given, options, aims)
    if mixed and request.teachers:
        coach.listen(_panel(coach, run, _teachers(request, device), on_progress))
    finished = coach.train(run, telling)
    return replace(_graduate(request, run, coach, device), finished=finished, trouble=trouble)


def asked(run: Path) -> Request:
    """What the training in the folder ``run`` was asked for. Raises ``UsageError`` where there is none."""
    told = checkpoint.about(run)
    try:
        augment = AugmentOptions(**told["options"].pop("augment"))
        sets = tuple(told["options"].pop("sets"))
        options = TrainOptions(**told.pop("options"), augment=augment, sets=sets)
        paths = {name: Path(told.pop(name)) if told.get(name) else None for name in ("data", "unlabelled")}
        return Request(**{**told, **paths}, options=options)
    except (TypeError, LookupError, AttributeError) as error:
        raise UsageError(f"{run} holds a training of another version of facecluster: begin anew.") from error


def _check(request: Request, student: Pupil) -> None:
    """What would otherwise come to light after the faces were found, which takes long. Raises ``UsageError``."""
    freeze(student.net, student.kind, request.options.freeze)
    if request.options.augment.morph and not request.teachers:
        raise UsageError("Nobody knows whose a mixed face is: --morph needs a --teacher.")
    if request.options.augment.morph and not request.options.others:
        raise UsageError("Faces of the loss over people are never mixed: --morph needs --others.")
    for name in (*request.teachers, request.against):
        spec_of(name)


def _precision(wanted: str, device: str) -> Any:
    if wanted != "auto":
        return wanted
    return "bf16" if device == "cuda" or (device == "cpu" and has_bfloat16()) else "fp32"


def _faces(
    request: Request, run: Path, store: Store | None, device: str, on_progress: Progress
) -> tuple[TrainingFaces, tuple[str, ...]]:
    """The faces of the run, found the first time and kept."""
    kept, trouble = run / FACES, []
    if kept.is_file():
        return load(kept), ()
    if request.data is not None:
        labelled = read_folder(
            request.data, request.unlabelled, lambda path, reason: trouble.append(f"{path}: {reason}")
        )
        detector = faces.Detector.load(device)
        given, missing = of_photos(
            labelled,
            lambda files: portrait_chips(files, lambda images: faces.detect(images, detector)),
            partial(on_progress, "Finding faces", "photos"),
        )
        trouble += missing
    elif store is not None:
        given = of_library(store)
    else:
        raise UsageError("Say what to learn from: --data FOLDER, with a folder per person.")
    save(given, kept)
    return given, tuple(trouble)


def _teachers(request: Request, device: str) -> list[Teacher]:
    """The teachers; beside a network that learns they stay on the processor where threads cannot share a GPU."""
    place = "cpu" if device == "mps" else device
    return [Teacher(Embedder.load(name, place), weight) for name, weight in request.teachers.items()]


def _panel(coach: Coach, run: Path, teachers: Sequence[Teacher], on_progress: Progress) -> Panel:
    """The teachers for pictures that are made for every step; their space is fitted the first time and kept."""
    kept = run / PANEL
    if kept.is_file():
        return Panel.load(kept, teachers)
    scenes, tell = coach.lesson.pictures.scenes, partial(on_progress, "Asking the teachers", "faces")
    made = Panel.fit(teachers, scenes, DIMENSION, coach.options.seed, tell)
    made.save(kept)
    return made


def _targets(
    request: Request, run: Path, given: TrainingFaces, device: str, on_progress: Progress
) -> Float32 | None:
    """What the teachers say of the faces, asked the first time and kept; None without teachers."""
    kept = run / TARGETS
    if not request.teachers:
        return None
    if not kept.is_file():
        tell = partial(on_progress, "Asking the teachers", "faces")
        wanted = given.among(request.options.sets)
        said = targets(given.only(wanted), _teachers(request, device), DIMENSION, tell)
        everywhere = np.zeros((len(given), said.shape[1]), np.float32)
        everywhere[wanted] = said
        np.save(kept, everywhere)
    aims: Float32 = np.load(kept, allow_pickle=False)
    return aims


def _graduate(request: Request, run: Path, coach: Coach, device: str) -> Trained:
    """Store the best network, compare what was stored with its rival, and install it if it is better."""
    course, file, held = coach.course, run / f"{request.name}.safetensors", coach.given.only(coach.held_out)
    rival = Embedder.load(request.against, device)
    theirs = embed(held.chips(np.arange(len(held))), held.landmarks, held.sides, rival)
    against = judge(theirs, held.identity, held.group)
    coach.take(course.best)
    card = _card(request, coach, rival.spec.join_distance)
    write_model(arrays_of_pupil(coach.pupil), card, file)
    coach.pupil = pupil_of(read_model(file)[0], coach.pupil, device)
    ours = coach.embed(coach.held_out)
    judged = judge(ours, held.identity, held.group)
    join = matched(theirs, ours, held.identity, held.group, rival.spec.join_distance)
    card = replace(card, join_distance=join, figures=_figures(judged, against, request.against))
    copy_model(file, file, card)
    better = judged.merit > against.merit
    if better:
        install(file, card)
    return Trained(
        request.name, request.against, file, judged, against, better, course.best_step, len(course.losses)
    )


def _card(request: Request, coach: Coach, join_distance: float) -> Card:
    given, spec = coach.given, coach.pupil
    began = f"the model {request.start}" if request.start else "random weights"
    taught = f", taught by {' and '.join(request.teachers)}" if request.teachers else ""
    return Card(
        name=request.name,
        arch=request.arch,
        dimension=DIMENSION,
        crop=spec.crop,
        size=spec.kind.size,
        normalisation=NORMALISATION,
        join_distance=join_distance,
        licence="yours, as far as the photos and the models that it comes from allow",
        origin=f"trained by facecluster {version('facecluster')} from {began}{taught}",
        training_data=f"{len(coach.rows):,} faces, those with a label of {_people(given, coach.rows):,} people",
        command=request.command,
        made_at=datetime.now(UTC).date().isoformat(),
    )


def _people(given: TrainingFaces, rows: Int64) -> int:
    return len(np.unique(given.identity[rows][given.identity[rows] != UNLABELLED]))


def _figures(judged: Judged, against: Judged, rival: str) -> dict[str, str | float]:
    told = {
        "held-out": judged.accuracy,
        "held-out VAL@FAR 1e-2": judged.val_at_hundredth,
        "held-out VAL@FAR 1e-3": judged.val,
    }
    theirs = {f"{rival} on the same": against.accuracy, f"{rival} VAL@FAR 1e-3 on the same": against.val}
    return {name: round(100 * value, 2) for name, value in (told | theirs).items()}
