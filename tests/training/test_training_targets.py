from __future__ import annotations

import numpy as np
import pytest

from facecluster.records import Float32
from facecluster.training.targets import Space, linear_fit, principal, turned, unit


def rows(seed: int, *shape: int) -> Float32:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_principal_components_keep_the_products_that_they_can() -> None:
    vectors = rows(0, 40, 6) * np.array([5, 4, 3, 0.01, 0.01, 0.01], np.float32)
    left, sizes, _ = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    shortened = vectors @ principal(vectors, 3)
    assert shortened.shape == (40, 3)
    assert abs(shortened) == pytest.approx(abs(left[:, :3] * sizes[:3]), abs=1e-4)
    assert shortened @ shortened.T == pytest.approx(vectors @ vectors.T, abs=0.01)


def test_there_are_no_more_components_than_dimensions() -> None:
    assert principal(rows(0, 9, 4), 128).shape == (4, 4)


def test_teachers_are_brought_together_by_weight() -> None:
    said = [rows(1, 30, 5) + 2, rows(2, 30, 3)]
    space = Space.fit(said, (1.0, 0.25), 128)
    projected = space.project(said)
    assert projected.shape == (30, 8)
    for i, j in ((0, 1), (4, 17)):
        alike = 0.0
        for vectors, weight in zip(said, (1.0, 0.25), strict=True):
            a, b = (vectors[k] - vectors.mean(0) for k in (i, j))
            alike += weight * float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert projected[i] @ projected[j] == pytest.approx(alike / 1.25, abs=1e-5)


def test_new_faces_are_put_where_the_known_ones_are() -> None:
    said = [rows(3, 20, 6), rows(4, 20, 6)]
    space = Space.fit(said, (1.0, 1.0), 4)
    one = space.project([each[7:8] for each in said])
    assert one == pytest.approx(space.project(said)[7:8], abs=1e-6)


def test_unit_vectors_and_a_row_of_zeros() -> None:
    vectors = np.vstack([rows(0, 3, 5), np.zeros((1, 5), np.float32)])
    assert np.linalg.norm(unit(vectors), axis=1) == pytest.approx([1, 1, 1, 0])


def test_a_linear_fit_finds_the_map_and_a_ridge_makes_it_smaller() -> None:
    given, wanted = rows(1, 200, 5), rows(2, 5, 3)
    assert linear_fit(given, given @ wanted, 1e-9) == pytest.approx(wanted, abs=1e-4)
    noisy = given @ wanted + rows(3, 200, 3)
    exact, ridged = linear_fit(given, noisy, 1e-12), linear_fit(given, noisy, 1.0)
    assert exact == pytest.approx(np.linalg.lstsq(given, noisy, rcond=None)[0], abs=1e-4)
    assert np.linalg.norm(ridged) < np.linalg.norm(exact)


def test_a_head_that_knows_nothing_of_the_teachers_is_turned_to_them() -> None:
    seen, truth = rows(4, 400, 6), rows(5, 6, 3)
    wanted = unit(np.asarray((seen - seen.mean(0)) @ truth, np.float32))
    mean, projection = turned(np.zeros(6, np.float32), np.eye(6, 3, dtype=np.float32), seen, wanted)
    assert mean == pytest.approx(seen[:300].mean(0))
    assert projection == pytest.approx(linear_fit(seen[:300] - mean, wanted[:300]))
    found = unit(np.asarray((seen - mean) @ projection, np.float32))
    assert np.square(found - wanted).sum(1).mean() < 0.1


def test_a_head_that_is_nearer_than_any_fit_to_few_faces_stays_as_it_is() -> None:
    seen, truth = rows(6, 40, 30), rows(7, 30, 4)
    middle = np.full(30, 0.1, np.float32)
    wanted = unit(((seen - middle) @ truth + 0.3 * rows(8, 40, 4)).astype(np.float32))
    mean, projection = turned(middle, truth, seen, wanted)
    assert mean is middle
    assert projection is truth
