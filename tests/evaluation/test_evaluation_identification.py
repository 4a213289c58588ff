"""Rank-1 rates: against a nearest neighbour by loops, and on faces whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from facecluster.evaluation import IdentifyOptions, identification, identify
from facecluster.records import Float32, Int64


def faces(people: int, each: int, spread: float, seed: int = 0) -> tuple[Float32, Int64]:
    random = np.random.default_rng(seed)
    vectors = np.repeat(random.normal(size=(people, 8)), each, axis=0)
    vectors += spread * random.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.repeat(np.arange(people), each) * 7 + 3


def test_the_nearest_known_face_names_the_person() -> None:
    vectors, labels = faces(6, 10, 0.8)
    rates = []
    for known, asked in StratifiedKFold(5, shuffle=True, random_state=0).split(vectors, labels):
        right = 0
        for i in asked:
            nearest = min(known, key=lambda j: float(((vectors[i] - vectors[j]) ** 2).sum()))
            right += labels[nearest] == labels[i]
        rates.append(right / len(asked))
    found = identify(vectors, labels)
    assert found is not None
    assert 0.5 < found.nearest.mean < 0.99
    assert found.nearest.mean == pytest.approx(np.mean(rates))
    assert found.nearest.error == pytest.approx(np.std(rates, ddof=1) / 5**0.5)
    assert (found.folds, found.people, found.faces, found.alone) == (5, 6, 60, 0)


def test_far_apart_people_are_told_apart_by_both() -> None:
    vectors, labels = faces(5, 4, 0.02)
    found = identify(vectors, labels, IdentifyOptions(neighbours=3))
    assert found is not None
    assert found.machine is not None
    assert found.nearest.mean == found.machine.mean == 1.0
    assert found.folds == 4, "no more folds than the largest person has faces"


def test_the_machine_sees_what_single_neighbours_do_not() -> None:
    """Two people differ in the first axis only; the others are noise, in which the nearest face is anybody's."""
    random = np.random.default_rng(4)
    labels = np.tile([0, 1], 100)
    vectors = random.normal(size=(200, 30))
    vectors[:, 0] = 2.5 * labels
    found = identify(vectors.astype(np.float32), labels, IdentifyOptions(penalty=0.1))
    assert found is not None
    assert found.machine is not None
    assert found.machine.mean > found.nearest.mean + 0.05


def test_people_with_one_face_take_no_part_and_two_faces_are_enough() -> None:
    vectors, labels = faces(4, 2, 0.02)
    labels[0] = 99
    found = identify(vectors, labels)
    assert found is not None
    assert (found.people, found.alone, found.faces, found.folds) == (3, 2, 6, 2)
    assert found.nearest.mean == 1.0


@pytest.mark.parametrize("labels", [[], [1], [1, 2, 3], [1, 1, 1, 2]])
def test_fewer_than_two_people_with_two_faces_cannot_be_measured(labels: list[int]) -> None:
    assert identify(np.zeros((len(labels), 4), np.float32), np.array(labels, np.int64)) is None


def test_very_many_people_are_left_to_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identification, "MOST", 99)
    found = identify(*faces(5, 4, 0.02))
    assert found is not None
    assert (found.nearest.mean, found.machine) == (1.0, None)
    fewer = identify(*faces(4, 4, 0.02))
    assert fewer is not None
    assert fewer.machine is not None
