"""Non-maximum suppression that asks for exact scores only where hasty ones do not tell who wins.

Of candidates that overlap, the best one remains (Zhang et al., IEEE SPL 2016, section II). A network in a hurry is
wrong by no more than is known of it, so most candidates are sure to lose against a neighbour, whatever their exact
scores are, and need not be looked at again. What remains is the same as if all had been.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facecluster.faces.boxes import Bools, overlaps
from facecluster.faces.compiled import compiled
from facecluster.records import Float32, Int64

Ask = Callable[[Int64], tuple[Float32, Float32]]
"""Numbers of candidates (N,) to their exact scores (N,), 0 where they are none after all, and boxes (N, 4)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Boxes compete that share more than ``limit`` of their area: of both, or if ``nested`` of the smaller one.

    ``slack`` is by how much that share may change once boxes are exact. Of equal scores the first one wins, or
    the last one if ``last_wins``.
    """

    limit: float
    nested: bool = False
    slack: float = 0.0
    last_wins: bool = False


class Field(NamedTuple):
    """Candidates in the order of their groups and upper ends, with those from which on and up to which may meet.

    ``low`` and ``high`` are the least and the largest score of each; of equal ones the higher ``rank`` wins.
    Winners stay ``alive``; who has lost does not.
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
    """Ask for exact scores until it is clear who wins: the numbers of those that were asked, in rising order.

    ``boxes`` (N, 4), ``low`` and ``high`` (N,) between which each one's score lies, ``group`` (N,): others do not
    compete. Among those that were asked are all winners, and suppression leaves the same of them as of all.
    """
    order = np.lexsort((boxes[:, 1], group))
    field = _field(boxes[order], low[order], high[order], group[order], order, rules)
    while True:
        asked = np.zeros(len(order), bool)
        _settle(field, rules.limit, rules.slack, rules.nested, asked)
        if not asked.any():
            return np.sort(order[field.known])
        numbers = np.flatnonzero(asked)
        numbers = numbers[np.argsort(order[numbers])]
        field.low[numbers], field.boxes[numbers] = ask(order[numbers])
        field.high[numbers], field.known[numbers] = field.low[numbers], True
        field.alive[numbers] = field.low[numbers] > 0


def _field(boxes: Float32, low: Float32, high: Float32, group: Int64, order: Int64, rules: Rules) -> Field:
    start, stop = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    _reach(boxes, group, rules.slack, start, stop)
    rank = order if rules.last_wins else -order
    known, won = np.zeros(len(order), bool), np.zeros(len(order), bool)
    return Field(boxes, low, high, rank, start, stop, known, np.ones(len(order), bool), won)


@compiled
def _reach(boxes: Float32, group: Int64, slack: float, start: Int64, stop: Int64) -> None:
    """From where and up to where those lie that may overlap each one, or will once boxes are exact."""
    first = 0
    for i in range(len(boxes)):
        if i == 0 or group[i] != group[i - 1]:
            first, highest = i, np.float32(0)
            for k in range(i, len(boxes)):
                if group[k] != group[i]:
                    break
                highest = max(highest, boxes[k, 3] - boxes[k, 1] + 1)
        more = slack * highest
        start[i], stop[i] = i, i + 1
        while start[i] > first and boxes[start[i] - 1, 1] + highest + more >= boxes[i, 1]:
            start[i] -= 1
        while stop[i] < len(boxes) and group[stop[i]] == group[i] and boxes[stop[i], 1] <= boxes[i, 3] + 1 + more:
            stop[i] += 1


@compiled
def _settle(field: Field, limit: float, slack: float, nested: bool, asked: Bools) -> None:
    """Say who has won and lost, as far as that is clear, and who is to be ``asked`` next."""
    best, changed = np.argsort(-field.low), True
    while changed:
        changed = False
        for i in best:
            if field.alive[i] and field.known[i] and not field.won[i]:
                changed = _judge(field, i, limit, slack, nested) or changed
    for i in range(len(field.low)):
        if field.alive[i] and not field.known[i]:
            asked[i] = _may_win(field, i, limit, slack, nested)


@compiled
def _judge(field: Field, i: int, limit: float, slack: float, nested: bool) -> bool:
    """Whether it is clear now that one whose score is known has won, or lost; who loses against it is out."""
    for k in range(field.start[i], field.stop[i]):
        if k != i and field.alive[k] and _meet(field, i, k, limit, slack, nested):
            if field.won[k]:
                field.alive[i] = False
                return True
            if field.high[k] > field.low[i] or (field.high[k] == field.low[i] and field.rank[k] > field.rank[i]):
                return False
    field.won[i] = True
    for k in range(field.start[i], field.stop[i]):
        sure = 0.0 if field.known[k] else slack
        if k != i and field.alive[k] and overlaps(field.boxes[i], field.boxes[k], limit + sure, nested):
            field.alive[k] = False
    return True


@compiled
def _may_win(field: Field, i: int, limit: float, slack: float, nested: bool) -> bool:
    """Whether no other one that it may meet is sure to be better; those that have won are, but may not meet it."""
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
