"""k-means, for a library whose number of people is known or wanted."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import silhouette_score

from facecluster.errors import UsageError
from facecluster.records import Float32, Int64

LARGE = 20_000
"""From so many faces on, k-means learns from batches."""

SAMPLE = 5_000
"""Silhouettes are measured on so many faces at most: they need all pairs."""


def kmeans_groups(vectors: Float32, k: int | None, seed: int) -> Int64:
    """Labels (N,) int64 in 0..k-1 of ``vectors`` (N, D) float32 unit rows; ``k`` None is chosen by silhouette.

    Raises UsageError when ``k`` is below 1 or above N.
    """
    n = len(vectors)
    if k is not None and not 1 <= k <= n:
        raise UsageError(
            f"k-means cannot make {k} people of {n} faces of good quality; ask for a number from 1 to {n}."
        )
    if k is None and n < 3:
        return np.zeros(n, np.int64)
    return _fit(vectors, k if k is not None else best_k(vectors, seed), seed)


def best_k(vectors: Float32, seed: int) -> int:
    """The number of people in 2.. whose grouping has the largest mean silhouette (Rousseeuw 1987).

    Numbers tried grow by a factor of 1.5 up to a third of the faces; then those between the neighbours of the
    best, seven at most. ``vectors`` is (N, D) float32, N >= 3; above 5,000 a random sample of them is used.
    """
    if len(vectors) > SAMPLE:
        vectors = vectors[np.random.default_rng(seed).choice(len(vectors), SAMPLE, replace=False)]
    grid = _grid(max(2, len(vectors) // 3))
    scores = {k: _silhouette(vectors, k, seed) for k in grid}
    at = grid.index(max(grid, key=lambda k: (scores[k], -k)))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    for k in np.unique(np.linspace(low, high, 9).round().astype(int)).tolist():
        if k not in scores:
            scores[k] = _silhouette(vectors, k, seed)
    return max(scores, key=lambda k: (scores[k], -k))


def _grid(most: int) -> list[int]:
    numbers = [2]
    while numbers[-1] < most:
        numbers.append(min(most, max(numbers[-1] + 1, round(1.5 * numbers[-1]))))
    return numbers


def _silhouette(vectors: Float32, k: int, seed: int) -> float:
    labels = _fit(vectors, k, seed)
    found = len(np.unique(labels))
    return float(silhouette_score(vectors, labels)) if 1 < found < len(vectors) else -1.0


def _fit(vectors: Float32, k: int, seed: int) -> Int64:
    k = min(k, len(np.unique(vectors, axis=0)))  # equal faces cannot be told apart
    if len(vectors) > LARGE:
        model = MiniBatchKMeans(k, random_state=seed, batch_size=4096, n_init=3)
    else:
        model = KMeans(k, random_state=seed, n_init=4 if k < 50 else 1)
    return np.asarray(model.fit_predict(vectors), np.int64)
