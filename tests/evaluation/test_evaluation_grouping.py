"""Figures of groups against their definitions, by loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecluster import evaluation
from facecluster.records import Int64

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


@given(labels)
def test_all_figures_of_a_grouping(rows: list[tuple[int, int]]) -> None:
    found, truth = np.array(rows, np.int64).T
    scores = evaluation.score_groups(found, truth)
    assert (scores.bcubed, scores.pairwise) == (evaluation.bcubed(found, truth), evaluation.pairwise(found, truth))
    assert scores.faces == len(rows)
    assert (scores.people, scores.found) == (len({t for _, t in rows} - {-1}), len({f for f, _ in rows} - {-1}))
    assert scores.nobody == sum(f == -1 for f, _ in rows)
