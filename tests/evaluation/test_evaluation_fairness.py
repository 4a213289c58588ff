"""Errors by group, against counting."""

from __future__ import annotations

import numpy as np
import pytest

from facecluster.evaluation import column_of, pair_groups, year_gaps


def test_errors_are_counted_within_each_group() -> None:
    random = np.random.default_rng(0)
    same, accepted = random.random(900) < 0.5, random.random(900) < 0.4
    groups = random.choice(["female", "male", "other", ""], 900)
    column = column_of("sex", accepted, same, groups)
    assert [one.group for one in column.groups] == ["female", "male", "other"]
    rates = {}
    for one in column.groups:
        inside = [(a, s) for a, s, g in zip(accepted, same, groups, strict=True) if g == one.group]
        strangers, own = [a for a, s in inside if not s], [a for a, s in inside if s]
        assert (one.same, one.different) == (len(own), len(strangers))
        assert one.far == pytest.approx(sum(strangers) / len(strangers))
        assert one.frr == pytest.approx(1 - sum(own) / len(own))
        rates[one.group] = one.far, one.frr
    far, frr = zip(*rates.values(), strict=True)
    assert (column.far_ratio, column.frr_ratio) == pytest.approx((max(far) / min(far), max(frr) / min(frr)))


def test_a_group_without_pairs_of_a_kind_has_no_share() -> None:
    column = column_of("x", np.array([True, False]), np.array([False, True]), np.array(["a", "b"]))
    a, b = column.groups
    assert (a.same, a.different, a.far, a.frr) == (0, 1, 1.0, None)
    assert (b.same, b.different, b.far, b.frr) == (1, 0, None, 1.0)
    assert (column.far_ratio, column.frr_ratio) == (None, None)
    assert column_of("x", *(np.zeros(0, bool),) * 2, np.zeros(0, "U1")).groups == ()


@pytest.mark.parametrize(("count", "ratio"), [(29, None), (30, 2.0)])
def test_few_pairs_do_not_count_for_the_ratio(count: int, ratio: float | None) -> None:
    groups = np.array(["large"] * 40 + ["small"] * count)
    wrong = np.concatenate((np.arange(40) < 4, np.arange(count) < count // 5))
    column = column_of("x", wrong, np.zeros(40 + count, bool), groups)
    assert column.far_ratio == ratio
    assert column.frr_ratio is None


def test_no_error_at_all_has_no_ratio() -> None:
    groups = np.repeat(["a", "b"], 40)
    assert column_of("x", np.arange(80) < 40, np.zeros(80, bool), groups).far_ratio is None
    assert column_of("x", np.zeros(80, bool), np.zeros(80, bool), groups).far_ratio is None


def test_a_pair_is_in_a_group_when_both_faces_are() -> None:
    labels = np.array(["f", "m", "f", ""])
    first, second = np.array([0, 0, 3, 3, 1]), np.array([2, 1, 3, 0, 1])
    assert pair_groups(labels, first, second).tolist() == ["f", "", "", "", "m"]


def test_years_between_photos_fall_into_bands() -> None:
    years = np.array([2000.9, 2000.0, 2001.0, 2002.99, 2003, 2005, 2006, 2010, 2011, 2020, 2021, np.nan])
    gaps = year_gaps(years, np.arange(12), np.ones(12, np.int64))
    assert gaps.tolist() == [
        *("same year", "same year", "1–2", "1–2", "3–5", "3–5", "6–10", "6–10", "11–20", "11–20", "over 20", "")
    ]
    assert year_gaps(years, np.ones(12, np.int64), np.arange(12)).tolist() == gaps.tolist()


def test_groups_come_in_their_order() -> None:
    groups = np.array(["over 20", "1–2", "z", "same year", "a"])
    column = column_of("gap", np.ones(5, bool), np.ones(5, bool), groups, ("same year", "1–2", "over 20"))
    assert [one.group for one in column.groups] == ["same year", "1–2", "over 20", "a", "z"]
