"""Average linkage against scipy's and against a slow loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import pdist

from facecluster.people import linkage as linkage_module
from facecluster.people.conflicts import same_photo
from facecluster.people.linkage import average_linkage
from facecluster.records import Float32, Int64


def unit(vectors: NDArray[Any]) -> Float32:
    long: Float32 = np.array(vectors, np.float32)
    long /= np.linalg.norm(long, axis=1, keepdims=True)
    return long


def faces(seed: int, n: int = 150, people: int = 15) -> Float32:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, 128))
    return unit(centres[rng.integers(0, people, n)] + rng.uniform(0.3, 1.6, (n, 1)) * rng.normal(size=(n, 128)))


def by_first_member(labels: Int64) -> list[int]:
    names: dict[int, int] = {}
    return [names.setdefault(int(label), len(names)) for label in labels]


def slow_linkage(vectors: Float32, start: Int64, threshold: float) -> list[int]:
    """Merge the nearest two groups, mean over all pairs of members, until none are near enough."""
    groups = [np.flatnonzero(start == label).tolist() for label in np.unique(start)]
    squared = np.square(vectors[:, None].astype(float) - vectors).sum(axis=2)
    while len(groups) > 1:
        apart = {
            (i, j): squared[np.ix_(a, groups[j])].mean()
            for i, a in enumerate(groups)
            for j in range(i + 1, len(groups))
        }
        i, j = min(apart, key=lambda pair: apart[pair])
        if apart[i, j] >= threshold:
            break
        groups[i] += groups.pop(j)
    labels = np.empty(len(vectors), np.int64)
    for label, group in enumerate(groups):
        labels[group] = label
    return by_first_member(labels)


@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.2, 1.5, 1.8, 1.95, 4.1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_from_single_faces_it_is_scipys(monkeypatch: pytest.MonkeyPatch, seed: int, threshold: float) -> None:
    monkeypatch.setattr(linkage_module, "ROWS", 32)
    vectors = faces(seed)
    tree = linkage(pdist(vectors.astype(float), "sqeuclidean"), method="average")
    expected = fcluster(tree, threshold, criterion="distance")
    labels = average_linkage(vectors, np.arange(len(vectors)), threshold)
    assert labels.tolist() == by_first_member(expected)


@pytest.mark.parametrize("threshold", [1.0, 1.4, 1.9])
def test_from_groups_it_is_the_slow_loop(threshold: float) -> None:
    vectors = faces(seed=4, n=60, people=6)
    start = np.random.default_rng(0).integers(0, 25, 60)
    assert average_linkage(vectors, start, threshold).tolist() == slow_linkage(vectors, start, threshold)


def test_conflicts_push_groups_apart() -> None:
    """Two halves of one cloud merge, unless each photo shows both; few shared photos do not matter."""
    vectors = unit(faces(1, 1, 1) + 0.6 * np.random.default_rng(1).normal(size=(20, 128)) / np.sqrt(128))
    start = np.repeat([0, 1], 10)
    for shared, groups in [(0, 1), (1, 1), (10, 2)]:
        photo = np.arange(20)
        photo[10 : 10 + shared] = photo[:shared]
        conflicts = same_photo(vectors, photo, 0.1)
        assert conflicts.nnz == 2 * shared
        assert average_linkage(vectors, start, 1.0, conflicts).max() + 1 == groups


def test_conflicts_are_counted_per_face_of_the_smaller_group() -> None:
    """Two orthogonal directions: groups are 2 apart, plus the threshold times the share of conflicts."""
    vectors = np.zeros((14, 128), np.float32)
    vectors[:4, 0] = vectors[4:, 1] = 1
    start = np.repeat([0, 1], [4, 10])
    conflicts = csr_matrix(([1.0, 1.0], ([0, 9], [9, 0])), shape=(14, 14))
    share = 1 / 4
    apart = 2 / (1 - share)  # 2 + share * threshold == threshold
    assert average_linkage(vectors, start, apart - 0.01, conflicts).max() == 1
    assert average_linkage(vectors, start, apart + 0.01, conflicts).max() == 0


def test_conflicts_of_merged_groups_add_up() -> None:
    """Twins in five photos: single faces link up to two people, not one."""
    rng = np.random.default_rng(2)
    one, other = unit(rng.normal(size=(2, 128)))
    twins = unit(np.stack((one, unit(one + 0.5 * other[None])[0])))
    vectors = unit(np.repeat(twins, 5, axis=0) + 0.4 * rng.normal(size=(10, 128)) / np.sqrt(128))
    photo = np.tile(np.arange(5), 2)
    start = np.arange(10)
    assert average_linkage(vectors, start, 1.0).max() == 0
    conflicts = same_photo(vectors, photo, 0.1)
    assert average_linkage(vectors, start, 1.0, conflicts).tolist() == [0] * 5 + [1] * 5


def test_many_equal_faces_take_few_rounds() -> None:
    vectors = np.tile(unit(np.ones((1, 128))), (5000, 1))
    assert average_linkage(vectors, np.arange(5000), 1.0).max() == 0


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_merge(n: int) -> None:
    assert average_linkage(np.ones((n, 128), np.float32), np.arange(n), 1.0).tolist() == [0] * n
