"""The training itself: batches, steps, judging on people set aside, and the best network so far.

F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR
2015, section 3, with what has been learnt since: a moving average of the weights, and teachers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from facecluster.errors import FaceclusterError
from facecluster.records import Float32, Int64
from facecluster.training.batches import Batch, batches
from facecluster.training.collapse import CollapseOptions, collapse
from facecluster.training.faces import TrainingFaces
from facecluster.training.identities import compact
from facecluster.training.judge import Judged
from facecluster.training.learner import Figures, Learner
from facecluster.training.options import TrainOptions
from facecluster.training.pictures import Pictures, ahead

State = dict[str, Tensor]


class CollapsedError(FaceclusterError):
    """The training has gone wrong; the text says how, and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a training is after a step: ``number`` of ``steps``, what the step saw, and pictures per second."""

    number: int
    steps: int
    figures: Figures
    pace: float


@dataclass(slots=True)
class Course:
    """How a training went: figures of its steps, and what its average was judged at which step; ``best``
    weights.

    Judgements rise when the network gets better; that of step 0 is the network as it came.
    """

    losses: list[Figures] = field(default_factory=list)
    judged: dict[int, Judged] = field(default_factory=dict)
    best: State | None = None

    @property
    def best_step(self) -> int:
        """The step whose average was judged best; of equals the first."""
        return max(self.judged, key=lambda step: (self.judged[step].merit, -step))


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a training works on: faces, the ``rows`` to learn from, and the teachers' ``targets`` (N, E).

    Without targets, the ``pictures`` may have a panel of teachers.
    """

    given: TrainingFaces
    rows: Int64
    pictures: Pictures
    targets: Float32 | None


def finetune(
    learner: Learner,
    lesson: Lesson,
    judge: Callable[[State], Judged],
    course: Course,
    *,
    on_step: Callable[[Step], None] = lambda step: None,
    on_judged: Callable[[int, Judged], None] = lambda step, judged: None,
    stop: threading.Event | None = None,
) -> bool:
    """Train ``learner`` to its last step, from wherever it is, and write into ``course`` how it went.

    ``judge`` is given the averaged weights; the best go to ``course.best``. Returns whether it came to the end:
    a set ``stop`` ends it after the step in hand. Raises `CollapsedError`.
    """
    options, stop = learner.options, stop or threading.Event()
    for figures, pace in _steps(learner, lesson):
        course.losses.append(figures)
        on_step(Step(learner.step, options.steps, figures, pace))
        _check(course, options)
        if learner.step % options.judge_every == 0 or learner.step == options.steps or stop.is_set():
            _judge(learner, judge, course)
            on_judged(learner.step, course.judged[learner.step])
        if stop.is_set():
            return learner.step == options.steps
    return True


def _steps(learner: Learner, lesson: Lesson) -> Iterator[tuple[Figures, float]]:
    options, given = learner.options, lesson.given
    own = np.full(len(given), -1, np.int64)
    own[lesson.rows] = compact(given.identity[lesson.rows])[0]
    started, seen = time.perf_counter(), 0
    for batch, shown in ahead(lesson.pictures, _batches(lesson, own, options, learner.step), learner.step):
        rows = batch.rows
        targets = shown.targets if lesson.targets is None else lesson.targets[rows]
        figures = learner.learn(shown.pictures, own[rows], batch.labelled, targets)
        seen += len(rows)
        yield figures, seen / (time.perf_counter() - started)


def _batches(lesson: Lesson, own: Int64, options: TrainOptions, first: int) -> Iterator[Batch]:
    endless = batches(
        lesson.rows, own, lesson.given.group, options.people, options.faces, options.others, options.seed, first
    )
    return (batch for _, batch in zip(range(first, options.steps), endless, strict=False))


def _judge(learner: Learner, judge: Callable[[State], Judged], course: Course) -> None:
    weights = {name: value.clone() for name, value in learner.average.weights.items()}
    course.judged[learner.step] = judge(weights)
    if course.best_step == learner.step:
        course.best = weights


def _check(course: Course, options: TrainOptions) -> None:
    margin = None if options.loss != "triplet" else options.margin or 0.2
    watched = CollapseOptions(margin=margin if options.loss_weight and options.people else None)
    recent = [each.loss for each in course.losses[-watched.patience :]]
    if trouble := collapse(recent, course.losses[-1].spread, watched):
        raise CollapsedError(trouble)
