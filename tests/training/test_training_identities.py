"""Splits and batches against what they promise, over sets of many shapes."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facecluster.errors import UsageError
from facecluster.records import Int64
from facecluster.training.identities import batches, check_enough, compact, split


def faces(*sets: list[int], unlabelled: int = 0) -> tuple[Int64, Int64]:
    """Identities and sets of faces, shuffled: for each set, how many faces each of its people has."""
    sizes = [size for people in sets for size in people]
    identity = np.repeat(np.arange(len(sizes)), sizes)
    group = np.repeat(np.arange(len(sets)), [sum(people) for people in sets])
    identity = np.append(identity, np.full(unlabelled, -1))
    group = np.append(group, np.zeros(unlabelled, np.int64))
    order = np.random.default_rng(0).permutation(len(identity))
    return identity[order], group[order]


people_of_sets = st.lists(st.lists(st.integers(1, 30), max_size=12), min_size=1, max_size=4)


def test_compact_numbers_identities_in_their_order_and_leaves_faces_without() -> None:
    labels, count = compact(np.array([7, -1, 3, 7, 900]))
    assert labels.tolist() == [1, -1, 0, 1, 2]
    assert count == 3
    assert compact(np.array([-1, -1]))[1] == 0
    assert compact(np.zeros(0, np.int64))[0].tolist() == []


@settings(max_examples=50, deadline=None)
@given(people_of_sets, st.sampled_from([0.01, 0.1, 0.3, 0.99]), st.integers(0, 5))
def test_a_split_shares_no_person_and_takes_from_every_set_that_can_give(
    sets: list[list[int]], share: float, seed: int
) -> None:
    identity, group = faces(*sets, unlabelled=3)
    if all(sum(size > 1 for size in people) < 6 for people in sets):
        with pytest.raises(UsageError):
            split(identity, group, share, seed)
        return
    train, validation = split(identity, group, share, seed)
    assert (train ^ validation).all()
    assert train[identity == -1].all()
    assert not set(identity[train]) & set(identity[validation])
    for number, people in enumerate(sets):
        paired = sum(size > 1 for size in people)
        drawn = set(identity[validation & (group == number)].tolist())
        assert len(drawn) == (min(max(round(share * paired), 2), paired - 4) if paired >= 6 else 0)
        assert all((identity == person).sum() > 1 for person in drawn)
    again = split(identity, group, share, seed)
    assert (again[0] == train).all()


def test_a_split_depends_on_the_seed() -> None:
    identity, group = faces([3] * 40)
    drawn = {tuple(np.unique(identity[split(identity, group, 0.2, seed)[1]])) for seed in range(5)}
    assert len(drawn) == 5
    assert all(len(people) == 8 for people in drawn)


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (([],), "there are 0"),
        (([2] * 5 + [1] * 50,), "there are 5"),
        (([2] * 5, [2] * 3), "the set with most has 5"),
    ],
)
def test_too_little_to_learn_from_is_said_with_the_least_that_is_needed(sets: tuple[list[int]], said: str) -> None:
    with pytest.raises(UsageError, match=rf"6 people with two faces or more .*{said}\."):
        check_enough(*faces(*sets, unlabelled=9))


@settings(max_examples=50, deadline=None)
@given(people_of_sets, st.integers(2, 6), st.integers(2, 9), st.integers(0, 3))
def test_batches_are_as_promised(sets: list[list[int]], people: int, per_person: int, seed: int) -> None:
    identity, group = faces(*sets, unlabelled=2)
    epoch = list(batches(identity, group, people, per_person, seed))
    seen = Counter(np.concatenate([np.zeros(0, np.int64), *epoch]).tolist())
    assert all(count == 1 for count in seen.values())
    assert all(identity[face] != -1 for face in seen)
    for batch in epoch:
        counts = Counter(identity[batch].tolist())
        assert len(set(group[batch])) == 1
        assert 2 <= len(counts) <= people
        assert max(counts.values()) <= per_person
    again = list(batches(identity, group, people, per_person, seed))
    assert [batch.tolist() for batch in again] == [batch.tolist() for batch in epoch]


@settings(max_examples=50, deadline=None)
@given(people_of_sets, st.integers(2, 9), st.integers(0, 3))
def test_every_face_that_can_be_a_positive_comes_once(sets: list[list[int]], per_person: int, seed: int) -> None:
    identity, group = faces(*sets)
    seen = np.concatenate([np.zeros(0, np.int64), *batches(identity, group, 12, per_person, seed)])
    for number, sizes in enumerate(sets):
        own = identity[seen[group[seen] == number]]
        for person in np.unique(identity[group == number]):
            size = int((identity == person).sum())
            if size > 1 and len(sizes) > 1:
                assert (own == person).sum() == min(size, max(per_person, sum(sizes) - size))


def test_a_batch_is_1800_faces_where_there_are_enough() -> None:
    identity, group = faces([40] * 90)
    assert [len(batch) for batch in batches(identity, group)] == [1800, 1800]


def test_people_with_one_face_are_negatives_where_there_is_room() -> None:
    identity, group = faces([2] * 6 + [1] * 100)
    (batch,) = batches(identity, group, people=20)
    assert sorted(Counter(identity[batch].tolist()).values()) == [1] * 14 + [2] * 6
    assert not list(batches(*faces([1] * 100)))
    assert not list(batches(*faces([100])))


def test_people_with_few_faces_are_spread_where_another_has_many() -> None:
    identity, group = faces([120, 8, 8, 60, 60])
    epoch = [Counter(identity[batch].tolist()) for batch in batches(identity, group)]
    assert [counts[0] for counts in epoch] == [40, 40, 40]
    assert sorted(counts[1] for counts in epoch) == [0, 4, 4]
    assert [counts[3] for counts in epoch] == [20, 20, 20]


def test_a_person_with_most_faces_of_a_set_gives_as_many_as_all_others() -> None:
    identity, group = faces([4000, *[20] * 10])
    epoch = list(batches(identity, group))
    assert [Counter(identity[batch].tolist())[0] for batch in epoch] == [40] * 5
    assert [len(batch) for batch in epoch] == [80] * 5
    parts = [np.concatenate(list(batches(identity, group, seed=seed))) for seed in range(2)]
    assert set(parts[0]) != set(parts[1])


def test_sets_come_in_proportion_to_their_faces_and_mixed() -> None:
    identity, group = faces([10] * 90, [10] * 450)
    order = [int(group[batch[0]]) for batch in batches(identity, group, seed=3)]
    assert Counter(order) == {0: 2, 1: 10}
    assert order != sorted(order)


def test_people_meet_others_in_every_epoch() -> None:
    identity, group = faces([5] * 6)
    met = set()
    for seed in range(30):
        for batch in batches(identity, group, people=2, seed=seed):
            met |= set(combinations(sorted(set(identity[batch].tolist())), 2))
    assert len(met) == 15


def test_a_batch_needs_pairs() -> None:
    for people, per_person in ((1, 40), (45, 1)):
        with pytest.raises(UsageError, match="at least two"):
            batches(*faces([3] * 9), people, per_person)
