"""How well distances tell pairs of one person from pairs of two: folds, VAL at a FAR, ROC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.records import Float32, Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Distances = Float32 | Float64

RATES = (1e-2, 1e-3)
"""False-accept rates at which VAL is told; FaceNet's own figures are at 1e-3."""

BLOCK = 65_536
"""Pairs whose embeddings are in memory at a time."""


class Estimate(NamedTuple):
    """A mean over folds and the standard error of that mean."""

    mean: float
    error: float


class Validation(NamedTuple):
    """``val`` is the share of pairs of one person accepted, ``far`` that of two; ``threshold`` is a distance."""

    val: float
    far: float
    threshold: float


class AtFar(NamedTuple):
    """VAL where FAR is at most ``rate``, of all pairs with one threshold: FaceNet, section 4; see ``val_at_far``.

    ``folds`` is VAL when each fold's threshold comes from the others, None where there are no folds.
    """

    rate: float
    val: float
    far: float
    threshold: float
    folds: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How well pairs are told apart: ``pairs`` of them, ``same`` of one person, in ``folds``.

    ``accuracy`` is over folds, ``thresholds`` the squared L2 distance chosen for each. ``threshold`` is the one
    that sorts most of all pairs right: the common one, at which errors and groups of people are compared.
    """

    pairs: int
    same: int
    folds: int
    accuracy: Estimate
    thresholds: tuple[float, ...]
    threshold: float
    at_far: tuple[AtFar, ...]


class Roc(NamedTuple):
    """``far`` and ``val`` (K,), rising from 0 to 1, at every distance that occurs."""

    far: Float64
    val: Float64


def verify_pairs(vectors: Float32, first: Int64, second: Int64, same: Bool, folds: Int64) -> Verification:
    """The figures of P pairs of embeddings, as on LFW.

    ``vectors`` is (N, D) float32, unit length; ``first`` and ``second`` (P,) int64 are rows of it, ``same`` (P,)
    bool says whether both are one person's, ``folds`` (P,) int64 in which fold the pair is. Raises as
    ``verify_distances`` does.
    """
    return verify_distances(pair_distances(vectors, first, second), same, folds)


def verify_distances(
    distances: Distances, same: Bool, folds: Int64, rates: Sequence[float] = RATES
) -> Verification:
    """The figures of P pairs whose ``distances`` (P,) are known; ``same`` and ``folds`` as for ``verify_pairs``.

    Raises ``UsageError`` when for some fold the others do not hold pairs of both kinds to choose a threshold by.
    """
    distances = np.asarray(distances, np.float64)
    require_folds(same, folds)
    thresholds = tuple(_threshold_of(distances, same, folds, fold) for fold in np.unique(folds))
    at_far = [(rate, val_at_far(distances, same, rate)) for rate in rates]
    return Verification(
        pairs=len(same),
        same=int(same.sum()),
        folds=len(thresholds),
        accuracy=verification_folds(distances, same, folds),
        thresholds=thresholds,
        threshold=best_threshold(distances, same),
        at_far=tuple(AtFar(r, *one, val_at_far_folds(distances, same, folds, r)) for r, one in at_far),
    )


def require_folds(same: Bool, folds: Int64) -> None:
    """Raise ``UsageError`` unless, for every fold, the others hold pairs of one person and of two."""
    others = [same[folds != fold] for fold in np.unique(folds)]
    if not others or not all(some.any() and not some.all() for some in others):
        raise UsageError(
            "There are too few pairs: a threshold is chosen on all folds but one, so that at least two folds need "
            "pairs of one person, and two pairs of different people."
        )


def pair_distances(vectors: Float32, first: Int64, second: Int64) -> Float32:
    """Squared L2 distances (P,) float32 between rows ``first`` and ``second`` (P,) of ``vectors`` (N, D)."""
    found = np.zeros(len(first), np.float32)
    for i in range(0, len(first), BLOCK):
        part = slice(i, i + BLOCK)
        found[part] = np.square(vectors[first[part]] - vectors[second[part]]).sum(axis=1)
    return found


def mean_distances(means: Float32, first: Int64, second: Int64) -> Float32:
    """Mean squared L2 distance (P,) float32 over all pairs of an embedding of one set and one of another.

    ``means`` (N, D) are the means of N sets of unit vectors, ``first`` and ``second`` (P,) rows of it; the mean of
    |x - y|² = 2 - 2·x·y over all x and y is 2 - 2·mean(x)·mean(y). So videos are compared: FaceNet, section 5.7.
    """
    found = np.zeros(len(first), np.float32)
    for i in range(0, len(first), BLOCK):
        part = slice(i, i + BLOCK)
        found[part] = 2 - 2 * (means[first[part]] * means[second[part]]).sum(axis=1)
    return found


def verification_folds(distances: Distances, same: Bool, folds: Int64) -> Estimate:
    """Accuracy of telling pairs of one person from pairs of two, as on LFW (Huang et al. 2007).

    ``distances`` (P,) float, ``same`` (P,) bool, ``folds`` (P,) int, the fold of each pair. For each fold the
    threshold is that with the best accuracy on the others (the middle of the best interval; of equals the
    lowest); a pair is accepted up to the threshold. FaceNet (Schroff et al. 2015), section 5.6.
    """
    accuracies = []
    for fold in np.unique(folds):
        test = folds == fold
        threshold = _threshold_of(distances, same, folds, fold)
        accuracies.append(float(((distances[test] <= threshold) == same[test]).mean()))
    return estimate(accuracies)


def best_threshold(distances: Distances, same: Bool) -> float:
    """The threshold in the middle between two neighbouring distances that sorts most pairs right."""
    values, right, wrong = _counts(distances, same)
    accepted_right = np.concatenate(([0], np.cumsum(right)))
    rejected_right = wrong.sum() - np.concatenate(([0], np.cumsum(wrong)))
    between = np.concatenate(([values[0] - 1], (values[:-1] + values[1:]) / 2, [values[-1]]))
    return float(between[np.argmax(accepted_right + rejected_right)])


def val_at_far(distances: Distances, same: Bool, far: float) -> Validation:
    """VAL at the largest threshold whose FAR does not exceed ``far``; FaceNet, section 4.

    VAL(d) = |TA(d)| / |P_same| and FAR(d) = |FA(d)| / |P_diff|, where TA and FA are the pairs of one person and
    of two with a distance up to d. ``distances`` (P,) float, ``same`` (P,) bool with both kinds present. The
    threshold is one of the distances, or -inf when even the least is too much.
    """
    values, right, wrong = _counts(distances, same)
    far_at = np.cumsum(wrong) / wrong.sum()
    allowed = int(np.searchsorted(far_at, far, side="right"))
    if not allowed:
        return Validation(0.0, 0.0, float("-inf"))
    val = float(right[:allowed].sum() / right.sum())
    return Validation(val, float(far_at[allowed - 1]), float(values[allowed - 1]))


def val_at_far_folds(distances: Distances, same: Bool, folds: Int64, far: float) -> Estimate:
    """VAL over folds: the threshold for ``far`` comes from the other folds, VAL from the fold itself.

    Arguments as for `verification_folds` and `val_at_far`. A fold without a pair of one person has no VAL.
    """
    vals = []
    for fold in np.unique(folds[same]):
        test = folds == fold
        threshold = val_at_far(distances[~test], same[~test], far).threshold
        vals.append(float((distances[test & same] <= threshold).mean()))
    return estimate(vals)


def roc(distances: Distances, same: Bool) -> Roc:
    """VAL and FAR as the threshold grows; arguments as for ``val_at_far``."""
    _, right, wrong = _counts(distances, same)
    rates = (np.concatenate(([0.0], np.cumsum(count) / count.sum())) for count in (wrong, right))
    return Roc(*rates)


def _threshold_of(distances: Distances, same: Bool, folds: Int64, fold: int) -> float:
    """The threshold for a fold, chosen on the others."""
    others = folds != fold
    return best_threshold(distances[others], same[others])


def _counts(distances: Distances, same: Bool) -> tuple[Float64, Int64, Int64]:
    """Distinct distances, ascending, and how many pairs of one person and of two lie at each."""
    values, at = np.unique(np.asarray(distances, np.float64), return_inverse=True)
    right = np.bincount(at[same], minlength=len(values))
    return values, right, np.bincount(at, minlength=len(values)) - right


def estimate(values: list[float]) -> Estimate:
    """Mean and standard error, the sample deviation over the square root of the number of folds."""
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return Estimate(float(np.mean(values)), float(error))
