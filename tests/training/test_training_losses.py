"""Losses against their equations, face by face and pair by pair."""

from __future__ import annotations

import math
from itertools import pairwise, product

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.errors import UsageError
from facecluster.training.losses import LOSSES, ClassLoss, Loss, LossOptions, TripletLoss, make_loss
from facecluster.training.triplets import mine, squared_distances

IDENTITIES = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3, 4, -1])


@pytest.fixture
def vectors() -> Tensor:
    torch.manual_seed(2)
    return normalize(torch.randn(10, 6, dtype=torch.float64))


def apart(a: Tensor, b: Tensor) -> float:
    return float(((a - b) ** 2).sum())


def all_triplets(vectors: Tensor, margin: float) -> list[float]:
    """The loss of every triplet of faces with an identity; equations 1 to 3."""
    faces = range(9)
    return [
        max(0.0, apart(vectors[a], vectors[p]) - apart(vectors[a], vectors[n]) + margin)
        for a, p, n in product(faces, faces, faces)
        if a != p and IDENTITIES[a] == IDENTITIES[p] != IDENTITIES[n]
    ]


def test_the_triplet_loss_is_the_mean_over_what_was_mined(vectors: Tensor) -> None:
    loss = TripletLoss(0.4, "semi-hard", seed=3)
    value = loss(vectors, IDENTITIES)
    generator = torch.Generator().manual_seed(3)
    triplets = mine(squared_distances(vectors), IDENTITIES, "semi-hard", 0.4, generator).tolist()
    each = [apart(vectors[a], vectors[p]) - apart(vectors[a], vectors[n]) + 0.4 for a, p, n in triplets]
    assert len(each) >= 3
    assert min(each) > 0
    assert float(value) == pytest.approx(sum(each) / len(each))
    assert loss.figures == {"pairs": 10, "triplets": len(each), "active": len(each) / 10}


def test_hard_triplets_may_have_no_loss_and_count_in_the_mean(vectors: Tensor) -> None:
    vectors[0:3] = vectors[0]
    loss = TripletLoss(0.01, "hard")
    value = loss(vectors, IDENTITIES).item()
    each = []
    for a, p in product(range(9), range(9)):
        if a != p and IDENTITIES[a] == IDENTITIES[p]:
            nearest = min(apart(vectors[a], vectors[n]) for n in range(9) if IDENTITIES[a] != IDENTITIES[n])
            each.append(max(0.0, apart(vectors[a], vectors[p]) - nearest + 0.01))
    assert value == pytest.approx(sum(each) / len(each))
    assert loss.figures == {"pairs": 10, "triplets": 10, "active": sum(loss > 0 for loss in each) / 10}
    assert 0 < loss.figures["active"] < 1


def test_all_triplets_are_averaged_without_listing_them(vectors: Tensor) -> None:
    vectors.requires_grad_()
    value = TripletLoss(0.4, "all")(vectors, IDENTITIES)
    active = [loss for loss in all_triplets(vectors.detach(), 0.4) if loss > 0]
    assert 0 < len(active) < len(all_triplets(vectors.detach(), 0.4))
    assert value.item() == pytest.approx(sum(active) / len(active))

    (gradient,) = torch.autograd.grad(value, vectors)
    distances = squared_distances(vectors)
    a, p, n = mine(distances, IDENTITIES, "all", 0.4).T
    (listed,) = torch.autograd.grad((distances[a, p] - distances[a, n] + 0.4).mean(), vectors)
    assert torch.allclose(gradient, listed, atol=1e-12)


def test_a_saved_triplet_loss_goes_on_drawing_where_it_was(vectors: Tensor) -> None:
    loss = TripletLoss(1.0)
    loss(vectors, IDENTITIES)
    saved = loss.state_dict()
    expected = [float(loss(vectors, IDENTITIES)) for _ in range(3)]
    other = TripletLoss(1.0, seed=9)
    other.load_state_dict(saved)
    assert [float(other(vectors, IDENTITIES)) for _ in range(3)] == expected
    assert len(set(expected)) == 3


def test_contrastive_is_the_mean_over_pairs_with_a_loss(vectors: Tensor) -> None:
    value = float(make_loss("contrastive", 6, 5, LossOptions(margin=1.8))(vectors, IDENTITIES))
    pairs = [(i, j) for i, j in product(range(9), range(9)) if i != j]
    one = [apart(vectors[i], vectors[j]) for i, j in pairs if IDENTITIES[i] == IDENTITIES[j]]
    two = [1.8 - apart(vectors[i], vectors[j]) for i, j in pairs if IDENTITIES[i] != IDENTITIES[j]]
    active = [loss for loss in two if loss > 0]
    assert 0 < len(active) < len(two)
    assert value == pytest.approx(sum(one) / len(one) + sum(active) / len(active))


def own_logit(name: str, angle: float) -> float:
    """The cosine of a face with its own identity, made harder; by the papers' definitions."""
    if name == "arcface":
        return math.cos(angle + 0.5) if angle <= math.pi - 0.5 else math.cos(angle) - 0.5 * math.sin(0.5)
    if name == "cosface":
        return math.cos(angle) - 0.35
    if name == "sphereface":
        k = math.floor(2 * angle / math.pi)
        return math.cos(2 * angle) if k == 0 else -math.cos(2 * angle) - 2
    return math.cos(angle)


