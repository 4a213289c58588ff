"""Every layer against its formula, by loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, max_pool2d, relu

from facecluster.nets import layers
from facecluster.nets.nn2 import Inception, Widths


@pytest.fixture
def maps() -> Tensor:
    """(2, 7, 5, 4): fewer places than a window in no direction, more channels than are neighbours."""
    return torch.randn(2, 7, 5, 4, generator=torch.Generator().manual_seed(0))


def slow_l2_pool(x: Tensor) -> Tensor:
    pooled = torch.zeros_like(x)
    photos, channels, height, width = x.shape
    for n in range(photos):
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    rows, columns = range(max(0, i - 1), i + 2), range(max(0, j - 1), j + 2)
                    window = [float(x[n, c, r, s]) for r in rows if r < height for s in columns if s < width]
                    pooled[n, c, i, j] = math.sqrt(sum(value**2 for value in window))
    return pooled


def slow_response_norm(x: Tensor) -> Tensor:
    normed = torch.zeros_like(x)
    photos, channels, height, width = x.shape
    for n in range(photos):
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    neighbours = range(max(0, c - 2), min(channels, c + 3))
                    squares = sum(float(x[n, d, i, j]) ** 2 for d in neighbours)
                    normed[n, c, i, j] = float(x[n, c, i, j]) / (2 + 1e-4 * squares) ** 0.75
    return normed


def slow_maxout(x: Tensor, weight: Tensor, bias: Tensor, pieces: int) -> Tensor:
    rows = []
    for row in x:
        pre = [
            float(sum(w * v for w, v in zip(each, row, strict=True)) + b)
            for each, b in zip(weight, bias, strict=True)
        ]
        rows.append([max(pre[i : i + pieces]) for i in range(0, len(pre), pieces)])
    return torch.tensor(rows)


def test_l2_pool_is_the_norm_of_nine(maps: Tensor) -> None:
    torch.testing.assert_close(layers.L2Pool()(maps), slow_l2_pool(maps))
    half = layers.L2Pool()(maps.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), slow_l2_pool(maps), atol=0, rtol=0.02)


def test_l2_pool_of_nothing_has_a_gradient() -> None:
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    with torch.no_grad():
        x[0, 0, 0, 0] = 2.0
    pooled = layers.L2Pool()(x)
    assert pooled.max() == 2
    assert pooled.min() < 1e-5
    torch.autograd.backward(pooled.sum())
    assert x.grad is not None
    assert x.grad[0, 0, 0, 0] == 4  # four windows see it, and are that value
    assert x.grad.sum() == 4


@pytest.mark.parametrize("scale", [1.0, 300.0])  # at 300 the neighbours outweigh the 2
def test_response_norm_divides_by_the_neighbours(maps: Tensor, scale: float) -> None:
    norm = layers.local_response_norm()
    torch.testing.assert_close(norm(scale * maps), slow_response_norm(scale * maps))
    in_turn = norm((scale * maps).to(memory_format=torch.channels_last))
    torch.testing.assert_close(in_turn, slow_response_norm(scale * maps))


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_maxout_is_the_largest_of_neighbouring_pieces(pieces: int) -> None:
    layer = layers.Maxout(5, 4, pieces)
    nn.init.normal_(layer.linear.bias)
    x = torch.randn(3, 5)
    weight, bias = layer.linear.weight.detach(), layer.linear.bias.detach()
    torch.testing.assert_close(layer(x), slow_maxout(x, weight, bias, pieces))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x).float(), layer(x.clone()).float())
        assert (layer(x).float() - slow_maxout(x, weight, bias, pieces)).abs().max() < 0.1


@torch.no_grad()
@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_he_keeps_the_mean_square(slope: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(500, 600)
    layer = layers.he(nn.Linear(600, 400), slope)
    activated = leaky_relu(layer(x), slope)
    assert activated.square().mean() == pytest.approx(1, abs=0.03)
    assert not layer.bias.any()
    assert layers.he(nn.Conv2d(2, 2, 1, bias=False)).bias is None


@torch.no_grad()
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_centred_weights_keep_it_behind_relu_and_do_not_see_the_mean(slope: float) -> None:
    torch.manual_seed(0)
    x = relu(torch.randn(300, 150, 2, 2)) * math.sqrt(2)  # mean square 1
    layer = layers.centred(layers.he(nn.Conv2d(150, 400, 2), slope))
    assert layer.weight.sum((1, 2, 3)).abs().max() < 1e-4
    assert layer(x).square().mean() == pytest.approx(2 / (1 + slope**2), rel=0.03)
    torch.testing.assert_close(layer(x + 3), layer(x), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_centred_weights_keep_the_mean_square_through_maxout() -> None:
    torch.manual_seed(0)
    first, second = layers.Maxout(400, 300), layers.Maxout(300, 200)
    hidden = first(relu(torch.randn(500, 400)) * math.sqrt(2))
    assert hidden.square().mean() == pytest.approx(1, abs=0.05)
    assert second(hidden).square().mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_and_pools_keep_or_halve(size: int, stride: int) -> None:
    side = math.ceil(size / stride)
    x = torch.randn(2, 6, size, size)
    for kernel in (1, 3, 5):
        output = layers.convolution(6, 4, kernel, stride)(x)
        assert output.shape == (2, 4, side, side)
        assert output.min() == 0
    assert layers.max_pool(stride)(x).shape == (2, 6, side, side)


def test_an_inception_module_sets_its_branches_side_by_side() -> None:
    x = relu(torch.randn(1, 5, 6, 6))
    pooling = Inception(5, Widths(3, (2, 4), (1, 2), "L2", 6))
    assert pooling(x).shape == (1, 3 + 4 + 2 + 6, 6, 6)
    ones, threes, fives, pool = pooling.branches
    assert isinstance(pool, nn.Sequential)
    expected = [ones(x), threes(x), fives(x), pool[1](slow_l2_pool(x))]
    torch.testing.assert_close(pooling(x), torch.cat(expected, 1))
    halving = Inception(5, Widths(0, (2, 4), (1, 2), "max", 0, stride=2))
    assert halving(x).shape == (1, 4 + 2 + 5, 3, 3)
    torch.testing.assert_close(halving(x)[:, 6:], max_pool2d(x, 3, 2, 1))
