"""Suppression that knows few scores exactly leaves what suppression leaves that knows all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facecluster.faces import boxes as geometry
from facecluster.faces.contest import Rules, contest
from facecluster.records import Float32, Int64

RULES = {
    "union": Rules(0.3),
    "nested": Rules(0.7, nested=True, slack=0.05, last_wins=True),
    "moving": Rules(0.5, slack=0.1),
}


def crowd(seed: int, people: int = 12, each: int = 8) -> tuple[Float32, Float32, Int64]:
    """Some boxes around each of some people of three photos, with scores of which some are equal, some 0."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, people, people * each)
    place, side = rng.uniform(0, 150, (people, 2))[who], rng.uniform(20, 50, people)[who]
    corner = place + rng.normal(0, 4, place.shape)
    boxes = np.concatenate([corner, corner + (side * rng.uniform(0.9, 1.1, len(who)))[:, None]], 1)
    scores = np.round(rng.uniform(0, 1, len(who)), 2)
    return boxes.astype(np.float32), scores.astype(np.float32), rng.integers(0, 3, people)[who]


def suppressed(boxes: Float32, scores: Float32, group: Int64, rules: Rules) -> list[int]:
    there = np.flatnonzero(scores > 0)
    suppress = geometry.suppress_nested if rules.nested else geometry.suppress
    return sorted(there[suppress(boxes[there], scores[there], group[there], rules.limit)].tolist())


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("error", [0.0, 0.02, 0.2, math.inf])
def test_the_same_boxes_remain_as_if_all_scores_were_known(seed: int, name: str, error: float) -> None:
    exact, scores, group = crowd(seed)
    rules, rng = RULES[name], np.random.default_rng(seed)
    moved = rng.uniform(-0.3, 0.3, exact.shape) if rules.slack else 0
    hasty = (exact + moved).astype(np.float32)
    guess = scores + rng.uniform(-1, 1, len(scores)).astype(np.float32) * min(error, 1) * np.float32(0.99)
    asked: list[int] = []

    def ask(numbers: Int64) -> tuple[Float32, Float32]:
        asked.extend(numbers.tolist())
        return scores[numbers], exact[numbers]

    known = contest(
        hasty, (guess - error).astype(np.float32), (guess + error).astype(np.float32), group, rules, ask
    )
    assert known.tolist() == sorted(asked) == sorted(set(asked))
    left = suppressed(exact[known], scores[known], group[known], rules)
    assert known[left].tolist() == suppressed(exact, scores, group, rules)
    if error == math.inf:
        assert len(asked) == len(scores)
    if error == 0:
        assert len(asked) < len(scores)


def test_who_is_sure_to_lose_is_not_asked() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11], [50, 0, 60, 10]], np.float32)
    guess = np.array([0.5, 0.9, 0.85, 0.2], np.float32)
    for error, expected in ((0.01, [1, 3]), (0.03, [1, 2, 3]), (0.3, [0, 1, 2, 3])):
        known = contest(
            boxes,
            guess - np.float32(error),
            guess + np.float32(error),
            np.zeros(4, np.int64),
            Rules(0.5),
            lambda numbers: (guess[numbers], boxes[numbers]),
        )
        assert known.tolist() == expected


def test_where_the_best_turns_out_to_be_none_the_next_one_is_asked() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11]], np.float32)
    exact = np.array([0, 0.5, 0.4], np.float32)
    rounds: list[list[int]] = []

    def ask(numbers: Int64) -> tuple[Float32, Float32]:
        rounds.append(numbers.tolist())
        return exact[numbers], boxes[numbers]

    low, high = np.array([0.7, 0.45, 0.3], np.float32), np.array([0.8, 0.6, 0.42], np.float32)
    assert contest(boxes, low, high, np.zeros(3, np.int64), Rules(0.5), ask).tolist() == [0, 1]
    assert rounds == [[0], [1]]


def test_nobody_asks_about_nothing() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)

    def ask(numbers: Int64) -> tuple[Float32, Float32]:
        raise AssertionError(numbers)

    assert contest(*nothing, Rules(0.5), ask).tolist() == []
