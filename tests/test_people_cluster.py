"""Clustering as a whole: made-up libraries, edge cases, the photo rule, reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.evaluation import bcubed
from facecluster.people import ClusterOptions, Constraints, Grouping, cluster, grouper
from facecluster.records import Float32, Int64

HDBSCAN = ClusterOptions()


def unit(vectors: NDArray[Any]) -> Float32:
    long: Float32 = np.array(vectors, np.float32)
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    return long


def direction(seed: int) -> Float32:
    return unit(np.random.default_rng(seed).normal(size=(1, 128)))


def around(centre: Float32, n: int, spread: float = 0.6, seed: int = 0) -> Float32:
    noise = np.random.default_rng(100 + seed).normal(size=(n, 128)) / np.sqrt(128)
    return unit(centre + spread * noise)


def group(
    vectors: Float32,
    options: ClusterOptions = HDBSCAN,
    photo: list[int] | Int64 | None = None,
    gated: slice | None = None,
) -> Grouping:
    """Cluster faces of different photos, all of good quality, unless told otherwise."""
    n = len(vectors)
    may_form = np.ones(n, bool)
    if gated is not None:
        may_form[gated] = False
    photos = np.arange(n) if photo is None else np.asarray(photo, np.int64)
    return cluster(vectors, Constraints(photos, may_form), options)


@pytest.mark.parametrize("options", [HDBSCAN, ClusterOptions("kmeans")])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_faces_than_make_a_person(n: int, options: ClusterOptions) -> None:
    grouping = group(around(direction(0), n), options)
    assert grouping.labels.tolist() == [-1] * n
    assert grouping.reason.tolist() == [[], ["alone"], ["too few"] * 2][n]
    assert np.isnan(grouping.distance).all()
    assert grouping.labels.dtype == np.int64
    assert grouping.distance.dtype == np.float32


@pytest.mark.parametrize("n", [3, 4, 8, 50])
def test_one_person(n: int) -> None:
    assert group(around(direction(0), n)).labels.tolist() == [0] * n


def test_two_people_with_three_photos_each() -> None:
    vectors = np.concatenate((around(direction(1), 3), around(direction(2), 3, seed=1)))
    assert group(vectors).labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("options", [HDBSCAN, ClusterOptions("kmeans", k=4)])
def test_all_identical(options: ClusterOptions) -> None:
    grouping = group(np.tile(direction(0), (300, 1)), options)
    assert grouping.labels.tolist() == [0] * 300
    np.testing.assert_allclose(grouping.distance, 0, atol=1e-6)


def test_min_size_above_the_number_of_faces() -> None:
    grouping = group(around(direction(0), 6), ClusterOptions(min_size=7))
    assert set(grouping.labels) == {-1}
    assert set(grouping.reason) == {"too few"}


@pytest.mark.parametrize("options", [HDBSCAN, ClusterOptions("kmeans")])
def test_all_gated(options: ClusterOptions) -> None:
    grouping = group(around(direction(0), 9), options, gated=slice(0, 9))
    assert set(grouping.labels) == {-1}
    assert set(grouping.reason) == {"quality"}


def test_gated_faces_join_but_never_form() -> None:
    vectors = np.concatenate((around(direction(1), 10), around(direction(2), 10, seed=1)))
    grouping = group(vectors, gated=slice(8, 20))
    assert grouping.labels.tolist() == [0] * 10 + [-1] * 10
    assert grouping.reason.tolist() == [""] * 10 + ["quality"] * 10


def test_strangers_are_not_one_person_beside_a_few_pairs() -> None:
    """HDBSCAN alone takes them all for one: what is no pair is dense in comparison with nothing."""
    strangers = unit(np.random.default_rng(0).normal(size=(300, 128)))
    pairs = [around(direction(1000 + i), 3, 0.3, i) for i in range(2)]
    labels = group(np.concatenate([strangers, *pairs])).labels
    assert labels[300:].tolist() == [0, 0, 0, 1, 1, 1]
    assert (labels[:300] == -1).all()


def test_reasons() -> None:
    """Ten of one person; two of another; one stranger."""
    vectors = np.concatenate((around(direction(1), 10), around(direction(2), 2), direction(3)))
    grouping = group(vectors)
    assert grouping.labels.tolist() == [0] * 10 + [-1] * 3
    assert grouping.reason.tolist() == [""] * 10 + ["too few", "too few", "alone"]


def test_labels_go_by_size_then_by_first_face() -> None:
    sizes = [5, 9, 5, 7]
    vectors = np.concatenate([around(direction(10 + i), size, seed=i) for i, size in enumerate(sizes)])
    assert group(vectors).labels.tolist() == [2] * 5 + [0] * 9 + [3] * 5 + [1] * 7


def test_distance_is_squared_to_the_mean() -> None:
    vectors = np.concatenate((around(direction(1), 9), around(direction(2), 6, seed=1)))
    grouping = group(vectors)
    for label in (0, 1):
        members = vectors[grouping.labels == label]
        expected = [float(np.square(face - members.mean(axis=0)).sum()) for face in members]
        assert grouping.distance[grouping.labels == label] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("options", [HDBSCAN, ClusterOptions("kmeans", k=1)])
def test_a_photo_has_a_person_once(options: ClusterOptions) -> None:
    """A look-alike in the photo of the face nearest to the mean loses its place."""
    vectors = around(direction(0), 12)
    nearest, other = np.argsort(np.square(vectors - vectors.mean(axis=0)).sum(axis=1))[[0, 6]]
    photo = np.arange(12)
    photo[other] = nearest
    grouping = group(vectors, options, photo)
    assert np.flatnonzero(grouping.labels).tolist() == [other]
    assert grouping.reason[other] == "same photo"


def test_a_mirror_shows_a_person_twice() -> None:
    vectors = around(direction(0), 12)
    vectors[11] = around(vectors[:1], 1, spread=0.3)[0]
    photo = np.arange(12)
    photo[11] = 0
    assert group(vectors, photo=photo).labels.tolist() == [0] * 12


def test_gated_faces_keep_to_the_photo_rule() -> None:
    vectors = around(direction(0), 12)
    grouping = group(vectors, photo=[*range(11), 0], gated=slice(11, 12))
    assert grouping.labels.tolist() == [0] * 11 + [-1]
    assert grouping.reason[11] == "same photo"


def test_of_two_gated_faces_of_a_photo_the_nearer_joins() -> None:
    centre = direction(0)
    farther, nearer = around(centre, 1, 0.9, seed=1), around(centre, 1, 0.6, seed=2)
    vectors = np.concatenate((around(centre, 10), farther, nearer))
    grouping = group(vectors, photo=[*range(10), 10, 10], gated=slice(10, 12))
    assert grouping.labels.tolist() == [0] * 10 + [-1, 0]


def test_twins_in_every_photo_are_two_people() -> None:
    one = direction(0)
    twins = np.concatenate((around(one, 12, seed=2), around(unit(one + 0.5 * direction(1)), 12, seed=3)))
    vectors = np.concatenate((twins, around(direction(5), 20, seed=4)))
    apart = group(vectors).labels
    together = group(vectors, photo=[*range(12), *range(12), *range(12, 32)]).labels
    assert len(set(apart[:24])) == 1
    assert bcubed(together, np.repeat([0, 1, 2], [12, 12, 20])).f == 1


def test_those_who_lost_their_place_form_a_person_of_their_own() -> None:
    """A sister in three of forty photos, too few to dispute the group."""
    one = direction(0)
    sister = unit(one + 0.5 * direction(1))
    both = np.concatenate((around(one, 40, seed=2), around(sister, 3, seed=3)))
    vectors = np.concatenate((both, around(direction(5), 20, seed=4)))
    photo = [*range(40), 0, 1, 2, *range(40, 60)]
    assert len(set(group(vectors).labels)) == 2
    assert group(vectors, photo=photo).labels.tolist() == [0] * 40 + [2] * 3 + [1] * 20


def test_who_finds_the_nearest_place_taken_takes_the_next() -> None:
    one = direction(0)
    other = unit(one + 2 * direction(1))
    between = unit(one + 0.9 * other)
    vectors = np.concatenate((around(one, 10, seed=2), around(other, 9, seed=3), between))
    assert group(vectors, gated=slice(19, 20)).labels.tolist() == [0] * 10 + [1] * 9 + [0]
    taken = group(vectors, photo=[*range(19), 0], gated=slice(19, 20))
    assert taken.labels.tolist() == [0] * 10 + [1] * 9 + [1]


def test_who_loses_a_place_and_is_near_nobody_is_told_so() -> None:
    vectors = np.concatenate((around(direction(0), 10), direction(1)))
    grouping = group(vectors, ClusterOptions("kmeans", k=1), photo=[*range(10), 0])
    assert grouping.reason.tolist() == [""] * 10 + ["same photo"]


def library(people: int = 60, seed: int = 0) -> tuple[Float32, Int64, Constraints]:
    """People of 3 to 60 faces and differing spread, each with a look-alike, and strangers, one to ten faces.

    Photos hold one to three faces of different people. One face in ten is below the quality gate.
    """
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(people, 128)))
    centres[1::2] = unit(centres[::2] + 2.0 * centres[1::2])
    sizes = np.maximum(3, 60 // (1 + np.arange(people) % 20))
    person = np.repeat(np.arange(people), sizes)
    spread = rng.uniform(0.4, 0.9, people)[person] * rng.lognormal(0, 0.2, len(person))
    vectors = centres[person] + spread[:, None] * rng.normal(size=(len(person), 128)) / np.sqrt(128)
    strangers = len(person) // 10
    vectors = unit(np.concatenate((vectors, rng.normal(size=(strangers, 128)))))
    person = np.concatenate((person, people + np.arange(strangers)))
    order = rng.permutation(len(person))
    photo = np.empty(len(person), np.int64)
    shown: list[set[int]] = [set()]
    for i in order:
        if len(shown[-1]) == 3 or person[i] in shown[-1] or rng.random() < 0.4:
            shown.append(set())
        shown[-1].add(int(person[i]))
        photo[i] = len(shown) - 1
    return vectors[order], person[order], Constraints(photo[order], rng.random(len(person)) > 0.1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_quality_on_a_made_up_library(seed: int) -> None:
    vectors, person, constraints = library(seed=seed)
    score = bcubed(cluster(vectors, constraints, HDBSCAN).labels, person)
    assert score.precision > 0.97
    assert score.recall > 0.95


def test_clustering_is_deterministic_and_hardly_sees_order() -> None:
    vectors, _, constraints = library()
    first = cluster(vectors, constraints, HDBSCAN)
    again = cluster(vectors, constraints, HDBSCAN)
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.reason, again.reason)
    order = np.random.default_rng(9).permutation(len(vectors))
    shuffled = cluster(vectors[order], Constraints(constraints.photo[order], constraints.may_form[order]), HDBSCAN)
    assert bcubed(shuffled.labels, first.labels[order]).f > 0.99


@pytest.mark.parametrize("dense", [True, False])
def test_no_person_is_twice_in_a_photo(monkeypatch: pytest.MonkeyPatch, dense: bool) -> None:
    """Whether HDBSCAN finds groups or calls everything noise."""
    vectors, _, constraints = library()
    if not dense:
        monkeypatch.setattr(grouper, "density_groups", lambda faces, *_: np.full(len(faces), -1))
    crowded = replace(constraints, photo=constraints.photo // 4)
    grouping = cluster(vectors, crowded, HDBSCAN)
    for photo in np.unique(crowded.photo):
        members = np.flatnonzero((crowded.photo == photo) & (grouping.labels >= 0))
        for i in members:
            for j in members[members > i]:
                if grouping.labels[i] == grouping.labels[j]:
                    assert np.square(vectors[i] - vectors[j]).sum() < 0.35 * 1.05


def test_kmeans_makes_as_many_people_as_asked() -> None:
    vectors = np.concatenate([around(direction(i), 10, seed=i) for i in range(5)])
    truth = np.repeat(np.arange(5), 10)
    for k in (5, None):
        assert bcubed(group(vectors, ClusterOptions("kmeans", k=k)).labels, truth).f == 1
    assert group(vectors, ClusterOptions("kmeans", k=2)).labels.max() == 1


def test_kmeans_lets_gated_faces_join_and_small_groups_dissolve() -> None:
    one, other = direction(0), direction(1)
    vectors = np.concatenate((around(one, 10), around(other, 2, seed=1), around(one, 2, seed=3)))
    grouping = group(vectors, ClusterOptions("kmeans", k=2), gated=slice(12, 14))
    assert grouping.labels.tolist() == [0] * 10 + [-1, -1, 0, 0]
    assert set(grouping.reason[10:12]) == {"too few"}


@pytest.mark.parametrize("k", [0, 7])
def test_kmeans_of_more_people_than_faces(k: int) -> None:
    with pytest.raises(UsageError, match=rf"cannot make {k} people of 6 faces"):
        group(around(direction(0), 8), ClusterOptions("kmeans", k=k), gated=slice(6, 8))
