"""Whose face is it? Rank-1 identification among known people, by neighbours and by a support vector machine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from facecluster.evaluation.verification import Estimate, estimate
from facecluster.records import Float32, Int64

MOST = 5_000_000
"""People times faces; with more, a support vector machine that learns each against the rest takes hours."""


@dataclass(frozen=True, slots=True)
class IdentifyOptions:
    """How to identify.

    ``neighbours`` vote, the nearer the more; with one it is the nearest face that decides. ``penalty`` is the
    machine's C. ``folds`` are dealt with ``seed``.
    """

    neighbours: int = 1
    penalty: float = 1.0
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Identification:
    """Rank-1 rates over ``folds``: the share of ``faces`` for which the right one of the ``people`` is named.

    ``nearest`` is by the ``k`` nearest faces, ``machine`` by a support vector machine, None where there is more
    than ``MOST`` to learn. ``alone`` people have one face only, so that it cannot be both known and asked for;
    they take no part.
    """

    nearest: Estimate
    machine: Estimate | None
    k: int
    folds: int
    people: int
    faces: int
    alone: int


def identify(vectors: Float32, labels: Int64, options: IdentifyOptions | None = None) -> Identification | None:
    """Rank-1 identification, cross-validated; None when fewer than two people have two faces.

    ``vectors`` is (N, D) float32, unit length, ``labels`` (N,) int64 the person of each. The faces of each person
    are dealt out to the folds, so that everybody with two faces is known while one of them is asked for. The
    machine is linear, one against the rest.
    """
    options = options or IdentifyOptions()
    ids, at, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    kept, people = sizes[at] > 1, int((sizes > 1).sum())
    if people < 2:
        return None
    folds = min(options.folds, int(sizes.max()))
    deal = StratifiedKFold(folds, shuffle=True, random_state=options.seed)
    count = min(options.neighbours, int(kept.sum()) // 2)  # at least so many are known
    models = [KNeighborsClassifier(count, weights="distance")]
    if people * int(kept.sum()) <= MOST:
        models.append(LinearSVC(C=options.penalty, random_state=options.seed))
    rates = [_rates(model, vectors[kept], at[kept], deal) for model in models]
    machine = rates[1] if len(rates) > 1 else None
    return Identification(rates[0], machine, count, folds, people, int(kept.sum()), len(ids) - people)


def _rates(model: Any, vectors: Float32, labels: Int64, deal: StratifiedKFold) -> Estimate:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        return estimate(cross_val_score(model, vectors, labels, cv=deal).tolist())
