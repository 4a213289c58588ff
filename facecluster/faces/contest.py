"""Non-maximum suppression that asks for exact scores only where hasty ones do not tell who wins.

Of candidates that overlap, the best one remains (Zhang et al., IEEE SPL 2016, section II). A network in a hurry is
wrong by no more than is known of it, so most candidates are sure to lose against a neighbour, whatever their exact
scores are, and need not be looked at again. What remains is the same as if all had been.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np

from facecluster.faces.boxes import Bools, overlaps, suppress, suppress_nested
from facecluster.faces.compiled import compiled
from facecluster.records import Float32, Int64

Ask = Callable[[Int64], tuple[Float32, Float32]]
"""Numbers of candidates (N,), group after group, to their exact scores (N,) and boxes (N, 4).

A score is 0 where a candidate is none after all.
"""

ROUNDS = 8
"""So often it is asked about those alone who may win, before all that are left are asked about."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Boxes compete that share more than ``limit`` of their area: of both, or if ``nested`` of the smaller one.

    ``slack`` is by how much that share may change once boxes are exact. Of equal scores the first one wins, or if
    ``nested`` the last one, as in the original.
    """

    limit: float
    nested: bool = False
    slack: float = 0.0


class Field(NamedTuple):
    """Candidates in the order of their groups and upper ends.

    ``start`` and ``stop`` bound those that each may meet. ``low`` and ``high`` are the least and the largest score
    of each; of equal ones the higher ``rank`` wins. Winners stay ``alive``; who has lost does not.
    """

    boxes: Float32
    low: Float32
    high: Float32
    rank: Int64
    start: Int64
    stop: Int64
    known: Bools
    alive: Bools
    won: Bools


def contest(boxes: Float32, low: Float32, high: Float32, group: Int64, rules: Rules, ask: Ask) -> Int64:
    """The numbers of those candidates that suppression leaves, best first; exact scores are asked for as needed.

    ``boxes`` (N, 4); ``low`` and ``high`` (N,), between which the score of each lies if it is not 0; ``group``
    (N,), whose members alone compete. All winners are asked about, and whom only an exact score excludes.
    """
    order = np.lexsort((boxes[:, 1], group))
    field = _field(boxes[order], low[order], high[order], group[order], order, rules)
    for turn in count():
        asked = np.zeros(len(order), bool)
        best = np.lexsort((field.rank, field.low))[::-1].copy()
        _settle(field, best, rules.limit, rules.slack, rules.nested, asked)
        if not asked.any():
            break
        if turn == ROUNDS:
            asked = field.alive & ~field.known
        field.low[asked], field.boxes[asked] = ask(order[asked])
        field.high[asked], field.known[asked] = field.low[asked], True
        field.alive[asked] = field.low[asked] > 0
    there = np.flatnonzero(field.known & (field.low > 0))
    there = there[np.argsort(order[there])]
    leave = suppress_nested if rules.nested else suppress
    return order[there[leave(field.boxes[there], field.low[there], group[order[there]], rules.limit)]]


def _field(boxes: Float32, low: Float32, high: Float32, group: Int64, order: Int64, rules: Rules) -> Field:
    start, stop = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    _reach(boxes, group, start, stop)
    known, won = np.zeros(len(order), bool), np.zeros(len(order), bool)
    rank = order if rules.nested else -order
    return Field(boxes, low, high, rank, start, stop, known, np.ones(len(order), bool), won)


@compiled
def _reach(boxes: Float32, group: Int64, start: Int64, stop: Int64) -> None:
    """From where and up to where those lie in the order that may overlap each one."""
    first = 0
    for i in range(len(boxes)):
        if i == 0 or group[i] != group[i - 1]:
            first, highest = i, np.float32(0)
            for k in range(i, len(boxes)):
                if group[k] != group[i]:
                    break
                highest = max(highest, boxes[k, 3] - boxes[k, 1] + 1)
        start[i], stop[i] = i, i + 1
        while start[i] > first and boxes[start[i] - 1, 1] + highest >= boxes[i, 1]:
            start[i] -= 1
        while stop[i] < len(boxes) and group[stop[i]] == group[i] and boxes[stop[i], 1] <= boxes[i, 3] + 1:
            stop[i] += 1


@compiled
def _settle(field: Field, best: Int64, limit: float, slack: float, nested: bool, asked: Bools) -> None:
    """Say who has won and lost, as far as that is clear, and who is to be ``asked`` about next.

    ``best`` are all numbers, those with the largest lower bounds first: whoever may exclude a rival of somebody is
    better than both, so once is enough.
    """
    for i in best:
        if field.alive[i] and field.known[i] and not field.won[i]:
            _judge(field, i, limit, slack, nested)
    for i in range(len(field.low)):
        if field.alive[i] and not field.known[i]:
            asked[i] = _may_win(field, i, limit, slack, nested)


@compiled
def _judge(field: Field, i: int, limit: float, slack: float, nested: bool) -> None:
    """Say whether one whose score is known has won or lost, if that is clear; who loses against it is out."""
    for k in range(field.start[i], field.stop[i]):
        if k != i and field.alive[k] and _meet(field, i, k, limit, slack, nested):
            if field.won[k]:
                field.alive[i] = False
                return
            if field.high[k] > field.low[i] or (field.high[k] == field.low[i] and field.rank[k] > field.rank[i]):
                return
    field.won[i] = True
    for k in range(field.start[i], field.stop[i]):
        sure = 0.0 if field.known[k] else slack
        if k != i and field.alive[k] and overlaps(field.boxes[i], field.boxes[k], limit + sure, nested):
            field.alive[k] = False


@compiled
def _may_win(field: Field, i: int, limit: float, slack: float, nested: bool) -> bool:
    """Whether nobody whom it may meet is sure to be better: of those that have won, who is alive may be missed."""
    for k in range(field.start[i], field.stop[i]):
        better = field.low[k] > field.high[i] and field.alive[k] and not field.won[k]
        if better and k != i and _meet(field, i, k, limit, slack, nested):
            return False
    return True


@compiled
def _meet(field: Field, i: int, k: int, limit: float, slack: float, nested: bool) -> bool:
    """Whether two may compete."""
    if not (field.known[i] and field.known[k]):
        limit -= slack
    return overlaps(field.boxes[i], field.boxes[k], limit, nested)
