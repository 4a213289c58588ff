"""Every figure against its definition, by loops."""

from __future__ import annotations

from itertools import combinations
from itertools import pairwise as adjacent
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facecluster import evaluation
from facecluster.records import Int64

Array = NDArray[Any]

labels = st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=25)


def together(labels: Int64, i: int, j: int) -> bool:
    return i == j or bool(labels[i] == labels[j] != -1)


def share(wanted: list[bool], given: list[bool]) -> float:
    among = [w for w, g in zip(wanted, given, strict=True) if g]
    return sum(among) / len(among) if among else 1.0


@given(labels)
def test_bcubed_is_the_mean_over_faces_of_shares_of_their_group_and_person(rows: list[tuple[int, int]]) -> None:
    found, truth = np.array(rows, np.int64).T
    everyone = range(len(rows))
    precision, recall = [], []
    for i in everyone:
        group = [together(found, i, j) for j in everyone]
        person = [together(truth, i, j) for j in everyone]
        precision.append(share(person, group))
        recall.append(share(group, person))
    score = evaluation.bcubed(found, truth)
    p, r = np.mean(precision), np.mean(recall)
    assert score == pytest.approx((p, r, 2 * p * r / (p + r)))


@given(labels)
def test_pairwise_counts_pairs(rows: list[tuple[int, int]]) -> None:
    found, truth = np.array(rows, np.int64).T
    pairs = list(combinations(range(len(rows)), 2))
    predicted = [together(found, i, j) for i, j in pairs]
    true = [together(truth, i, j) for i, j in pairs]
    score = evaluation.pairwise(found, truth)
    assert score.precision == pytest.approx(share(true, predicted))
    assert score.recall == pytest.approx(share(predicted, true))


def test_scores_of_known_groupings() -> None:
    truth = np.array([0, 0, 0, 1])
    assert evaluation.bcubed(truth, truth) == (1, 1, 1)
    assert evaluation.bcubed(np.zeros(4, np.int64), truth).precision == pytest.approx((3 * 3 / 4 + 1 / 4) / 4)
    assert evaluation.bcubed(np.full(4, -1), truth) == pytest.approx((1, 0.5, 2 / 3))
    assert evaluation.pairwise(np.array([0, 0, 1, 1]), truth) == pytest.approx((1 / 2, 1 / 3, 0.4))
    assert evaluation.bcubed(np.zeros(0, np.int64), np.zeros(0, np.int64)).f == 1


@pytest.fixture
def pairs() -> tuple[Array, Array, Array]:
    """Distances, same, folds of 200 pairs with ties: distances are rounded."""
    rng = np.random.default_rng(3)
    same = np.tile([True, False], 100)
    distances = np.where(same, rng.normal(0.8, 0.3, 200), rng.normal(1.4, 0.3, 200)).round(1)
    return distances, same, np.arange(200) // 20


def slow_threshold(distances: Array, same: Array) -> float:
    values: list[float] = sorted(set(distances.tolist()))
    candidates = [values[0] - 1, *((a + b) / 2 for a, b in adjacent(values)), values[-1]]

    def right(threshold: float) -> int:
        return sum(bool((d <= threshold) == s) for d, s in zip(distances, same, strict=True))

    return max(candidates, key=lambda threshold: (right(threshold), -threshold))


def test_folds_are_tested_with_the_threshold_of_the_others(pairs: tuple[Array, ...]) -> None:
    distances, same, folds = pairs
    accuracies = []
    for fold in range(10):
        test = folds == fold
        threshold = slow_threshold(distances[~test], same[~test])
        right = [(d <= threshold) == s for d, s in zip(distances[test], same[test], strict=True)]
        accuracies.append(sum(right) / len(right))
    mean, error = evaluation.verification_folds(distances, same, folds)
    assert 0.7 < mean < 0.98
    assert mean == pytest.approx(sum(accuracies) / 10)
    assert error == pytest.approx((sum((a - mean) ** 2 for a in accuracies) / 9) ** 0.5 / 10**0.5)


def test_threshold_never_sees_its_own_fold() -> None:
    distances = np.array([0.1, 0.9, 0.5, 0.6])  # fold 1 alone would put the threshold at 0.55
    same = np.array([True, False, False, True])
    mean, _ = evaluation.verification_folds(distances, same, np.array([0, 0, 1, 1]))
    assert mean < 0.6


@pytest.mark.parametrize("far", [0.0, 0.01, 0.02, 0.1, 0.5, 1.0])
def test_val_at_far_by_definition(pairs: tuple[Array, ...], far: float) -> None:
    distances, same, _ = pairs
    best = (0.0, 0.0, float("-inf"))
    for threshold in sorted(set(distances.tolist())):
        accepted = [d <= threshold for d in distances]
        rate = sum(a and not s for a, s in zip(accepted, same, strict=True)) / 100
        if rate <= far:
            best = (sum(a and s for a, s in zip(accepted, same, strict=True)) / 100, rate, threshold)
    assert evaluation.val_at_far(distances, same, far) == pytest.approx(best)


def test_val_at_far_with_no_admissible_threshold() -> None:
    result = evaluation.val_at_far(np.array([0.1, 0.2]), np.array([False, True]), 0.5)
    assert result == (0.0, 0.0, float("-inf"))


def test_val_over_folds_takes_the_threshold_of_the_others(pairs: tuple[Array, ...]) -> None:
    distances, same, folds = pairs
    vals = []
    for fold in range(10):
        test = folds == fold
        threshold = evaluation.val_at_far(distances[~test], same[~test], 0.05).threshold
        own = distances[test & same]
        vals.append(sum(d <= threshold for d in own) / len(own))
    mean, error = evaluation.val_at_far_folds(distances, same, folds, 0.05)
    assert mean == pytest.approx(np.mean(vals))
    assert error == pytest.approx(np.std(vals, ddof=1) / 10**0.5)
