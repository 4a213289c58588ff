"""Which pairs are measured, and which were the worst, by enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from facecluster.evaluation import sample_pairs, worst


def test_few_faces_give_all_pairs() -> None:
    labels = np.array([2, 0, 2, 1, 0])
    pairs = sample_pairs(labels)
    rows = set(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist(), strict=True))
    assert rows == {(i, j, bool(labels[i] == labels[j])) for i, j in combinations(range(5), 2)}
    assert len(pairs.first) == 10
    assert len(sample_pairs(np.zeros(0, np.int64)).first) == len(sample_pairs(np.array([3])).first) == 0


def test_of_many_people_all_pairs_of_one_person_are_kept_where_there_is_room() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 5))
    first, second, same = sample_pairs(labels, most=500)
    own = {(i, j) for i, j in combinations(range(200), 2) if labels[i] == labels[j]}
    assert sorted(own) == sorted(zip(first[same].tolist(), second[same].tolist(), strict=True))
    assert (labels[first[~same]] != labels[second[~same]]).all()
    assert 450 < (~same).sum() <= 500
    assert (first < second).all()


def test_of_large_people_pairs_are_drawn_evenly() -> None:
    labels = np.repeat([0, 1], [100, 200])
    first, second, same = sample_pairs(labels, most=20_000)
    assert (labels[first] == labels[second]).tolist() == same.tolist()
    assert same.sum() == 20_000
    assert (first[same] < second[same]).all()
    share = float((labels[first[same]] == 0).mean())
    assert share == pytest.approx(100 * 99 / (100 * 99 + 200 * 199), abs=0.01)
    counts = np.bincount(np.concatenate((first[same], second[same])), minlength=300)
    for faces in (counts[:100], counts[100:]):
        assert faces.min() > 0.6 * faces.mean()
    assert sample_pairs(labels, most=20_000).first.tolist() == first.tolist()


def test_one_large_person_has_no_pairs_of_two() -> None:
    first, _, same = sample_pairs(np.zeros(100, np.int64), most=50)
    assert len(first) == 50
    assert same.all()


def test_everybody_alone_has_no_pairs_of_one() -> None:
    first, second, same = sample_pairs(np.arange(100), most=50)
    assert not same.any()
    assert 45 < len(first) <= 50
    assert (first != second).all()


def test_the_worst_are_the_nearest_strangers_and_the_farthest_photos_of_one_person() -> None:
    distances = np.array([0.1, 0.5, 0.3, 0.3, 0.9, 0.8, 0.9, 0.4])
    same = np.array([False, False, False, False, True, True, True, True])
    assert [rows.tolist() for rows in worst(distances, same, 0.45)] == [[0, 2, 3], [4, 6, 5]]
    assert [rows.tolist() for rows in worst(distances, same, 0.45, count=1)] == [[0], [4]]
    assert worst(distances, same, 0.3).false_accepts.tolist() == [0, 2, 3], "up to the threshold"
    assert [rows.tolist() for rows in worst(distances, same, float("-inf"))] == [[], [4, 6, 5, 7]]
