"""How a training is done: every choice that the command offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from facecluster.errors import UsageError
from facecluster.training.augment import AugmentOptions
from facecluster.training.losses import LOSSES
from facecluster.training.triplets import Mining

Optimiser = Literal["adamw", "adagrad", "muon"]
Precision = Literal["auto", "fp32", "bf16"]

CHOICES = {
    "loss": LOSSES,
    "mining": get_args(Mining),
    "optimiser": get_args(Optimiser),
    "precision": get_args(Precision),
}

HELD_OUT = 0.15
"""The share of the people that are set aside to judge with."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """One training.

    A batch is ``people`` × ``faces`` labelled faces of one set (FaceNet, section 3.2: about 1,800), and
    ``others``, drawn from all faces, that only the teachers look at. ``loss`` is one of ``losses.LOSSES``, with
    ``mining`` and ``margin`` as there; it counts ``loss_weight``, imitating the teachers' targets
    ``target_weight``, and imitating their similarities between the faces of the batch ``similarity_weight``.

    ``rate`` is the learning rate that is reached after ``warm_up`` steps and falls to 0 along half a cosine over
    ``steps``; that of the head and of the loss's own weights is ``head_rate`` times as high. ``decay`` is that
    of the moving average of the weights, which is what is kept. ``chunk`` is how many faces are in the network
    at a time. ``freeze`` names the last block that does not learn. Every ``judge_every`` steps, and at the end,
    the average is judged on people who are set aside: ``held_out`` of each set. With ``sets``,
    only faces of these are learnt from, but judged are people of all: what is gained on one may be lost on others.

    Raises ``UsageError`` for an unknown loss, mining, optimiser or precision.
    """

    steps: int = 200
    people: int = 45
    faces: int = 40
    others: int = 0
    loss: str = "triplet"
    mining: Mining = "semi-hard"
    margin: float | None = None
    loss_weight: float = 1.0
    target_weight: float = 1.0
    similarity_weight: float = 10.0
    optimiser: Optimiser = "adamw"
    rate: float = 2e-5
    head_rate: float = 3.0
    warm_up: int = 20
    decay: float = 0.99
    freeze: str | None = None
    chunk: int = 64
    precision: Precision = "auto"
    held_out: float = HELD_OUT
    sets: tuple[str, ...] = ()
    judge_every: int = 100
    seed: int = 0
    augment: AugmentOptions = field(default_factory=AugmentOptions)

    def __post_init__(self) -> None:
        for what, known in CHOICES.items():
            if (given := getattr(self, what)) not in known:
                raise UsageError(f"There is no {what} called {given}: choose one of {', '.join(known)}.")
