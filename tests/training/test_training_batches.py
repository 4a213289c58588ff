from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from facecluster.records import Int64
from facecluster.training.batches import Batch, batches

IDENTITY = np.repeat(np.arange(10), 6).astype(np.int64)
IDENTITY = np.concatenate([IDENTITY, np.full(20, -1)])
GROUP = np.repeat([0, 1, 2], [30, 30, 20]).astype(np.int64)
ROWS = np.flatnonzero(np.arange(80) % 6 != 5)  # some are set aside


def taken(count: int, first: int = 0, seed: int = 0, people: int = 3, others: int = 7) -> list[Batch]:
    return list(islice(batches(ROWS, IDENTITY, GROUP, people, 4, others, seed, first), count))


def test_batches_hold_labelled_faces_of_one_set_first_then_others() -> None:
    for rows, labelled in taken(40):
        assert np.isin(rows, ROWS).all()
        assert (IDENTITY[rows[:labelled]] >= 0).all()
        assert len(set(GROUP[rows[:labelled]])) == 1
        assert labelled <= 12
        assert len(rows) == labelled + 7


def test_others_come_once_before_any_comes_again() -> None:
    beside = np.concatenate([rows[labelled:] for rows, labelled in taken(30)])
    for start in range(0, len(beside) - len(ROWS) + 1, len(ROWS)):
        assert sorted(beside[start : start + len(ROWS)]) == ROWS.tolist()


def test_every_labelled_face_comes_in_an_epoch() -> None:
    seen = np.concatenate([rows[:labelled] for rows, labelled in taken(40)])
    assert set(seen) == set(ROWS[IDENTITY[ROWS] >= 0])


def same(one: list[Batch], other: list[Batch]) -> bool:
    return all(
        (a.rows.tolist(), a.labelled) == (b.rows.tolist(), b.labelled) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("first", [1, 5, 23])
def test_a_resumed_training_gets_the_same_batches(first: int) -> None:
    assert same(taken(30)[first:], taken(30 - first, first))


def test_another_seed_deals_otherwise() -> None:
    assert not same(taken(10), taken(10, seed=1))


def test_without_people_there_are_others_alone() -> None:
    assert all(labelled == 0 and len(rows) == 7 for rows, labelled in taken(5, people=0))


def test_without_others_there_are_labelled_faces_alone() -> None:
    assert all(labelled == len(rows) > 0 for rows, labelled in taken(5, others=0))


def test_nobody_with_a_label_leaves_the_others() -> None:
    nobody: Int64 = np.full(80, -1)
    found = list(islice(batches(ROWS, nobody, GROUP, 3, 4, 7, 0), 3))
    assert all(labelled == 0 and len(rows) == 7 for rows, labelled in found)
