"""The learning rate by its cases, and the average of weights against a loop over numbers."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from facecluster.training.schedule import Average, rate


def test_the_rate_rises_falls_and_stays() -> None:
    rates = [rate(step, 30, 4, 1.0, 0.1) for step in range(40)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[4] == max(rates)
    assert rates[17] == pytest.approx(0.55)  # half way
    assert all(a > b for a, b in pairwise(rates[4:31]))
    assert rates[30:] == [0.1] * 10
    assert rates[11] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * 7 / 26)) / 2)


def test_the_rate_of_short_trainings() -> None:
    assert rate(0, 1, 0, 0.5) == 0.5
    assert [rate(step, 2, 2, 0.9) for step in range(3)] == pytest.approx([0.3, 0.6, 0.0])
    assert rate(0, 0, 0, 0.5) == 0
    assert rate(1, 2, 5, 0.6) == pytest.approx(0.2)  # a warm-up that outlasts the training


class Network(nn.Module):
    """One weight, and a batch norm."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value))
        self.norm = nn.BatchNorm1d(1)

    def become(self, value: float) -> None:
        self.weight.data.fill_(value)


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_is_that_of_a_loop(decay: float) -> None:
    net = Network(5.0)
    average = Average(net, decay)
    slow = 5.0
    for t, value in enumerate([1.0, -2.0, 3.5, 0.25] * 5):
        net.become(value)
        average.update(net)
        d = min(decay, (1 + t) / (10 + t))
        slow = d * slow + (1 - d) * value
    assert float(average.weights["weight"]) == pytest.approx(slow, rel=1e-5)


def test_counters_are_taken_and_running_means_averaged() -> None:
    net = Network(1.0)
    average = Average(net, 0.9)
    net.norm(torch.full((4, 1), 10.0))  # running mean: 1, counter: 1
    average.update(net)
    assert int(average.weights["norm.num_batches_tracked"]) == 1
    assert float(average.weights["norm.running_mean"]) == pytest.approx(0.9)


def test_the_average_is_copied_and_leaves_the_network_alone() -> None:
    net, other = Network(1.0), Network(9.0)
    average = Average(net)
    net.become(2.0)
    average.update(net)
    average.copy_to(other)
    assert net.weight.item() == 2
    assert other.weight.item() == pytest.approx(1.9)
    other.become(7.0)
    assert float(average.weights["weight"]) == pytest.approx(1.9)


def test_a_saved_average_goes_on() -> None:
    net = Network(1.0)
    first = Average(net, 0.99)
    net.become(3.0)
    first.update(net)
    second = Average(Network(0.0), 0.99)
    second.restore(first.state())
    for average in (first, second):
        average.update(net)
    assert first.updates == second.updates == 2
    assert torch.equal(first.weights["weight"], second.weights["weight"])


def test_half_precision_is_averaged_in_float32() -> None:
    net = Network(1.0).to(torch.bfloat16)
    average = Average(net, 0.999)
    average.updates = 100_000
    net.become(2.0)
    for _ in range(3):
        average.update(net)
    assert float(average.weights["weight"]) == pytest.approx(2 - 0.999**3, rel=1e-4)
    average.copy_to(net)
    assert net.weight.dtype == torch.bfloat16
