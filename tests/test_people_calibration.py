"""Distances that a join distance is chosen by, against plain loops over all faces."""

from __future__ import annotations

import numpy as np
import pytest

from facecluster.people import calibration
from facecluster.people.calibration import (
    gather,
    histogram_of,
    number_of_others,
    other_distances,
    own_distances,
    strangers,
)
from facecluster.records import Float32, Int64


def made_up(seed: int, faces: int = 60, people: int = 6) -> tuple[Float32, Int64, Int64, Int64]:
    """Unit vectors, photos, sure labels (-1 for about a third), and owners, who are known of some of those too."""
    random = np.random.default_rng(seed)
    owner = np.concatenate((np.arange(people), random.integers(0, people, faces - people)))
    vectors = (random.normal(size=(people, 8))[owner] + 0.6 * random.normal(size=(faces, 8))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.where((random.random(faces) < 0.7) | (np.arange(faces) < people), owner, -1)
    owner = np.where((labels >= 0) | (random.random(faces) < 0.5), owner, -1)
    return vectors, random.integers(0, faces // 4, faces), labels, owner


def mean_distance(vectors: Float32, face: int, members: list[int]) -> float:
    return float(np.mean([np.square(vectors[face].astype(float) - vectors[m]).sum() for m in members]))


@pytest.mark.parametrize("seed", range(8))
def test_own_distances_leave_the_face_out(seed: int) -> None:
    vectors, _, labels, _ = made_up(seed)
    expected = []
    for face in range(len(labels)):
        members = [m for m in range(len(labels)) if labels[m] == labels[face] and m != face]
        if labels[face] >= 0 and members:
            expected.append(mean_distance(vectors, face, members))
    np.testing.assert_allclose(own_distances(vectors, labels), expected, atol=2e-6)


@pytest.mark.parametrize("block", [1, 7, 4_000_000])
@pytest.mark.parametrize("seed", range(3))
def test_other_distances_are_to_everybody_else(seed: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "BLOCK", block)
    monkeypatch.setattr(calibration, "PAIRS", block)
    vectors, photo, labels, owner = made_up(seed)
    pairs = strangers(vectors, photo, labels, owner, 0.1)
    assert len(pairs)
    wanted = [(f, p) for f in range(len(labels)) for p in range(6) if labels[f] >= 0 and labels[f] != p]
    members = [np.flatnonzero(labels == p).tolist() for p in range(6)]
    expected = [mean_distance(vectors, f, members[p]) for f, p in [*wanted, *pairs.tolist()]]
    found = np.concatenate(list(other_distances(vectors, labels, pairs)))
    assert len(found) == number_of_others(labels, pairs)
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("strong", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_strangers_are_beside_somebody_and_not_that_person(seed: int, strong: float) -> None:
    vectors, photo, labels, owner = made_up(seed)
    beside, perhaps = set(), set()
    for face in range(len(labels)):
        for other in range(len(labels)):
            if labels[face] == -1 and labels[other] >= 0 and photo[face] == photo[other]:
                pair = face, int(labels[other])
                beside.add(pair)
                if owner[face] == pair[1] or np.square(vectors[face] - vectors[other]).sum() < strong:
                    perhaps.add(pair)
    found = [tuple(pair) for pair in strangers(vectors, photo, labels, owner, strong).tolist()]
    assert found == sorted(beside - perhaps)
    assert perhaps


@pytest.mark.parametrize("keep", [1, 10, 99, 100, 1000])
def test_the_nearest_stay(keep: int) -> None:
    distances = np.random.default_rng(keep).choice(np.linspace(0, 3, 40), 100).astype(np.float32)
    found = gather(np.array_split(distances, 9), keep, 1.5)
    assert np.sort(found.nearest).tolist() == np.sort(distances)[:keep].tolist()
    assert found.within == (distances <= 1.5).sum()
    assert found.histogram.tolist() == histogram_of(distances).tolist()


def test_a_histogram_counts_everything() -> None:
    distances = np.array([-1e-7, 0.05, 0.95, 1.05, 1.05, 4.0, 4.000001], np.float32)
    counts = histogram_of(distances)
    assert {i: int(count) for i, count in enumerate(counts) if count} == {0: 2, 9: 1, 10: 2, 39: 2}


def test_nobody_is_compared_with_nobody() -> None:
    vectors, nobody = np.zeros((3, 4), np.float32), np.full(3, -1)
    pairs = strangers(vectors, np.zeros(3, np.int64), nobody, nobody, 0.1)
    assert pairs.shape == (0, 2)
    assert len(own_distances(vectors, nobody)) == number_of_others(nobody, pairs) == 0
    assert sum(map(len, other_distances(vectors, nobody, pairs))) == 0
