"""Suppression that knows few scores exactly leaves what suppression leaves that knows all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facecluster.faces import boxes as geometry
from facecluster.faces.contest import ROUNDS, Rules, contest
from facecluster.records import Float32, Int64

RULES = {
    "union": Rules(0.3),
    "nested": Rules(0.7, nested=True, slack=0.05),
    "moving": Rules(0.5, slack=0.1),
}


class Exact:
    """Answers from exact scores and boxes, and remembers who was asked about, round by round."""

    def __init__(self, scores: Float32, boxes: Float32) -> None:
        self.scores, self.boxes, self.rounds = scores, boxes, list[list[int]]()

    def __call__(self, numbers: Int64) -> tuple[Float32, Float32]:
        self.rounds.append(sorted(numbers.tolist()))
        return self.scores[numbers], self.boxes[numbers]


def floats(*numbers: float) -> Float32:
    return np.array(numbers, np.float32)


def crowd(seed: int, people: int = 12, each: int = 8) -> tuple[Float32, Float32, Int64]:
    """Some boxes around each of some people of three photos, with scores of which some are equal."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, people, people * each)
    place, side = rng.uniform(0, 150, (people, 2))[who], rng.uniform(20, 50, people)[who]
    corner = place + rng.normal(0, 4, place.shape)
    boxes = np.concatenate([corner, corner + (side * rng.uniform(0.9, 1.1, len(who)))[:, None]], 1)
    scores = np.round(rng.uniform(0.01, 1, len(who)), 2)
    return boxes.astype(np.float32), scores.astype(np.float32), rng.integers(0, 3, people)[who]


def suppressed(boxes: Float32, scores: Float32, group: Int64, rules: Rules) -> list[int]:
    there = np.flatnonzero(scores > 0)
    suppress = geometry.suppress_nested if rules.nested else geometry.suppress
    return sorted(there[suppress(boxes[there], scores[there], group[there], rules.limit)].tolist())


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("error", [0.0, 0.02, 0.2, math.inf])
def test_the_same_boxes_remain_as_if_all_scores_were_known(seed: int, name: str, error: float) -> None:
    boxes, looked, group = crowd(seed)
    scores = np.where(looked < 0.2, 0, looked).astype(np.float32)  # none after all, whatever they looked like
    rules, rng = RULES[name], np.random.default_rng(seed)
    hasty = (boxes + (rng.uniform(-0.3, 0.3, boxes.shape) if rules.slack else 0)).astype(np.float32)
    guess = looked + rng.uniform(-1, 1, len(looked)) * min(error, 1) * 0.99
    bounds = (guess - error).astype(np.float32), (guess + error).astype(np.float32)
    exact = Exact(scores, boxes)
    kept = contest(hasty, *bounds, group, rules, exact)
    assert sorted(kept.tolist()) == suppressed(boxes, scores, group, rules)
    assert (np.diff(scores[kept]) <= 0).all()
    asked = [number for some in exact.rounds for number in some]
    assert len(asked) == len(set(asked))
    assert set(asked) >= set(kept.tolist())
    assert error > 0 or len(asked) < len(scores)
    assert error < math.inf or len(asked) == len(scores)


def test_who_is_sure_to_lose_is_not_asked_about() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11], [50, 0, 60, 10]], np.float32)
    scores, group = floats(0.5, 0.9, 0.85, 0.2), np.zeros(4, np.int64)
    for error, expected in ((0.01, [1, 3]), (0.03, [1, 2, 3]), (0.3, [0, 1, 2, 3])):
        exact = Exact(scores, boxes)
        bounds = scores - np.float32(error), scores + np.float32(error)
        assert contest(boxes, *bounds, group, Rules(0.5), exact).tolist() == [1, 3]
        assert exact.rounds == [expected]


def test_where_the_best_turns_out_to_be_none_the_next_one_is_asked_about() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11]], np.float32)
    exact, group = Exact(floats(0, 0.5, 0.4), boxes), np.zeros(3, np.int64)
    kept = contest(boxes, floats(0.7, 0.45, 0.3), floats(0.8, 0.6, 0.42), group, Rules(0.5), exact)
    assert kept.tolist() == [1]
    assert exact.rounds == [[0], [1]]


def test_who_overlaps_a_rival_only_before_it_moves_is_no_loser() -> None:
    """Row 1 overlaps row 3 only once it has moved, and who wins of the others is clear later than that."""
    boxes = np.array([[-20, 0, 80, 100], [0, 0, 100, 100], [30, 0, 130, 100], [45, 0, 145, 100]], np.float32)
    hasty = boxes.copy()
    hasty[1] -= floats(4, 0, 4, 0)
    exact, group = Exact(floats(0, 0.9, 0.75, 0.6), boxes), np.zeros(4, np.int64)
    bounds = floats(0.97, 0.8, 0.7, 0.5), floats(0.99, 0.95, 0.9, 0.65)
    assert contest(hasty, *bounds, group, Rules(0.5, slack=0.1), exact).tolist() == [1, 3]


def test_the_last_of_a_row_is_asked_about_when_all_before_it_are_settled() -> None:
    """Each overlaps the next: the best wins, so the second loses, the third wins, the fourth loses, and so on."""
    x = floats(30, 20, 10, 0, 40)
    boxes = np.stack([x, 0 * x, x + 16, 0 * x + 10], 1)
    exact, group = Exact(floats(0.6, 0.7, 0.8, 0.9, 0.3), boxes), np.zeros(5, np.int64)
    bounds = floats(0.5, 0.5, 0.5, 0.5, 0.29), floats(1, 1, 1, 1, 0.31)
    assert contest(boxes, *bounds, group, Rules(0.2), exact).tolist() == [3, 1, 4]
    assert exact.rounds == [[0, 1, 2, 3], [4]]


def test_equal_scores_in_a_row_are_settled_at_once_and_rounds_have_an_end() -> None:
    """Each box overlaps the next one only. Then, each looks better than the next, and is none."""
    x = np.arange(400, dtype=np.float32) * 4
    boxes = np.stack([x, 0 * x, x + 10, 0 * x + 10], 1)
    group, ones = np.zeros(len(x), np.int64), np.ones(len(x), np.float32)
    equal = Exact(ones, boxes)
    assert contest(boxes, 0 * ones, ones, group, Rules(0.3), equal).tolist() == list(range(0, 400, 2))
    assert len(equal.rounds) == 1
    falling, none = (1 - x / 4000).astype(np.float32), Exact(0 * ones, boxes)
    assert contest(boxes, falling, falling, group, Rules(0.3), none).tolist() == []
    assert len(none.rounds) == ROUNDS + 1
    assert sum(map(len, none.rounds)) == 400


def test_nobody_asks_about_nothing() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    exact = Exact(nothing[1], nothing[0])
    assert contest(*nothing, Rules(0.5), exact).tolist() == exact.rounds == []
