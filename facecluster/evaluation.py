"""How good groups and distances are: B-cubed, pairs, verification, VAL at a FAR. Arrays in, numbers out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32, Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]


class Score(NamedTuple):
    """Precision, recall and their harmonic mean, each in 0..1."""

    precision: float
    recall: float
    f: float


class Estimate(NamedTuple):
    """A mean over folds and the standard error of that mean."""

    mean: float
    error: float


class Validation(NamedTuple):
    """``val`` is the share of pairs of one person accepted, ``far`` that of two; ``threshold`` is a distance."""

    val: float
    far: float
    threshold: float


def bcubed(labels: Int64, truth: Int64) -> Score:
    """B-cubed precision, recall and F of ``labels`` (N,) against ``truth`` (N,), both int64.

    For every face, precision is the share of its group that is its person, recall the share of its person that
    is in its group; both are averaged over faces (Bagga & Baldwin 1998; Amigó et al. 2009). A face of nobody
    (-1), in either, is a group of its own.
    """
    cells, groups, people = _contingency(labels, truth)
    if not len(labels):
        return Score(1.0, 1.0, 1.0)
    row, column, count = cells
    precision = float((count**2 / groups[row]).sum() / len(labels))
    recall = float((count**2 / people[column]).sum() / len(labels))
    return Score(precision, recall, _harmonic(precision, recall))


def pairwise(labels: Int64, truth: Int64) -> Score:
    """Precision, recall and F over all pairs of faces: a pair is predicted when both are in one group.

    Arguments as for `bcubed`. Where there is no pair to predict or to find, the share is 1.
    """
    (_, _, count), groups, people = _contingency(labels, truth)
    right, predicted, true = (float((n * (n - 1)).sum()) for n in (count, groups, people))
    precision = right / predicted if predicted else 1.0
    recall = right / true if true else 1.0
    return Score(precision, recall, _harmonic(precision, recall))


def verification_folds(distances: Float32, same: Bool, folds: Int64) -> Estimate:
    """Accuracy of telling pairs of one person from pairs of two, as on LFW (Huang et al. 2007).

    ``distances`` (P,) float, ``same`` (P,) bool, ``folds`` (P,) int, the fold of each pair. For each fold the
    threshold is that with the best accuracy on the others (the middle of the best interval; of equals the
    lowest); a pair is accepted up to the threshold. FaceNet (Schroff et al. 2015), section 5.6.
    """
    accuracies = []
    for fold in np.unique(folds):
        test = folds == fold
        threshold = best_threshold(distances[~test], same[~test])
        accuracies.append(float(((distances[test] <= threshold) == same[test]).mean()))
    return _estimate(accuracies)


def best_threshold(distances: Float32, same: Bool) -> float:
    """The threshold in the middle between two neighbouring distances that sorts most pairs right."""
    values, right, wrong = _counts(distances, same)
    accepted_right = np.concatenate(([0], np.cumsum(right)))
    rejected_right = wrong.sum() - np.concatenate(([0], np.cumsum(wrong)))
    between = np.concatenate(([values[0] - 1], (values[:-1] + values[1:]) / 2, [values[-1]]))
    return float(between[np.argmax(accepted_right + rejected_right)])


def val_at_far(distances: Float32, same: Bool, far: float) -> Validation:
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


def val_at_far_folds(distances: Float32, same: Bool, folds: Int64, far: float) -> Estimate:
    """VAL over folds: the threshold for ``far`` comes from the other folds, VAL from the fold itself.

    Arguments as for `verification_folds` and `val_at_far`; every fold must hold pairs of one person.
    """
    vals = []
    for fold in np.unique(folds):
        test = folds == fold
        threshold = val_at_far(distances[~test], same[~test], far).threshold
        vals.append(float((distances[test & same] <= threshold).mean()))
    return _estimate(vals)


def _contingency(labels: Int64, truth: Int64) -> tuple[tuple[Int64, Int64, Int64], Int64, Int64]:
    """Non-empty cells (group, person, faces), and the sizes of groups and of people."""
    group, person = _singled(labels), _singled(truth)
    width = int(person.max(initial=0)) + 1
    cells, count = np.unique(group * width + person, return_counts=True)
    return (cells // width, cells % width, count), np.bincount(group), np.bincount(person)


def _singled(labels: Int64) -> Int64:
    """``labels`` made compact, every -1 a group of its own."""
    alone = labels.max(initial=0) + 1 + np.arange(len(labels))
    return np.unique(np.where(labels < 0, alone, labels), return_inverse=True)[1].astype(np.int64)


def _counts(distances: Float32, same: Bool) -> tuple[Float64, Int64, Int64]:
    """Distinct distances, ascending, and how many pairs of one person and of two lie at each."""
    values, at = np.unique(np.asarray(distances, np.float64), return_inverse=True)
    right = np.bincount(at[same], minlength=len(values))
    return values, right, np.bincount(at, minlength=len(values)) - right


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _estimate(values: list[float]) -> Estimate:
    """Mean and standard error, the sample deviation over the square root of the number of folds."""
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return Estimate(float(np.mean(values)), float(error))
