from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from facecluster.records import Float32, Int64
from facecluster.training.judge import FARS, judge, matched
from facecluster.training.targets import unit


def people(seed: int = 0, spread: float = 0.6) -> tuple[Float32, Int64, Int64]:
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(12), 5).astype(np.int64)
    centres = rng.normal(size=(12, 8))
    vectors = unit((centres[identity] + spread * rng.normal(size=(60, 8))).astype(np.float32))
    return vectors, identity, (identity >= 6).astype(np.int64)


def slowly(vectors: Float32, identity: Int64, group: Int64) -> tuple[float, float, float]:
    """By the definitions, pair by pair, threshold by threshold."""
    told = []
    for each in sorted(set(group)):
        rows = [i for i in range(len(group)) if group[i] == each]
        pairs = [
            (float(2 - 2 * vectors[a] @ vectors[b]), identity[a] == identity[b]) for a, b in combinations(rows, 2)
        ]
        own, others = [d for d, same in pairs if same], [d for d, same in pairs if not same]

        def shares(threshold: float, own: list[float] = own, others: list[float] = others) -> tuple[float, float]:
            accepted = sum(d <= threshold for d in own) / len(own)
            return accepted, sum(d <= threshold for d in others) / len(others)

        at = [shares(d) for d, _ in pairs]
        accuracy = max((val + 1 - far) / 2 for val, far in at)
        vals = [max([val for val, far in at if far <= allowed], default=0.0) for allowed in FARS]
        told.append((accuracy, *vals))
    mean = np.mean(told, axis=0)
    return float(mean[0]), float(mean[1]), float(mean[2])


@pytest.mark.parametrize("spread", [0.2, 0.6, 1.5])
def test_figures_are_those_of_the_definitions(spread: float) -> None:
    given = people(spread=spread)
    found = judge(*given)
    assert (found.accuracy, found.val, found.val_at_hundredth) == pytest.approx(slowly(*given), abs=1e-6)
    assert (found.faces, found.people) == (60, 12)
    assert found.merit == pytest.approx(np.mean(slowly(*given)))


def test_pairs_across_sets_do_not_count() -> None:
    vectors, identity, group = people()
    vectors[group == 1] = vectors[group == 0]  # the people of one set are those of the other, under other names
    both = judge(vectors, identity, group)
    assert both.accuracy == pytest.approx(judge(vectors[:30], identity[:30], group[:30]).accuracy)


def test_a_set_with_one_person_tells_nothing() -> None:
    vectors, identity, group = people()
    more = np.concatenate([vectors, vectors[:2]])
    alone = judge(more, np.append(identity, [50, 50]), np.append(group, [7, 7]))
    assert alone.accuracy == judge(vectors, identity, group).accuracy


def test_nobody_to_tell_apart_is_refused() -> None:
    vectors, _, _ = people()
    with pytest.raises(ValueError, match="no set"):
        judge(vectors, np.zeros(60, np.int64), np.zeros(60, np.int64))


def test_a_matched_distance_takes_as_many_strangers_for_one() -> None:
    theirs, identity, group = people(0, 0.5)
    ours = people(0, 1.0)[0]
    distance = matched(theirs, ours, identity, group, 0.8)

    def share(vectors: Float32, limit: float) -> float:
        told = [
            2 - 2 * vectors[a] @ vectors[b] <= limit
            for a, b in combinations(range(60), 2)
            if identity[a] != identity[b] and group[a] == group[b]
        ]
        return float(sum(told) / len(told))

    assert share(ours, distance) == pytest.approx(share(theirs, 0.8), abs=0.005)
    assert matched(theirs, theirs, identity, group, 0.8) == pytest.approx(0.8, abs=0.02)
