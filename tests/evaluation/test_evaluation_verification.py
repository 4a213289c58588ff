"""Verification against its definitions, by loops."""

from __future__ import annotations

from itertools import pairwise as adjacent
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facecluster import evaluation
from facecluster.errors import UsageError
from facecluster.evaluation import verification

Array = NDArray[Any]


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


def test_a_fold_without_a_pair_of_one_person_has_no_val() -> None:
    distances, same = np.array([0.1, 0.9, 0.2, 0.8, 0.5]), np.array([True, False, True, False, False])
    mean, _ = evaluation.val_at_far_folds(distances, same, np.array([0, 0, 1, 1, 2]), 0.5)
    assert mean == 1.0


def test_pairs_of_embeddings_have_all_figures(pairs: tuple[Array, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    _, same, folds = pairs
    monkeypatch.setattr(verification, "BLOCK", 7)
    random = np.random.default_rng(1)
    people = random.normal(size=(30, 8))
    whose = random.permutation(np.arange(120) % 30)
    vectors = people[whose] + random.normal(size=(120, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    first, second = random.integers(0, 120, (2, 200))
    second = np.where(same, [np.flatnonzero(whose == whose[i])[0] for i in first], second)
    same = whose[first] == whose[second]
    found = evaluation.verify_pairs(vectors, first, second, same, folds)
    distances = np.array([sum((vectors[a] - vectors[b]) ** 2) for a, b in zip(first, second, strict=True)])
    np.testing.assert_allclose(evaluation.pair_distances(vectors, first, second), distances, rtol=1e-5)
    assert (found.pairs, found.same, found.folds) == (200, same.sum(), 10)
    assert found.accuracy == pytest.approx(evaluation.verification_folds(distances, same, folds))
    assert found.threshold == pytest.approx(slow_threshold(distances, same), abs=1e-5)
    for fold, threshold in enumerate(found.thresholds):
        assert threshold == pytest.approx(slow_threshold(distances[folds != fold], same[folds != fold]), abs=1e-5)
    for rate, one in zip((0.01, 0.001), found.at_far, strict=True):
        assert one[:4] == pytest.approx((rate, *evaluation.val_at_far(distances, same, rate)), abs=1e-5)
        assert one.folds == pytest.approx(evaluation.val_at_far_folds(distances, same, folds, rate))


@pytest.mark.parametrize(
    ("same", "folds"),
    [([], []), ([1, 0, 1, 0], [0, 0, 0, 0]), ([1, 0, 1, 1], [0, 0, 1, 1]), ([1, 0, 0, 0], [0, 0, 1, 1])],
)
def test_too_few_pairs_are_a_sentence(same: list[int], folds: list[int]) -> None:
    with pytest.raises(UsageError, match="too few pairs"):
        evaluation.verify_distances(np.arange(len(same)) / 10, np.array(same, bool), np.array(folds, int))


def test_the_roc_rises_by_counting(pairs: tuple[Array, ...]) -> None:
    distances, same, _ = pairs
    curve = evaluation.roc(distances, same)
    steps = [float("-inf"), *sorted(set(distances.tolist()))]
    assert curve.far.tolist() == [float((distances[~same] <= step).mean()) for step in steps]
    assert curve.val.tolist() == [float((distances[same] <= step).mean()) for step in steps]
