"""People keep their ids from one clustering to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Int64


def keep_ids(old_labels: Int64, new_labels: Int64, confirmed: NDArray[np.bool_] | None = None) -> dict[int, int]:
    """Which new groups go on as which of the old people: new label to old id.

    Labels are (N,) int64 over the same faces, -1 for nobody; ``confirmed`` is (N,) bool. First a person with
    confirmed faces keeps its id in the group that has most of them, and a group goes to whom most of its
    confirmed faces are; each has one at most. Any other person keeps its id in the group that has more than
    half of the faces it had. When a group has that of several people, the id with the most of its faces there
    is kept, of equals the smaller id.
    """
    kept: dict[int, int] = {}
    if confirmed is not None:
        for old, new, _ in _shared(np.where(confirmed, old_labels, -1), new_labels):
            if old not in kept.values():
                kept.setdefault(new, old)
    settled = set(kept.values())
    people, sizes = np.unique(old_labels[old_labels >= 0], return_counts=True)
    size = dict(zip(people.tolist(), sizes.tolist(), strict=True))
    for old, new, count in _shared(old_labels, new_labels):
        if 2 * count > size[old] and old not in settled:
            kept.setdefault(new, old)
    return kept


def _shared(old_labels: Int64, new_labels: Int64) -> list[tuple[int, int, int]]:
    """Old id, new label and how many faces have both, most faces first, then by old id."""
    both = (old_labels >= 0) & (new_labels >= 0)
    pairs, counts = np.unique(np.stack((old_labels[both], new_labels[both])), axis=1, return_counts=True)
    order = np.lexsort((pairs[0], -counts))
    return list(zip(*pairs[:, order].tolist(), counts[order].tolist(), strict=True))
