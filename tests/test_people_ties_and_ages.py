"""Faces tied by the user, children's faces, and that clustering again changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from facecluster.people import ClusterOptions, Constraints, Grouping, Held, cluster
from facecluster.people.ages import ADULT, NEAR, NEAR_AT_LEAST, Ages
from facecluster.people.ties import bind, tied
from facecluster.records import Float32, Int64

OPTIONS = ClusterOptions(min_size=2, join_distance=0.5)


def at(*degrees: float) -> Float32:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def pairs(*numbers: tuple[int, int]) -> Int64:
    return np.array(numbers, np.int64).reshape(-1, 2)


def constraints(n: int, together: Int64 | None = None, apart: Int64 | None = None) -> Constraints:
    none = pairs()
    return Constraints(
        np.arange(n), np.ones(n, bool), none if together is None else together, none if apart is None else apart
    )


def again(vectors: Float32, known: Constraints, first: Grouping, options: ClusterOptions = OPTIONS) -> Grouping:
    return cluster(vectors, known, options, Held(first.labels, pairs()))


def chain(steps: int) -> list[float]:
    """Three faces, and faces each of which is just within reach once those before it have joined."""
    angles = np.zeros(3)
    for _ in range(steps):
        tried = np.arange(angles[-1], 180, 0.01)
        apart = (2 - 2 * np.cos(np.radians(tried[:, None] - angles))).mean(axis=1)
        angles = np.append(angles, tried[apart < 0.5].max() - 0.1)
    return [float(angle) for angle in angles]


def test_who_joins_lets_others_join_until_nothing_changes() -> None:
    vectors = at(*chain(6))
    known = Constraints(np.arange(9), np.array([True] * 3 + [False] * 6))
    first = cluster(vectors, known, OPTIONS)
    assert first.labels.tolist() == [0] * 9
    assert again(vectors, known, first).labels.tolist() == [0] * 9


@pytest.mark.parametrize(
    ("seed", "dimensions", "photos", "join_distance"),
    [
        *((seed, 16, 40, 0.9) for seed in (0, 9, 21, 39)),
        *((seed, 8, 30, 0.5) for seed in (0, 13, 38, 41)),
    ],
)
def test_clustering_again_changes_nothing(seed: int, dimensions: int, photos: int, join_distance: float) -> None:
    """All but the first of each kind form people only after others have joined."""
    rng = np.random.default_rng(seed)
    n, many = (150, 25) if dimensions == 16 else (200, 20)
    people = rng.normal(size=(many, dimensions))
    who = rng.integers(0, many, n)
    vectors = people[who] + rng.normal(size=(n, dimensions)) * rng.uniform(0.3, 1.5, (n, 1))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    known = Constraints(rng.integers(0, photos, n), rng.random(n) < 0.8)
    options = ClusterOptions(min_size=3, join_distance=join_distance)
    first = cluster(vectors, known, options)
    assert (first.labels >= 0).any()
    assert again(vectors, known, first, options).labels.tolist() == first.labels.tolist()


def test_ties_are_components() -> None:
    sets = tied(9, pairs((1, 3), (3, 7), (5, 6)))
    assert [faces.tolist() for faces in sets] == [[1, 3, 7], [5, 6]]
    assert tied(4, pairs()) == []


def test_bound_faces_go_where_most_of_them_are() -> None:
    none = csr_matrix((6, 6), dtype=np.float32)
    free = np.zeros(6, bool)
    ties = [np.array([0, 1, 2])]
    assert bind(np.array([4, 4, 1, 1, -1, 0]), ties, free, none).tolist() == [4, 4, 4, 1, -1, 0]
    fixed = np.array([False, False, True, False, False, False])
    assert bind(np.array([4, 4, 1, 1, -1, 0]), ties, fixed, none).tolist() == [1, 1, 1, 1, -1, 0]
    assert bind(np.array([-1, -1, -1, 1, -1, 0]), ties, free, none).tolist() == [-1, -1, -1, 1, -1, 0]
    assert bind(np.array([-1, -1, -1, 1, -1, 0]), ties, free, none, new=True).tolist() == [2, 2, 2, 1, -1, 0]


def test_a_bound_face_drives_out_whoever_conflicts_with_it() -> None:
    rivals = csr_matrix((np.ones(2), ([0, 2], [2, 0])), shape=(4, 4))
    labels, ties = np.array([-1, 0, 0, 0]), [np.array([0, 1])]
    assert bind(labels, ties, np.zeros(4, bool), rivals).tolist() == [0, 0, -1, 0]
    assert bind(labels, ties, np.array([False, True, True, True]), rivals).tolist() == [0, 0, 0, 0]


def test_tied_faces_are_one_person_however_far_apart() -> None:
    vectors = at(0, 1, 2, 180, 181, 90)
    assert cluster(vectors, constraints(6), OPTIONS).labels.tolist() == [0, 0, 0, 1, 1, -1]
    assert cluster(vectors, constraints(6, pairs((5, 0))), OPTIONS).labels.tolist() == [0, 0, 0, 1, 1, 0]
    lonely = at(0, 120)
    assert cluster(lonely, constraints(2), OPTIONS).labels.tolist() == [-1, -1]
    assert cluster(lonely, constraints(2, pairs((0, 1))), OPTIONS).labels.tolist() == [0, 0]


def test_a_face_joins_the_person_that_it_is_tied_to() -> None:
    held = Held(np.array([0, 0, 1, 1, -1, -1]), pairs())
    vectors = at(0, 1, 90, 91, 180, 300)
    free = cluster(vectors, constraints(6), OPTIONS, held)
    assert free.labels.tolist() == [0, 0, 1, 1, -1, -1]
    bound = cluster(vectors, constraints(6, pairs((4, 2))), OPTIONS, held)
    assert bound.labels.tolist() == [1, 1, 0, 0, 0, -1]


def test_faces_told_apart_are_never_one_person() -> None:
    vectors = at(0, 1, 2, 3)
    labels = cluster(vectors, constraints(4, apart=pairs((0, 3))), OPTIONS).labels
    assert labels[0] != labels[3]
    assert (labels == 0).sum() == 3


def test_a_tie_beats_the_photo_rule() -> None:
    vectors = at(0, 1, 30)
    photo, may = np.array([0, 1, 1]), np.ones(3, bool)
    assert cluster(vectors, Constraints(photo, may), OPTIONS).labels.tolist() == [0, 0, -1]
    assert cluster(vectors, Constraints(photo, may, pairs((1, 2))), OPTIONS).labels.tolist() == [0, 0, 0]


def slow_distance(ages: Ages, vectors: Float32, labels: Int64, row: int, birth: float, label: int) -> float | None:
    """What ``Ages.correct`` should write, face by face; None: nothing."""
    age = ages.taken[row] - birth
    members = [i for i in range(len(labels)) if labels[i] == label]
    if np.isnan(age) or all(np.isnan(ages.taken[i]) for i in members):
        return None
    grown = [i for i in members if np.isnan(ages.taken[i]) or ages.taken[i] - birth >= ADULT]
    near = [i for i in members if abs(ages.taken[i] - ages.taken[row]) <= max(NEAR_AT_LEAST, NEAR * age)]
    counted = grown if age >= ADULT and grown else near
    return float(np.mean([np.square(vectors[row] - vectors[i]).sum() for i in counted])) if counted else np.inf


@pytest.mark.parametrize("seed", range(5))
def test_ages_against_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(60, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = rng.integers(-1, 3, 60)
    taken = np.where(rng.random(60) < 0.2, np.nan, rng.uniform(2000, 2030, 60))
    births = {0: 1999.5, 2: 2005.0}
    anchors = tuple((int(np.flatnonzero(labels == label)[0]), year) for label, year in births.items())
    ages, rows = Ages(taken, anchors), np.flatnonzero(labels == -1)
    apart = np.full((len(rows), 3), 7, np.float32)
    ages.correct(apart, vectors, labels, rows)
    for i, row in enumerate(rows.tolist()):
        for label in range(3):
            slow = slow_distance(ages, vectors, labels, row, births[label], label) if label in births else None
            assert apart[i, label] == pytest.approx(7 if slow is None else slow, abs=1e-5)


def test_a_childs_face_joins_only_through_faces_near_its_age() -> None:
    """Faces turn as the child grows: at eight it is far from the baby that it was."""
    vectors = at(0, 0, 60, 60, 0, 60)
    taken = np.array([2001.0, 2001.5, 2008.0, 2008.5, 2008.2, 2001.2])
    known = Constraints(np.arange(6), np.ones(6, bool), taken=taken)
    held = Held(np.array([0, 0, 0, 0, -1, -1]), pairs())
    loose = ClusterOptions(min_size=2, join_distance=0.9)
    assert cluster(vectors, known, loose, held).labels.tolist() == [0] * 6
    born = Held(held.labels, pairs(), {0: 2000.0})
    assert cluster(vectors, known, loose, born).labels.tolist() == [0, 0, 0, 0, -1, -1]
    right = at(0, 0, 60, 60, 60, 0)
    assert cluster(right, known, loose, born).labels.tolist() == [0] * 6
    undated = Constraints(np.arange(6), np.ones(6, bool), taken=np.full(6, np.nan))
    assert cluster(vectors, undated, loose, born).labels.tolist() == [0] * 6
