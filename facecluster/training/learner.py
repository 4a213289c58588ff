"""A network that learns, step by step, with all that a step changes, so that it can be saved and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from facecluster.nets.architectures import training_mode
from facecluster.records import Float32, Int64, UInt8
from facecluster.training import cached
from facecluster.training.collapse import spread
from facecluster.training.distillation import embedding_loss, similarity_loss
from facecluster.training.losses import Loss
from facecluster.training.muon import Muon
from facecluster.training.options import Optimiser, TrainOptions
from facecluster.training.pictures import normalised
from facecluster.training.schedule import Average, rate

LARGEST_GRADIENT = 1.0
"""The norm that a step's gradient is cut down to."""

OPTIMISERS: dict[Optimiser, Callable[..., torch.optim.Optimizer]] = {
    "adamw": partial(torch.optim.AdamW, betas=(0.9, 0.999), weight_decay=0.01),
    "adagrad": torch.optim.Adagrad,
    "muon": Muon,
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a step saw: the ``loss`` over identities, the distance from the teachers' ``targets`` and from their
    ``similarities`` (0 without), the share of ``active`` pairs, and the mean squared distance of its faces."""

    loss: float
    targets: float
    similarities: float
    active: float
    spread: float


class Learner:
    """``net``, (N, 3, S, S) to unit vectors (N, D), its optimiser and the moving average of its weights.

    ``trainable`` are the parameters that learn. Batch norm stays as it is, and nothing is dropped, but in a
    network that is ``fresh``, with random weights, while a batch is one chunk: batch norm needs the whole batch.
    """

    def __init__(
        self,
        net: nn.Module,
        trainable: list[nn.Parameter],
        loss: Loss,
        options: TrainOptions,
        *,
        fresh: bool = False,
    ) -> None:
        net.to(memory_format=torch.channels_last)
        self.net, self.loss, self.options = net.eval(), loss, options
        self.trainable, self.step, self.fresh = trainable, 0, fresh
        self.optimiser = _optimiser(net, trainable, loss, options)
        self.average = Average(net, options.decay)

    def learn(self, pictures: UInt8, identity: Int64, labelled: int, targets: Float32 | None) -> Figures:
        """One step on N pictures (N, S, S, 3) uint8; the first ``labelled`` have identities 0..C-1, (N,) int64.

        ``targets`` are (N, E) float32, None without teachers.
        """
        self._set_rate()
        if self.fresh and len(pictures) <= self.options.chunk:
            training_mode(self.net)
        self.optimiser.zero_grad(set_to_none=True)
        asked = _Asked(self.loss, self.options, torch.from_numpy(identity), labelled, targets)
        device = next(self.net.parameters()).device
        inputs = cached.OnDemand(len(pictures), lambda part: normalised(pictures[part]).to(device))
        with self._autocast():
            _, vectors = cached.backward(self.net, inputs, asked, self.options.chunk)
        self.net.eval()
        clip_grad_norm_(self.trainable, LARGEST_GRADIENT)
        self.optimiser.step()
        self.average.update(self.net)
        self.step += 1
        return asked.figures(vectors)

    def state(self) -> dict[str, Any]:
        """All that a step changes, to be saved."""
        return {
            "step": self.step,
            "net": self.net.state_dict(),
            "loss": self.loss.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        self.loss.load_state_dict(state["loss"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.restore(state["average"])

    def _set_rate(self) -> None:
        now = rate(self.step, self.options.steps, self.options.warm_up, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * now

    def _autocast(self) -> AbstractContextManager[Any]:
        device = next(self.net.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.options.precision == "bf16")


class _Asked:
    """What a step asks of the embeddings of its batch; it remembers what it saw."""

    def __init__(
        self, loss: Loss, options: TrainOptions, identity: Tensor, labelled: int, targets: Float32 | None
    ) -> None:
        self.loss, self.options, self.labelled, self.identity = loss, options, labelled, identity
        self.targets = None if targets is None else torch.from_numpy(targets)
        self.seen = (0.0, 0.0, 0.0)

    def __call__(self, vectors: Tensor) -> Tensor:
        vectors = vectors.float()
        own = self.loss(vectors[: self.labelled], self.identity[: self.labelled].to(vectors.device))
        near = alike = own.new_zeros(())
        if self.targets is not None:
            wanted = self.targets.to(vectors.device)
            near, alike = embedding_loss(vectors, wanted), similarity_loss(vectors, wanted)
        self.seen = own.item(), near.item(), alike.item()
        weights = self.options
        asked: Tensor = (
            weights.loss_weight * own + weights.target_weight * near + weights.similarity_weight * alike
        )
        return asked

    def figures(self, vectors: Tensor) -> Figures:
        """What was seen, and how far apart the ``vectors`` are."""
        return Figures(*self.seen, self.loss.figures.get("active", 0.0), spread(vectors))


def _optimiser(
    net: nn.Module, trainable: list[nn.Parameter], loss: Loss, options: TrainOptions
) -> torch.optim.Optimizer:
    """AdamW, AdaGrad as in the paper (section 3.2), or Muon; the head and the loss's own weights learn faster."""
    head = {id(each) for name, each in net.named_parameters() if name.startswith("head.")}
    quick = [each for each in trainable if id(each) in head] + list(loss.parameters())
    slow = [each for each in trainable if id(each) not in head]
    groups = [
        {"params": params, "peak": options.rate * factor}
        for params, factor in ((slow, 1.0), (quick, options.head_rate))
        if params
    ]
    narrow = {"dtype": torch.bfloat16} if options.optimiser == "muon" and options.precision == "bf16" else {}
    return OPTIMISERS[options.optimiser](groups, lr=options.rate, **narrow)
