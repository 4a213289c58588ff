"""Neighbours by definition; HDBSCAN against the package itself."""

from __future__ import annotations

from typing import Any

import hdbscan
import numpy as np
import pytest
from numpy.typing import NDArray

from facecluster.evaluation import bcubed
from facecluster.people import density
from facecluster.people import neighbours as neighbours_module
from facecluster.people.density import density_groups, spanning_tree
from facecluster.people.neighbours import neighbours
from facecluster.records import Float32, Int64


def unit(vectors: NDArray[Any]) -> Float32:
    long: Float32 = np.array(vectors, np.float32)
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    return long


def crowd(people: int, faces: int, seed: int, spread: float = 0.7) -> tuple[Float32, Int64]:
    """Vectors and people: as many faces of each, and as many strangers as there are people."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(people, 128)))
    person = np.repeat(np.arange(people), faces)
    amount = rng.uniform(0.6, 1.3, (len(person), 1)) * spread
    known = unit(centres[person] + amount * rng.normal(size=(len(person), 128)) / np.sqrt(128))
    strangers = unit(rng.normal(size=(people, 128)))
    order = rng.permutation(len(person) + people)
    truth = np.concatenate((person, people + np.arange(people)))
    return np.concatenate((known, strangers))[order], truth[order]


@pytest.mark.parametrize(("n", "k"), [(2, 1), (50, 49), (300, 7), (1500, 5)])
def test_neighbours_are_the_nearest_other_rows(monkeypatch: pytest.MonkeyPatch, n: int, k: int) -> None:
    monkeypatch.setattr(neighbours_module, "ROWS", 128)
    vectors = unit(np.random.default_rng(n).normal(size=(n, 128)))
    index, squared = neighbours(vectors, k)
    for i in range(n):
        distance = np.square(vectors - vectors[i]).sum(axis=1)
        distance[i] = np.inf
        assert index[i].tolist() == np.argsort(distance)[:k].tolist()
        np.testing.assert_allclose(squared[i], np.sort(distance)[:k], atol=1e-5)


def test_of_equal_neighbours_the_first_are_taken() -> None:
    index, squared = neighbours(np.tile(unit(np.ones((1, 128))), (2000, 1)), 3)
    assert index[0].tolist() == [1, 2, 3]
    assert index[1999].tolist() == [0, 1, 2]
    np.testing.assert_allclose(squared, 0, atol=1e-6)


@pytest.mark.parametrize("min_samples", [1, 2, 5])
@pytest.mark.parametrize("method", ["eom", "leaf"])
def test_with_all_neighbours_it_is_hdbscan(min_samples: int, method: str) -> None:
    vectors, _ = crowd(people=12, faces=20, seed=min_samples)
    ours = density_groups(vectors, 3, min_samples, k=len(vectors) - 1, method=method)
    theirs = hdbscan.HDBSCAN(
        min_cluster_size=3,
        min_samples=min_samples,
        algorithm="generic",
        cluster_selection_method=method,
    ).fit(vectors.astype(np.float64))
    assert ours.max() >= 5
    assert same_groups(ours, theirs.labels_)


def same_groups(a: Int64, b: Int64) -> bool:
    return np.array_equal(a < 0, b < 0) and bcubed(a, b).f == pytest.approx(1.0, abs=1e-12)


def test_parts_the_neighbours_leave_apart_are_connected_by_shortest_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far groups with few neighbours: the tree must still be a least spanning tree of all distances."""
    monkeypatch.setattr(density, "ROWS", 4)
    rng = np.random.default_rng(8)
    centres = unit(rng.normal(size=(6, 128)))
    vectors = unit(np.repeat(centres, 15, axis=0) + 0.2 * rng.normal(size=(90, 128)) / np.sqrt(128))
    tree = spanning_tree(vectors, 2, 3).toarray()
    full = spanning_tree(vectors, 2, 89).toarray()
    assert (tree > 0).sum() == 2 * 89
    between = np.arange(90)[:, None] // 15 != np.arange(90) // 15
    np.testing.assert_allclose(np.sort(tree[between & (tree > 0)]), np.sort(full[between & (full > 0)]), rtol=1e-5)
    assert tree.sum() == pytest.approx(full.sum(), rel=0.02)


@pytest.mark.slow
def test_sixty_four_neighbours_are_enough() -> None:
    vectors, _ = crowd(people=60, faces=99, seed=5, spread=0.8)  # 6,000 faces, more of each than neighbours
    exact = hdbscan.HDBSCAN(min_cluster_size=3, min_samples=2, algorithm="generic").fit(vectors.astype(np.float64))
    assert bcubed(density_groups(vectors, 3, 2), exact.labels_).f > 0.98


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_faces_are_noise(n: int) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(n, 128)))
    assert density_groups(vectors, 3, 2).tolist() == [-1] * n


def test_equal_faces_do_no_harm() -> None:
    vectors = np.repeat(unit(np.random.default_rng(0).normal(size=(2, 128))), 20, axis=0)
    labels = density_groups(vectors, 3, 2)
    assert len(set(labels[:20].tolist())) == 1
    assert labels[0] != labels[20]
