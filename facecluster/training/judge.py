"""How good a network is on people whom it has not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facecluster.evaluation import val_at_far
from facecluster.records import Float32, Int64

FARS = (1e-3, 1e-2)


@dataclass(frozen=True, slots=True)
class Judged:
    """Means over the sets that hold pairs of one person and of two.

    ``accuracy`` is the share of pairs told apart rightly, pairs of one person and of two counting equally, at
    the best threshold of each set; ``val`` and ``val_at_hundredth`` are VAL at a FAR of 1e-3 and of 1e-2
    (FaceNet, section 4); ``faces`` and ``people`` how many there were.
    """

    accuracy: float
    val: float
    val_at_hundredth: float
    faces: int
    people: int

    @property
    def merit(self) -> float:
        """What models are compared by: the mean of the three figures."""
        return (self.accuracy + self.val + self.val_at_hundredth) / 3


def judge(vectors: Float32, identity: Int64, group: Int64) -> Judged:
    """Judge embeddings (N, D) of faces with identities (N,) of sets (N,): all pairs within each set.

    Raises ValueError where no set has pairs of both kinds.
    """
    rows = [np.flatnonzero(group == each) for each in np.unique(group)]
    judged = [_of_set(vectors[each], identity[each]) for each in rows if _tells(identity[each])]
    if not judged:
        raise ValueError("no set has two faces of one person and a face of another")
    accuracy, val, hundredth = np.mean(judged, axis=0).tolist()
    return Judged(accuracy, val, hundredth, len(identity), len(np.unique(identity)))


def matched(theirs: Float32, ours: Float32, identity: Int64, group: Int64, distance: float) -> float:
    """The squared distance of ``ours`` (N, D) that takes as many strangers for one as ``distance`` does of
    ``theirs``.

    Both embed the same N faces; strangers are pairs of two people of one set. Where that is none or all of them,
    it is the distance to the nearest, or to the farthest.
    """
    first, second = np.triu_indices(len(identity), 1)
    strangers = (identity[first] != identity[second]) & (group[first] == group[second])
    first, second = first[strangers], second[strangers]
    before, after = (2 - 2 * (v @ v.T)[first, second] for v in (theirs, ours))
    share = float((before <= distance).mean())
    return round(float(np.quantile(after, share)), 3)


def _of_set(vectors: Float32, identity: Int64) -> tuple[float, float, float]:
    first, second = np.triu_indices(len(vectors), 1)
    distances = (2 - 2 * vectors @ vectors.T)[first, second]
    same = identity[first] == identity[second]
    vals = [val_at_far(distances, same, far).val for far in FARS]
    return _balanced(distances, same), vals[0], vals[1]


def _balanced(distances: Float32, same: np.ndarray) -> float:
    """The best mean, over thresholds, of the shares of pairs of one person and of two told rightly."""
    own, others = np.sort(distances[same]), np.sort(distances[~same])
    accepted = np.searchsorted(own, own, side="right") / len(own)
    rejected = 1 - np.searchsorted(others, own, side="right") / len(others)
    return float(((accepted + rejected) / 2).max())


def _tells(identity: Int64) -> bool:
    counts = np.unique(identity, return_counts=True)[1]
    return len(counts) > 1 and counts.max(initial=0) > 1
