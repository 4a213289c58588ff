"""Faces tied by the user, children's faces, and that clustering again changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from facecluster.people import ClusterOptions, Constraints, Grouping, Held, cluster
from facecluster.people.ages import ADULT, NEAR, NEAR_AT_LEAST, Ages
from facecluster.people.settling import GAIN, settle
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
    assert bind(np.array([4, 4, 1, 1, -1, 0]), ties, free, none, none).tolist() == [4, 4, 4, 1, -1, 0]
    fixed = np.array([False, False, True, False, False, False])
    assert bind(np.array([4, 4, 1, 1, -1, 0]), ties, fixed, none, none).tolist() == [1, 1, 1, 1, -1, 0]
    assert bind(np.array([-1, -1, -1, 1, -1, 0]), ties, free, none, none).tolist() == [-1, -1, -1, 1, -1, 0]
    assert bind(np.array([-1, -1, -1, 1, -1, 0]), ties, free, none, none, new=True).tolist() == [2, 2, 2, 1, -1, 0]


def test_a_bound_face_drives_out_whoever_conflicts_with_it() -> None:
    rivals = csr_matrix((np.ones(2), ([0, 2], [2, 0])), shape=(4, 4))
    labels, ties = np.array([-1, 0, 0, 0]), [np.array([0, 1])]
    nothing = csr_matrix((4, 4), dtype=np.float32)
    assert bind(labels, ties, np.zeros(4, bool), rivals, nothing).tolist() == [0, 0, -1, 0]
    assert bind(labels, ties, np.array([False, True, True, True]), rivals, nothing).tolist() == [0, 0, 0, 0]
    assert bind(labels, ties, np.array([False, True, True, True]), rivals, rivals).tolist() == [-1, 0, 0, 0]


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


def test_what_the_user_keeps_from_one_is_kept_from_all_that_are_tied_to_it() -> None:
    held = Held(np.array([0, 0, 0, -1, -1]), pairs((3, 0)))
    vectors = at(0, 1, 2, 1, 1)
    assert cluster(vectors, constraints(5), OPTIONS, held).labels.tolist() == [0, 0, 0, -1, 0]
    tie = constraints(5, pairs((3, 4)))
    assert cluster(vectors, tie, OPTIONS, held).labels.tolist() == [0, 0, 0, 1, 1]


def test_faces_of_one_photo_that_are_tied_at_a_distance_are_one_person() -> None:
    """The first and the last are tied only through another."""
    photo, may = np.array([0, 1, 0, 0]), np.ones(4, bool)
    known = Constraints(photo, may, pairs((0, 1), (1, 2), (2, 3)))
    assert (
        cluster(at(90, 75, 45, 150), known, ClusterOptions(min_size=2, join_distance=0.9)).labels.tolist()
        == [0] * 4
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_combination_of_photos_and_ties_goes_on_for_ever(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    vectors = at(*(15.0 * rng.integers(0, 13, n)))
    faces = rng.permutation(n)[: int(rng.integers(2, n))]
    together = np.sort(np.stack([faces[:-1], faces[1:]], axis=1), axis=1)
    known = Constraints(rng.integers(0, 3, n), rng.random(n) < 0.8, together)
    options = ClusterOptions(min_size=2, join_distance=float(rng.choice([0.5, 0.9, 1.05])))
    first = cluster(vectors, known, options)
    assert len(set(first.labels[faces].tolist())) == 1
    assert again(vectors, known, first, options).labels[faces].tolist() == first.labels[faces].tolist()


def slow_wishes(vectors: Float32, labels: Int64, reach: float) -> dict[int, int]:
    """The group that each face would rather have, face by face."""
    wishes = {}
    for i in np.flatnonzero(labels >= 0).tolist():

        def mean(group: int, i: int = i) -> float:
            others = [k for k in np.flatnonzero(labels == group).tolist() if k != i]
            return float(np.mean([np.square(vectors[i] - vectors[k]).sum() for k in others]))

        mine = mean(int(labels[i]))
        best = min((mean(group), group) for group in range(labels.max() + 1) if group != labels[i])
        if mine - best[0] > GAIN * reach and best[0] <= reach:
            wishes[i] = best[1]
    return wishes


@pytest.mark.parametrize("seed", range(5))
def test_faces_move_to_who_is_clearly_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(50, 4))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = np.concatenate([np.arange(4).repeat(4), rng.integers(-1, 4, 34)])
    options, none = ClusterOptions(min_size=1, join_distance=1.5), csr_matrix((50, 50), dtype=np.float32)
    settled = settle(vectors, labels, np.ones(50, bool), none, options)
    moved = {i: int(settled[i]) for i in np.flatnonzero(settled != labels).tolist()}
    assert moved == slow_wishes(vectors, labels, 1.5)
    assert moved
    assert (settle(vectors, labels, np.zeros(50, bool), none, options) == labels).all()
    assert not set(settle(vectors, labels, np.ones(50, bool), none, options, [0])[labels != 0].tolist()) - {
        -1,
        1,
        2,
        3,
    }


def test_nobody_moves_where_a_face_conflicts_or_too_few_stay() -> None:
    vectors, movable = at(0, 1, 60, 61, 2), np.ones(5, bool)
    labels = np.array([0, 0, 1, 1, 1])
    none = csr_matrix((5, 5), dtype=np.float32)
    options = ClusterOptions(min_size=2, join_distance=0.5)
    assert settle(vectors, labels, movable, none, options).tolist() == [0, 0, 1, 1, 0]
    clash = csr_matrix((np.ones(2), ([0, 4], [4, 0])), shape=(5, 5))
    assert settle(vectors, labels, movable, clash, options).tolist() == labels.tolist()
    assert settle(vectors, labels, movable, none, ClusterOptions(min_size=3, join_distance=0.5)).tolist() == [
        0,
        0,
        1,
        1,
        1,
    ]


def test_a_face_that_came_before_its_person_moves_there() -> None:
    """First the third face is like nobody but person 0; then two of its own person come."""
    vectors = at(0, 1, 35, 60, 61)
    held = Held(np.array([0, 0, 0, -1, -1]), pairs())
    assert cluster(vectors, constraints(5), OPTIONS, held).labels.tolist() == [1, 1, 0, 0, 0]
    confirmed = Held(held.labels, pairs(), final=np.array([False, False, True, False, False]))
    assert cluster(vectors, constraints(5), OPTIONS, confirmed).labels.tolist() == [0, 0, 0, 1, 1]
