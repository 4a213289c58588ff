"""Recognition: which of the people that are known a face is nearest to (1:N, nearest mean)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from facecluster.people.grouping import means
from facecluster.records import Float32, Int64


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """People to be recognised: ``ids`` (G,) int64, rising; ``means`` (G, D) float32 of their embeddings."""

    ids: Int64
    means: Float32

    @classmethod
    def of(cls, vectors: Float32, owner: Int64) -> Self:
        """The people of ``owner`` (N,) int64, the person of each row of ``vectors`` (N, D); -1 for nobody."""
        kept = owner >= 0
        ids, labels = np.unique(owner[kept], return_inverse=True)
        return cls(ids, means(vectors[kept], labels.astype(np.int64))[0])

    def strangers(self, vectors: Float32, owner: Int64, most: int) -> Float32:
        """Distances (P,) of faces to people whose they are not; of ``most`` faces, evenly spread over all.

        ``vectors`` (N, D) and ``owner`` (N,) are as for ``of``.
        """
        kept = np.flatnonzero(owner >= 0)
        rows = kept[:: max(1, -(-len(kept) // most))]
        apart = 2 - 2 * (vectors[rows] @ self.means.T)
        return np.asarray(apart[owner[rows][:, None] != self.ids], np.float32)

    def nearest(self, vectors: Float32, count: int) -> tuple[Int64, Float32]:
        """The ``count`` nearest people of each row of ``vectors`` (N, D), unit length: ids and distances (N, K).

        The distance is the mean squared L2 distance to the person's faces, 2 - 2·x·mean; nearest first, of equals
        the smaller id. K is less than ``count`` where there are fewer people.
        """
        apart = (2 - 2 * (vectors @ self.means.T)).astype(np.float32)
        order = np.argsort(apart, axis=1, kind="stable")[:, :count]
        return self.ids[order], np.take_along_axis(apart, order, axis=1)
