"""How good groups of faces are: B-cubed, pairs, how many people were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facecluster.records import Int64


class Score(NamedTuple):
    """Precision, recall and their harmonic mean, each in 0..1."""

    precision: float
    recall: float
    f: float


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Groups of ``faces`` against the ``people`` they are of.

    ``found`` is the number of groups, ``nobody`` the number of faces in none.
    """

    bcubed: Score
    pairwise: Score
    faces: int
    people: int
    found: int
    nobody: int


def score_groups(labels: Int64, truth: Int64) -> GroupScores:
    """All there is to say of ``labels`` (N,) against ``truth`` (N,), both int64, -1 for nobody."""
    return GroupScores(
        bcubed=bcubed(labels, truth),
        pairwise=pairwise(labels, truth),
        faces=len(labels),
        people=len(np.unique(truth[truth >= 0])),
        found=len(np.unique(labels[labels >= 0])),
        nobody=int((labels < 0).sum()),
    )


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


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
