"""Ids carried over, tightness, names by size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecluster.people import keep_ids, tightness
from facecluster.people.grouping import number_by_size

faces = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=40)


@given(faces)
def test_ids_are_kept_by_majority(rows: list[tuple[int, int]]) -> None:
    old, new = np.array(rows, np.int64).reshape(-1, 2).T
    expected: dict[int, int] = {}
    for label in sorted(set(new.tolist()) - {-1}):
        claims = []
        for person in set(old.tolist()) - {-1}:
            shared = int(((old == person) & (new == label)).sum())
            if shared > (old == person).sum() / 2:
                claims.append((-shared, person))
        if claims:
            expected[label] = min(claims)[1]
    assert keep_ids(old, new) == expected


def test_a_half_is_not_more_than_half() -> None:
    assert keep_ids(np.array([7, 7, 7, 7]), np.array([0, 0, 1, 1])) == {}
    assert keep_ids(np.array([7, 7, 7, 7, 7]), np.array([0, 0, 1, 1, 1])) == {1: 7}


def test_two_people_who_become_one_leave_one_id() -> None:
    assert keep_ids(np.array([4, 4, 9, 9, 9]), np.zeros(5, np.int64)) == {0: 9}
    assert keep_ids(np.array([9, 9, 4, 4]), np.zeros(4, np.int64)) == {0: 4}


def test_tightness_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 128))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = np.concatenate((rng.integers(-1, 4, 39), [4]))
    for label, found in enumerate(tightness(vectors, labels)):
        members = vectors[labels == label]
        n = len(members)
        squared = [float(np.square(members[i] - members[j]).sum()) for i in range(n) for j in range(i)]
        assert found == pytest.approx(np.mean(squared) if squared else 0, abs=1e-5)


def test_tightness_of_nobody() -> None:
    assert tightness(np.ones((2, 128), np.float32), np.array([-1, -1])).tolist() == []


@given(st.lists(st.integers(-1, 6), max_size=30))
def test_groups_are_numbered_by_size_then_first_face(rows: list[int]) -> None:
    labels = np.array(rows, np.int64)
    order = sorted(set(rows) - {-1}, key=lambda label: (-rows.count(label), rows.index(label)))
    assert number_by_size(labels).tolist() == [-1 if label < 0 else order.index(label) for label in rows]


def test_confirmed_faces_steer_the_id_before_the_majority_does() -> None:
    old, new = np.array([4, 4, 4, 9, 9]), np.array([0, 1, 1, 1, 1])
    assert keep_ids(old, new) == {1: 4}
    confirmed = np.array([True, False, False, False, False])
    assert keep_ids(old, new, confirmed) == {0: 4, 1: 9}


def test_of_two_people_confirmed_in_a_group_the_one_with_more_such_faces_has_it() -> None:
    old, new = np.array([4, 9, 9, 4, 4, 4]), np.zeros(6, np.int64)
    assert keep_ids(old, new, np.array([True, True, True, False, False, False])) == {0: 9}
    assert keep_ids(old, new, np.array([True, True, False, False, False, False])) == {0: 4}


def test_a_person_confirmed_in_two_groups_keeps_its_id_in_one() -> None:
    old, new = np.array([4, 4, 4]), np.array([0, 1, 1])
    assert keep_ids(old, new, np.ones(3, bool)) == {1: 4}


def test_confirmed_faces_outside_of_all_groups_leave_the_majority_rule() -> None:
    assert keep_ids(np.array([4, 4, 4]), np.array([-1, 0, 0]), np.array([True, False, False])) == {0: 4}
