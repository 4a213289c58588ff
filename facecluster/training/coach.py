"""A training from beginning to end: who is set aside, what is imitated, and whether the result is any better."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from facecluster.nets.architectures import freeze
from facecluster.nets.facenet import FaceNet, Head
from facecluster.records import Float32, Int64, UInt8
from facecluster.training import checkpoint, curve
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import TrainingFaces
from facecluster.training.finetune import Course, Lesson, State, Step, finetune
from facecluster.training.identities import UNLABELLED, compact, split
from facecluster.training.judge import Judged, judge
from facecluster.training.learner import Learner
from facecluster.training.losses import ClassLoss, LossOptions, make_loss
from facecluster.training.options import TrainOptions
from facecluster.training.panel import Panel
from facecluster.training.pictures import Pictures, normalised
from facecluster.training.pupil import Pupil
from facecluster.training.targets import turned

FITTED = 4000
"""Faces that a head, or the weight vectors of people, are fitted on before the first step."""

EMBEDDED = 64


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom a training tells of its steps and judgements, and what may stop it."""

    on_step: Callable[[Step], None] = lambda step: None
    on_judged: Callable[[int, Judged], None] = lambda step, judged: None
    stop: threading.Event | None = None


class Coach:
    """One training of ``pupil`` on ``given``; with ``targets`` (N, D), those of its teachers."""

    def __init__(
        self,
        pupil: Pupil,
        given: TrainingFaces,
        options: TrainOptions,
        targets: Float32 | None = None,
    ) -> None:
        self.pupil, self.given, self.options = pupil, given, options
        learnt, held = split(given.identity, given.group, options.held_out, options.seed)
        wanted = given.among(options.sets)
        self.rows, self.held_out = wanted[learnt[wanted]], np.flatnonzero(held)
        self.course = Course()
        pictures = replace(self._pictures(options.augment), rows=self.rows)
        self.lesson = Lesson(given, self.rows, pictures, targets)

    def listen(self, panel: Panel) -> None:
        """Let teachers say of every picture where it belongs."""
        self.lesson = replace(self.lesson, pictures=replace(self.lesson.pictures, panel=panel))

    def train(self, folder: Path, telling: Telling | None = None) -> bool:
        """Train, from the start or from where the run in ``folder`` stopped; whether it came to the end.

        What it leaves in ``folder`` is told in ``checkpoint``. Raises ``UsageError``, ``CollapsedError``.
        """
        telling = telling or Telling()
        begun = checkpoint.is_there(folder)
        if not begun:
            self._turn_head()
        learner = self._learner()
        if begun:
            checkpoint.load(folder, learner, self.course)
        elif isinstance(learner.loss, ClassLoss) and self.pupil.start:
            self._place(learner.loss)

        def judged(step: int, found: Judged) -> None:
            """Keep what there is, and tell of it."""
            checkpoint.save(folder, learner, self.course)
            curve.draw(self.course, folder / "curve.png")
            telling.on_judged(step, found)

        if not learner.step:
            self.course.judged[0] = self.judge(None)
            self.course.best = {name: value.clone() for name, value in self.pupil.net.state_dict().items()}
            telling.on_judged(0, self.course.judged[0])
        return finetune(
            learner,
            self.lesson,
            self.judge,
            self.course,
            on_step=telling.on_step,
            on_judged=judged,
            stop=telling.stop,
        )

    def judge(self, weights: State | None) -> Judged:
        """How good the network is with some weights, or as it is, on the people who were set aside."""
        before = {name: value.clone() for name, value in self.pupil.net.state_dict().items()}
        self.take(weights)
        vectors = self.embed(self.held_out)
        self.take(before)
        return judge(vectors, self.given.identity[self.held_out], self.given.group[self.held_out])

    def take(self, weights: State | None) -> None:
        """Give the network other weights; None leaves its own."""
        if weights is not None:
            self.pupil.net.load_state_dict(weights)

    def embed(self, rows: Int64, net: nn.Module | None = None) -> Float32:
        """Embeddings (M, D) of faces by the network as it is, or by a part of it."""
        pictures, parts = self._pictures(AugmentOptions.none()), []
        for start in range(0, len(rows), EMBEDDED):
            parts.append(_see(net or self.pupil.net, pictures.of(rows[start : start + EMBEDDED], 0).pictures))
        return np.concatenate(parts)

    def _learner(self) -> Learner:
        options, net = self.options, self.pupil.net
        _, people = compact(self.given.identity[self.rows])
        trainable = freeze(net, self.pupil.kind, options.freeze)
        loss = make_loss(
            options.loss,
            self._dimension(),
            people,
            LossOptions(options.margin, None, options.mining, options.seed),
        )
        return Learner(net, trainable, loss, options, fresh=self.pupil.start is None)

    def _place(self, loss: ClassLoss) -> None:
        """Begin with the weight vectors of the people where the network sees them already."""
        places = self._some(np.flatnonzero(self.given.identity[self.rows] != UNLABELLED))
        labels, _ = compact(self.given.identity[self.rows])
        seen = torch.from_numpy(self.embed(self.rows[places])).to(loss.weights.device)
        loss.start(seen, torch.from_numpy(labels[places]))

    def _some(self, rows: Int64) -> Int64:
        """Up to ``FITTED`` of the rows, drawn."""
        return np.random.default_rng(self.options.seed).permutation(rows)[:FITTED]

    def _turn_head(self) -> None:
        """Turn the head to what the teachers say, which is its best place to start from."""
        net = self.pupil.net
        taught = self.lesson.targets is not None or self.lesson.pictures.panel is not None
        if taught and isinstance(net, FaceNet) and isinstance(net.head, Head):
            own = net.head.mean.numpy(force=True), net.head.projection.numpy(force=True)
            mean, projection = turned(*own, *self._examples(net.trunk))
            with torch.no_grad():
                net.head.mean.copy_(torch.from_numpy(mean))
                net.head.projection.copy_(torch.from_numpy(projection))

    def _examples(self, net: nn.Module) -> tuple[Float32, Float32]:
        """What a part of the network sees of some faces, (M, D), and what the teachers do, (M, E)."""
        rows, pictures = self._some(self.rows), self.lesson.pictures
        if self.lesson.targets is not None:
            return self.embed(rows, net), self.lesson.targets[rows]
        parts = [rows[start : start + EMBEDDED] for start in range(0, len(rows), EMBEDDED)]
        seen, said = [], []
        for number, part in enumerate(parts):
            shown = pictures.of(part, self.options.steps + number, alone=0)
            seen.append(_see(net, shown.pictures))
            said += [] if shown.targets is None else [shown.targets]
        return np.concatenate(seen), np.concatenate(said)

    def _dimension(self) -> int:
        return int(self.embed(self.rows[:1]).shape[1])

    def _pictures(self, augment: AugmentOptions) -> Pictures:
        return Pictures(self.given, self.pupil.kind.size, self.pupil.crop, augment, self.options.seed)


def _see(net: nn.Module, pictures: UInt8) -> Float32:
    """What a network says of pictures (M, S, S, 3): (M, D)."""
    given = normalised(pictures).to(next(net.parameters()).device)
    with torch.inference_mode():
        seen: Float32 = net.eval()(given).float().cpu().numpy()
    return seen
