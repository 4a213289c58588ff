from __future__ import annotations

import numpy as np
import pytest

from facecluster.records import Float32
from facecluster.training.targets import linear_fit, principal, unit


def rows(seed: int, *shape: int) -> Float32:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_principal_components_keep_the_products_that_they_can() -> None:
    vectors = rows(0, 40, 6) * np.array([5, 4, 3, 0.01, 0.01, 0.01], np.float32)
    left, sizes, _ = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    shortened = principal(vectors, 3)
    assert shortened.shape == (40, 3)
    assert abs(shortened) == pytest.approx(abs(left[:, :3] * sizes[:3]), abs=1e-4)
    assert shortened @ shortened.T == pytest.approx(vectors @ vectors.T, abs=0.01)


def test_there_are_no_more_components_than_dimensions() -> None:
    assert principal(rows(0, 9, 4), 128).shape == (9, 4)


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
