"""Two passes over chunks give the gradient of one over the whole batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.training.cached import OnDemand, backward
from facecluster.training.losses import LossOptions, make_loss

IDENTITIES = torch.arange(5).repeat(4)
CHUNKS = [1, 3, 7, 20, 64]


class Unit(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return normalize(x)


def network(*, dropout: float = 0.0, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(4)
    layers = [nn.Linear(6, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 8), Unit()]
    return nn.Sequential(*layers).to(dtype)


def gradients(*modules: nn.Module) -> list[Tensor]:
    found = [p.grad for module in modules for p in module.parameters() if p.grad is not None]
    assert any(gradient.any() for gradient in found)
    return found


def asked(name: str) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    module = make_loss(name, 8, 5, LossOptions(mining="semi-hard", seed=1))
    return module, lambda vectors: module(vectors, IDENTITIES)


def plain(net: nn.Module, inputs: Tensor, loss: Callable[[Tensor], Tensor], chunk: int) -> tuple[float, Tensor]:
    """One pass, all in memory; by chunks only so that the random numbers are the same."""
    vectors = torch.cat([net(part) for part in torch.split(inputs, chunk)])
    value = loss(vectors)
    torch.autograd.backward(value)
    return value.item(), vectors.detach()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", ["triplet", "arcface"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_gradients_are_those_of_plain_backpropagation(
    chunk: int, dropout: float, name: str, dtype: torch.dtype, tolerance: float
) -> None:
    inputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(0)).to(dtype)
    results = []
    for how in (plain, backward):
        net = network(dropout=dropout, dtype=dtype)
        module, loss = asked(name)
        torch.manual_seed(8)
        value, vectors = how(net, inputs, loss, chunk)
        results.append((value, vectors, gradients(net, module), torch.rand(3)))
    (value, vectors, expected, drawn), (cached, embedded, found, drawn_then) = results
    assert cached == pytest.approx(value, abs=tolerance)
    assert torch.allclose(embedded, vectors, atol=tolerance)
    assert not embedded.requires_grad
    assert len(found) == len(expected)
    assert all(torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(found, expected, strict=True))
    assert torch.equal(drawn_then, drawn)


def test_gradients_add_up_as_with_plain_backpropagation() -> None:
    net, (module, loss) = network(), asked("arcface")
    inputs = torch.randn(20, 6, dtype=torch.float64)
    backward(net, inputs, loss, 6)
    once = [gradient.clone() for gradient in gradients(net, module)]
    backward(net, inputs, loss, 6)
    assert all(torch.allclose(b, 2 * a) for a, b in zip(once, gradients(net, module), strict=True))


def test_only_a_chunk_is_in_the_network_and_the_loss_sees_all() -> None:
    net, seen, asked_for = network(), [], []
    net.register_forward_hook(lambda module, given, result: seen.append(len(given[0])))
    inputs = torch.randn(20, 6, dtype=torch.float64)

    def read(part: slice) -> Tensor:
        asked_for.append((part.start, part.stop))
        return inputs[part]

    def loss(vectors: Tensor) -> Tensor:
        seen.append(-len(vectors))
        return vectors.sum()

    backward(net, OnDemand(20, read), loss, 8)
    assert seen == [8, 8, 4, -20, 8, 8, 4]
    assert asked_for == [(0, 8), (8, 16), (16, 20)] * 2


def test_what_reading_draws_from_torch_is_the_same_in_both_passes() -> None:
    net, drawn = network(), []

    def read(part: slice) -> Tensor:
        drawn.append(torch.randn(part.stop - part.start, 6, dtype=torch.float64))
        return drawn[-1]

    backward(net, OnDemand(9, read), lambda vectors: vectors.sum(), 4)
    first, second = drawn[:3], drawn[3:]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[1])


def test_a_chunk_without_a_gradient_is_not_embedded_again() -> None:
    net, seen = network(), []
    net.register_forward_hook(lambda module, given, result: seen.append(len(given[0])))
    backward(net, torch.randn(20, 6, dtype=torch.float64), lambda vectors: vectors[:3].sum(), 7)
    assert seen == [7, 7, 6, 7]


def test_random_numbers_go_on_where_one_pass_would_leave_them() -> None:
    inputs = torch.randn(20, 6, dtype=torch.float64)
    drawn = []
    for how in (plain, backward):
        net = network(dropout=0.5)
        how(net, inputs, lambda vectors: vectors[:3].sum() * torch.rand(()), 7)  # the last chunk has no gradient
        drawn.append(torch.rand(3))
    assert torch.equal(*drawn)


def test_within_autocast_weights_still_get_gradients() -> None:
    inputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for how in (plain, backward):
        net = network(dtype=torch.float32)
        module, loss = asked("arcface")
        with torch.autocast("cpu", torch.bfloat16):
            how(net, inputs, loss, 6)
        results.append(gradients(net, module))
    assert len(results[0]) == len(results[1]) == 5
    assert all((a - b).norm() < 0.02 * a.norm() for a, b in zip(*results, strict=True))


@pytest.mark.parametrize(
    ("layer", "training", "refused"),
    [
        (nn.BatchNorm1d(6), True, True),
        (nn.BatchNorm1d(6), False, False),
        (nn.BatchNorm1d(6, track_running_stats=False), False, True),
        (nn.InstanceNorm1d(6), True, False),
        (nn.InstanceNorm1d(6, track_running_stats=True), True, True),
        (nn.InstanceNorm1d(6, track_running_stats=True), False, False),
        (nn.LayerNorm(6), True, False),
    ],
)
def test_statistics_of_a_batch_are_refused(layer: nn.Module, training: bool, refused: bool) -> None:
    net = nn.Sequential(nn.Unflatten(1, (6, 1)), nn.Flatten(), layer, network(dtype=torch.float32))
    if isinstance(layer, nn.InstanceNorm1d):
        net = nn.Sequential(
            nn.Unflatten(1, (6, 1)), nn.Upsample(scale_factor=2), layer, nn.Flatten(), nn.Linear(12, 2)
        )
    layer.train(training)
    if refused:
        with pytest.raises(ValueError, match=r"2 keeps or uses statistics of a batch: set it to evaluation\."):
            backward(net, torch.randn(4, 6), torch.sum, 2)
    else:
        backward(net, torch.randn(4, 6), torch.sum, 2)
        gradients(net)
