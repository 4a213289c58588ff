"""Mining against three nested loops over all triplets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from facecluster.training.triplets import Mining, mine, pressure, squared_distances

Triplet = tuple[int, int, int]


def slow(distances: Tensor, identities: Tensor) -> Iterator[tuple[Triplet, Tensor, Tensor]]:
    """Every triplet, with its two distances."""
    everyone = range(len(identities))
    for a, p, n in product(everyone, everyone, everyone):
        if a != p and identities[a] == identities[p] != identities[n] and min(identities[[a, n]]) >= 0:
            yield (a, p, n), distances[a, p], distances[a, n]


def listed(triplets: Tensor) -> list[Triplet]:
    return [(a, p, n) for a, p, n in triplets.tolist()]


def batch(kind: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Vectors and identities; the last two faces of each are without identity."""
    torch.manual_seed(1)
    if kind == "grid":  # distances are whole multiples of 1/4, so that ties and margins are exact
        vectors = torch.randint(0, 3, (14, 2)).to(dtype) / 2
    else:
        vectors = normalize(torch.randn(14, 3, dtype=dtype))
    if kind == "duplicates":
        vectors[3:9] = vectors[0]
    return vectors, torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 4, -1, -1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_squared_distances_are_those_of_all_pairs(dtype: torch.dtype) -> None:
    vectors = torch.randn(7, 5, dtype=dtype)
    vectors[3] = vectors[1]
    apart = squared_distances(vectors)
    slow = torch.stack([torch.stack([((a - b) ** 2).sum() for b in vectors]) for a in vectors])
    assert apart.dtype == dtype
    assert torch.allclose(apart, slow, atol=1e-5)
    assert (apart.diagonal() == 0).all()
    assert (apart >= 0).all()
    assert squared_distances(vectors[:0]).shape == (0, 0)


def test_squared_distances_have_the_right_gradient() -> None:
    vectors = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(squared_distances, vectors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["random", "grid", "duplicates"])
@pytest.mark.parametrize("margin", [0.0, 0.1, 0.25, 0.5, 1.0, 5.0])
def test_mining_finds_what_three_loops_find(kind: str, margin: float, dtype: torch.dtype) -> None:
    vectors, identities = batch(kind, dtype)
    distances = squared_distances(vectors)
    all_found = listed(mine(distances, identities, "all", margin))
    with_loss = [triplet for triplet, own, other in slow(distances, identities) if other < own + margin]
    assert len(all_found) == len(set(all_found))
    assert set(all_found) == set(with_loss)

    semi_hard = {t for t, own, other in slow(distances, identities) if own < other < own + margin}
    drawn = listed(mine(distances, identities, "semi-hard", margin))
    assert set(drawn) <= semi_hard
    assert [(a, p) for a, p, _ in drawn] == sorted({(a, p) for a, p, _ in semi_hard})

    nearest: dict[tuple[int, int], tuple[float, int]] = {}
    for (a, p, n), _, other in slow(distances, identities):
        nearest[a, p] = min(nearest.get((a, p), (99.0, 0)), (float(other), n))
    hard = listed(mine(distances, identities, "hard", margin))
    assert hard == [(a, p, n) for (a, p), (_, n) in sorted(nearest.items())]


@pytest.mark.parametrize("margin", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("kind", ["random", "grid", "duplicates"])
def test_pressure_counts_all_triplets_with_a_loss(kind: str, margin: float) -> None:
    vectors, identities = batch(kind, torch.float32)
    distances = squared_distances(vectors)
    pull, push = torch.zeros(2, 14, 14, dtype=torch.int64)
    for (a, p, n), own, other in slow(distances, identities):
        pull[a, p] += other < own + margin
        push[a, n] += other < own + margin
    found = pressure(distances, identities, margin)
    assert torch.equal(found.pull, pull)
    assert torch.equal(found.push, push)
    assert found.pairs == 12 + 6 + 2 + 2


def test_a_negative_exactly_at_the_margin_or_at_the_positive_is_not_semi_hard() -> None:
    distances = torch.tensor([[0, 1.0, 1.0, 1.5, 1.25], *[[0.0] * 5] * 4])
    identities = torch.tensor([0, 0, 1, 2, 3])
    found = mine(distances, identities, "semi-hard", 0.5)
    assert listed(found[found[:, 0] == 0]) == [(0, 1, 4)]


def test_every_semi_hard_negative_is_drawn_equally_often() -> None:
    distances = torch.zeros(12, 12)
    distances[0] = torch.tensor([0, 0.5, 0.4, *[0.55 + 0.01 * i for i in range(8)], 0.9])
    identities = torch.tensor([0, 0, *range(1, 11)])
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([mine(distances, identities, "semi-hard", 0.2, generator)[:1] for _ in range(800)])
    counts = torch.bincount(drawn[:, 2], minlength=12)
    assert counts[[0, 1, 2, 11]].sum() == 0
    assert ((counts[3:11] - 100).abs() < 40).all()  # four standard deviations


def test_drawing_depends_on_the_generator_alone() -> None:
    vectors, identities = batch("random", torch.float32)
    distances = squared_distances(vectors)
    torch.manual_seed(5)
    draws = []
    for seed in (0, 0, 1):
        generator = torch.Generator().manual_seed(seed)
        draws.append(listed(mine(distances, identities, "semi-hard", 0.9, generator)))
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("kind", ["semi-hard", "hard", "all"])
@pytest.mark.parametrize("identities", [[], [0], [0, 1, 2, 3], [4, 4, 4], [-1, -1, 0, 0], [-1, -1]])
def test_without_a_pair_or_without_another_person_there_is_nothing(kind: Mining, identities: list[int]) -> None:
    distances = squared_distances(torch.randn(len(identities), 4))
    found = mine(distances, torch.tensor(identities, dtype=torch.int64), kind, 9.0)
    assert found.shape == (0, 3)
    assert found.dtype == torch.int64
    counted = pressure(distances, torch.tensor(identities, dtype=torch.int64), 9.0)
    assert counted.pull.sum() == counted.push.sum() == 0


def test_mining_has_no_gradient() -> None:
    vectors, identities = batch("random", torch.float32)
    distances = squared_distances(vectors.requires_grad_())
    assert distances.requires_grad
    assert not mine(distances, identities, "all", 0.5).requires_grad
