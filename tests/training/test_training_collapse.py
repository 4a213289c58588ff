"""A collapse is noticed, a hard day is not."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch.nn.functional import normalize

from facecluster.training.collapse import CollapseOptions, collapse, spread
from facecluster.training.losses import LossOptions, make_loss
from facecluster.training.triplets import Mining

OPTIONS = CollapseOptions(margin=0.2, patience=3)


def test_spread_is_the_mean_over_all_pairs() -> None:
    vectors = torch.randn(7, 4)
    slow = [float(((a - b) ** 2).sum()) for a, b in permutations(vectors, 2)]
    assert spread(vectors) == pytest.approx(sum(slow) / len(slow))
    assert spread(torch.eye(5)) == pytest.approx(2)
    assert spread(normalize(torch.ones(9, 128))) == 0
    assert spread(vectors[:1]) == spread(vectors[:0]) == 0


@pytest.mark.parametrize(
    ("losses", "apart"),
    [
        ([], 1.8),
        ([0.2, 0.2], 1.8),
        ([0.2, 0.2, 0.1], 1.8),
        ([0.2, 0.1, 0.2, 0.2], 1.8),
        ([0.3] * 9, 1.8),
        ([0.0] * 9, 0.1),
    ],
)
def test_nothing_is_said_while_all_is_well(losses: list[float], apart: float) -> None:
    assert collapse(losses, apart, OPTIONS) is None


def test_a_loss_that_stays_at_the_margin_is_told() -> None:
    said = collapse([0.1, 0.2, 0.199, 0.203], 1.8, OPTIONS)
    assert said is not None
    assert said.startswith("The triplet loss has stayed at the margin, 0.2, for 3 batches")
    assert "lower the learning rate" in said
    assert collapse([0.1, 0.2, 0.199, 0.21], 1.8, OPTIONS) is None
    assert collapse([0.2] * 9, 1.8, CollapseOptions()) is None  # another loss has no margin to stay at


def test_faces_at_one_point_are_told() -> None:
    said = collapse([0.05], 0.04, OPTIONS)
    assert said is not None
    assert said.startswith("All faces get nearly the same embedding (their mean squared distance is 0.040")


@pytest.mark.parametrize(("loss", "apart"), [(float("nan"), 1.8), (float("inf"), 1.8), (0.1, float("nan"))])
def test_numbers_that_are_none_are_told_at_once(loss: float, apart: float) -> None:
    assert collapse([0.1, loss], apart, OPTIONS) == (
        "The embeddings or their loss are no numbers any more: lower the learning rate."
    )


@pytest.mark.parametrize("mining", ["semi-hard", "hard", "all"])
def test_a_batch_that_has_nearly_collapsed_has_a_loss_at_the_margin(mining: Mining) -> None:
    torch.manual_seed(0)
    vectors = normalize(1 + 1e-3 * torch.randn(60, 16))
    loss = make_loss("triplet", 16, 6, LossOptions(mining=mining))
    value = float(loss(vectors, torch.arange(6).repeat(10)))
    assert collapse([value] * 3, 1.8, OPTIONS)
    assert collapse([value], spread(vectors), OPTIONS)
