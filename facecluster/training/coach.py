"""A training from beginning to end: who is set aside, what is imitated, and whether the result is any better."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from facecluster.nets.architectures import freeze
from facecluster.nets.facenet import FaceNet, Head
from facecluster.records import Float32, Int64
from facecluster.training import checkpoint, curve
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import TrainingFaces
from facecluster.training.finetune import Course, Lesson, State, Step, finetune
from facecluster.training.identities import UNLABELLED, compact, split
from facecluster.training.judge import Judged, judge
from facecluster.training.learner import Learner
from facecluster.training.losses import ClassLoss, LossOptions, make_loss
from facecluster.training.options import TrainOptions
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
        self, pupil: Pupil, given: TrainingFaces, options: TrainOptions, targets: Float32 | None = None
    ) -> None:
        self.pupil, self.given, self.options = pupil, given, options
        learnt, held = split(given.identity, given.group, options.held_out, options.seed)
        wanted = given.among(options.sets)
        self.rows, self.held_out = wanted[learnt[wanted]], np.flatnonzero(held)
        self.course = Course()
        pictures = self._pictures(options.augment)
        self.lesson = Lesson(given, self.rows, pictures, targets)

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
        net, pictures = net or self.pupil.net, self._pictures(AugmentOptions.none())
        device, parts = next(net.parameters()).device, []
        with torch.inference_mode():
            for start in range(0, len(rows), EMBEDDED):
                part = normalised(pictures.of(rows[start : start + EMBEDDED], 0)).to(device)
                parts.append(net.eval()(part).float().cpu().numpy())
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
        if self.lesson.targets is not None and isinstance(net, FaceNet) and isinstance(net.head, Head):
            rows = self._some(self.rows)
            own = net.head.mean.numpy(force=True), net.head.projection.numpy(force=True)
            mean, projection = turned(*own, self.embed(rows, net.trunk), self.lesson.targets[rows])
            with torch.no_grad():
                net.head.mean.copy_(torch.from_numpy(mean))
                net.head.projection.copy_(torch.from_numpy(projection))

    def _dimension(self) -> int:
        return int(self.embed(self.rows[:1]).shape[1])

    def _pictures(self, augment: AugmentOptions) -> Pictures:
        return Pictures(self.given, self.pupil.kind.size, self.pupil.crop, augment, self.options.seed)
