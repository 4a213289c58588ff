"""Is a model as right about everybody? Errors at one threshold, for pairs within each group of people.

One threshold is what a program has, so groups are compared at a common one, as in NIST's vendor tests (Grother et
al., NISTIR 8280, 2019): a group in which strangers are taken for each other more often has the higher FAR, one
whose people are not recognised the higher FRR.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32, Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Text = NDArray[np.str_]

LEAST = 30
"""Pairs of a kind without which a group's share is told, but does not count for the ratio: too few to tell."""

GAPS = ((0, "same year"), (2, "1–2"), (5, "3–5"), (10, "6–10"), (20, "11–20"))
"""Years between two photos, up to and with the number; what is beyond is ``OVER``."""

OVER = "over 20"


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Pairs within a ``group``: ``same`` of one person, ``different`` of two, and the share of errors among them.

    ``far`` is the share of ``different`` that was accepted, ``frr`` that of ``same`` which was not; None where
    there is no such pair.
    """

    group: str
    same: int
    different: int
    far: float | None
    frr: float | None


@dataclass(frozen=True, slots=True)
class Column:
    """The groups of one label, and how many times the least error the greatest is.

    A ratio is None where it says nothing: fewer than two groups have ``LEAST`` pairs of that kind, or the best
    makes no error at all.
    """

    name: str
    groups: tuple[GroupRates, ...]
    far_ratio: float | None
    frr_ratio: float | None


def column_of(name: str, accepted: Bool, same: Bool, groups: Text, order: tuple[str, ...] = ()) -> Column:
    """The errors of P pairs by group.

    ``accepted`` (P,) bool is the verdict, ``same`` (P,) bool the truth, ``groups`` (P,) str the group that both
    faces of the pair are in, empty where there is none. Groups are in the given ``order``, others by name.
    """
    place = {group: i for i, group in enumerate(order)}
    names = sorted(set(groups.tolist()) - {""}, key=lambda group: (place.get(group, len(place)), group))
    rates = tuple(_rates(group, accepted[groups == group], same[groups == group]) for group in names)
    far = [one.far for one in rates if one.far is not None and one.different >= LEAST]
    frr = [one.frr for one in rates if one.frr is not None and one.same >= LEAST]
    return Column(name, rates, _ratio(far), _ratio(frr))


def pair_groups(labels: Text, first: Int64, second: Int64) -> Text:
    """The group (P,) of pairs of faces whose ``labels`` (N,) are equal; empty for others, and for unknown ones."""
    one, other = labels[first], labels[second]
    return np.where(one == other, one, "")


def year_gaps(years: Float64 | Float32, first: Int64, second: Int64) -> Text:
    """How many years lie between the two photos of each pair, as a group of ``GAPS`` (P,).

    ``years`` is (N,) float; nan is unknown, and a pair with one is in no group. Parts of a year do not count:
    2015.1 and 2014.9 are a year apart, 2015.1 and 2015.9 none.
    """
    gap = np.abs(np.floor(years[first]) - np.floor(years[second]))
    names = np.array([*(name for _, name in GAPS), OVER])
    place = np.searchsorted(np.array([most for most, _ in GAPS]), np.nan_to_num(gap))
    return np.where(np.isnan(gap), "", names[place])


def _rates(group: str, accepted: Bool, same: Bool) -> GroupRates:
    own, others = int(same.sum()), int((~same).sum())
    far = float(accepted[~same].mean()) if others else None
    frr = float((~accepted[same]).mean()) if own else None
    return GroupRates(group, own, others, far, frr)


def _ratio(shares: list[float]) -> float | None:
    return max(shares) / min(shares) if len(shares) > 1 and min(shares) > 0 else None
