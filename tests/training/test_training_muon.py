from __future__ import annotations

import pytest
import torch
from torch import nn

from facecluster.training.muon import LIKE_ADAM, Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 6), (4, 30), (30, 4)])
def test_an_orthogonal_matrix_has_the_directions_of_the_other_and_even_singular_values(
    shape: tuple[int, int],
) -> None:
    """Against the singular value decomposition: its singular values become about 1, its vectors stay."""
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, dtype=torch.float64), full_matrices=False)
    given = u @ torch.diag(torch.logspace(0, -1, min(shape), dtype=torch.float64)) @ v
    inner = u.T @ orthogonal(given) @ v.T
    values = inner.diagonal()
    assert (inner - torch.diag(values)).abs().max() < 1e-9
    assert values.min() > 0.65
    assert values.max() < 1.25


def test_nothing_comes_of_zeros() -> None:
    assert not orthogonal(torch.zeros(3, 5)).any()


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e4])
def test_a_step_is_as_long_whatever_the_gradient(size: float) -> None:
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.zeros(shape)) for shape in ((16, 8, 3, 3), (8, 40), (32,))]
    optimiser = Muon(weights, lr=0.1)
    for weight in weights:
        weight.grad = size * torch.randn_like(weight)
    optimiser.step()
    for weight in weights:
        length = weight.detach().square().mean().sqrt().item()
        assert length == pytest.approx(0.1 * LIKE_ADAM, rel=0.4)
        assert weight.grad is not None
        assert (weight.detach() * weight.grad).sum() < 0  # downhill


def test_it_finds_the_bottom_of_a_narrow_valley_and_leaves_weights_without_gradient() -> None:
    torch.manual_seed(0)
    wanted, stretch = torch.randn(6, 10), torch.logspace(0, 2, 6)[:, None]
    weight, still = nn.Parameter(torch.zeros(6, 10)), nn.Parameter(torch.ones(2))
    optimiser = Muon([weight, still], lr=0.1)
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 0.3 * (1 - step / 300)
        optimiser.zero_grad()
        torch.autograd.backward((stretch * (weight - wanted)).square().sum())
        optimiser.step()
    assert (weight - wanted).abs().max() < 0.05
    assert still.tolist() == [1, 1]


def test_it_goes_on_from_what_was_saved() -> None:
    """Two halves of a training, the second with a new optimiser, end where one training does."""

    def train(weight: nn.Parameter, optimiser: Muon, steps: range) -> None:
        for step in steps:
            weight.grad = torch.sin(weight.detach() + step)
            optimiser.step()

    weights = [nn.Parameter(torch.linspace(0, 1, 12).reshape(3, 4)) for _ in range(2)]
    train(weights[0], Muon(weights[:1], lr=0.1), range(6))
    first = Muon(weights[1:], lr=0.1)
    train(weights[1], first, range(3))
    second = Muon(weights[1:], lr=0.1)
    second.load_state_dict(first.state_dict())
    train(weights[1], second, range(3, 6))
    torch.testing.assert_close(weights[0], weights[1])


def test_in_half_precision_it_goes_nearly_the_same_way() -> None:
    moved = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(1)
        weight = nn.Parameter(torch.zeros(16, 8, 3, 3))
        optimiser = Muon([weight], lr=0.1, dtype=dtype)
        weight.grad = torch.randn_like(weight)
        optimiser.step()
        assert weight.dtype == torch.float32
        moved.append(weight.detach().flatten())
    assert torch.nn.functional.cosine_similarity(moved[0], moved[1], dim=0) > 0.99
    assert not moved[0].equal(moved[1])