@pytest.mark.parametrize(
    ("name", "scale"), [("softmax", 20), ("arcface", 64), ("cosface", 64), ("sphereface", 30)]
)
def test_classification_is_cross_entropy_over_cosines(name: str, scale: float, vectors: Tensor) -> None:
    loss = make_loss(name, 6, 5)
    assert isinstance(loss, ClassLoss)
    value = loss(vectors, IDENTITIES).item()
    weights = normalize(loss.weights.detach().double(), dim=0)
    each, right = [], 0
    for vector, identity in zip(vectors[:9], IDENTITIES[:9].tolist(), strict=True):
        cosines = [float(vector @ weights[:, i]) for i in range(5)]
        right += max(cosines) == cosines[identity]
        cosines[identity] = own_logit(name, math.acos(cosines[identity]))
        each.append(math.log(sum(math.exp(scale * (c - cosines[identity])) for c in cosines)))
    assert value == pytest.approx(sum(each) / 9)
    assert loss.figures == {"right": pytest.approx(right / 9)}


def test_sphereface_falls_all_the_way_from_0_to_180_degrees() -> None:
    loss = make_loss("sphereface", 3, 2, LossOptions(margin=3.5, scale=1.0))
    assert isinstance(loss, ClassLoss)
    loss.weights.data.copy_(torch.eye(3)[:, [0, 2]])
    angles = torch.linspace(0.01, math.pi - 0.01, 200, dtype=torch.float64)
    around = torch.stack((angles.cos(), angles.sin(), torch.zeros(200)), 1)  # at 90 degrees to the other identity
    values = [loss(vector[None], torch.zeros(1, dtype=torch.int64)).item() for vector in around]
    assert all(a < b for a, b in pairwise(values))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_pulls_people_together(name: str) -> None:
    torch.manual_seed(0)
    free = nn.Parameter(torch.randn(12, 8))
    identities = torch.arange(4).repeat(3)
    loss = make_loss(name, 8, 4, LossOptions(mining="all"))
    optimiser = torch.optim.Adam([free, *loss.parameters()], 0.1)
    before = mean_distances(free, identities)
    for _ in range(60):
        optimiser.zero_grad()
        loss(normalize(free), identities).backward()
        optimiser.step()
    after = mean_distances(free, identities)
    assert after[0] < 0.7 * before[0]
    assert after[1] > before[1]
    assert bool(list(loss.parameters())) == (name not in ("triplet", "contrastive"))


def mean_distances(free: Tensor, identities: Tensor) -> tuple[float, float]:
    """The mean squared distance of faces of one person, and of two."""
    distances = squared_distances(normalize(free.detach()))
    same = identities[:, None] == identities
    return float(distances[same].mean()), float(distances[~same].mean())


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_to_ask_is_a_loss_of_0_with_a_gradient(name: str) -> None:
    for identities in ([-1, -1], []):
        vectors = torch.ones(len(identities), 4, requires_grad=True)
        value = make_loss(name, 4, 3)(vectors, torch.tensor(identities, dtype=torch.int64))
        value.backward()
        assert value == 0
        assert vectors.grad is not None
        assert not vectors.grad.any()


@pytest.mark.parametrize("name", ["triplet", "contrastive"])
@pytest.mark.parametrize("mining", ["semi-hard", "hard", "all"])
def test_without_pairs_to_compare_the_loss_is_0(name: str, mining: str) -> None:
    loss: Loss = make_loss(name, 2, 2, LossOptions(margin=0.1, mining=mining))  # type: ignore[arg-type]
    for vectors, identities in (
        (torch.eye(2), [0, 1]),
        (torch.eye(2)[:1], [0]),
        (torch.ones(2, 2) / 2**0.5, [0, 0]),
    ):
        vectors = vectors.clone().requires_grad_()
        value = loss(vectors, torch.tensor(identities))
        value.backward()
        assert value == 0
        assert vectors.grad is not None
        assert not vectors.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_and_autocast_change_nothing(name: str, vectors: Tensor) -> None:
    half = vectors.to(torch.bfloat16)
    expected = make_loss(name, 6, 5)(half.float(), IDENTITIES)
    with torch.autocast("cpu", torch.bfloat16):
        loss = make_loss(name, 6, 5)
        value = loss(half, IDENTITIES)
    assert value.dtype == torch.float32
    assert torch.equal(value, expected)
    assert all(parameter.dtype == torch.float32 for parameter in loss.parameters())


@pytest.mark.parametrize("name", LOSSES)
def test_faces_that_are_equal_have_a_finite_gradient(name: str) -> None:
    vectors = normalize(torch.randn(1, 6)).repeat(10, 1).requires_grad_()
    loss = make_loss(name, 6, 5, LossOptions(mining="all"))
    if isinstance(loss, ClassLoss):
        loss.start(vectors, IDENTITIES)
    loss(vectors, IDENTITIES).backward()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in loss.parameters())


def test_classification_can_start_where_the_people_are(vectors: Tensor) -> None:
    loss = make_loss("arcface", 6, 6)
    assert isinstance(loss, ClassLoss)
    drawn = loss.weights.detach().clone()
    loss.start(vectors, IDENTITIES)
    assert torch.allclose(loss.weights[:, 0], normalize(vectors[:3].mean(0), dim=0).float())
    assert torch.allclose(loss.weights[:, 3], vectors[7].float())
    assert torch.equal(loss.weights[:, 5], drawn[:, 5])


def test_weights_are_drawn_from_the_seed() -> None:
    def drawn(seed: int) -> list[float]:
        return next(make_loss("cosface", 4, 3, LossOptions(seed=seed)).parameters()).flatten().tolist()

    first = drawn(1)
    torch.rand(5)
    assert drawn(1) == first != drawn(2)


def test_a_loss_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no loss called hinge: choose one of triplet, contrastive"):
        make_loss("hinge", 4, 3)
    with pytest.raises(UsageError, match="Triplets cannot be mined soft: choose semi-hard, hard, all"):
        make_loss("triplet", 4, 3, LossOptions(mining="soft"))  # type: ignore[arg-type]
