"""Children change: a child's face is compared with faces of about the same age, where a birth date is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecluster.people.grouping import Float64
from facecluster.records import Float32, Int64

ADULT = 16.0
"""Years of age from which a face is compared with all faces from that age on."""

NEAR = 1 / 3
"""A child's face is compared with faces from so large a share of its age before and after."""

NEAR_AT_LEAST = 1.0
"""But from a year before and after at the least."""


@dataclass(frozen=True, slots=True, eq=False)
class Ages:
    """When each face was photographed, and people whose birth is known.

    ``taken`` (N,) float64 are years, 2015.5 for the middle of 2015, nan where unknown. ``births`` are pairs of a
    face of a person, by which the person is known whatever their label, and the year of birth.
    """

    taken: Float64
    births: tuple[tuple[int, float], ...] = ()

    def correct(self, apart: Float32, vectors: Float32, labels: Int64, rows: Int64) -> None:
        """Replace distances ``apart`` (R, G) of faces ``rows`` (R,) to the people of ``births``, in place.

        To a child's face, only that person's faces from near its age count; to an adult's, those of an adult and
        undated ones. Without any such face the distance is infinite. Undated faces keep their distance, and so do
        all where the person's faces are undated.
        """
        dated = np.flatnonzero(~np.isnan(self.taken[rows]))
        for anchor, birth in self.births:
            label = int(labels[anchor])
            members = np.flatnonzero(labels == label)
            if label >= 0 and not np.isnan(self.taken[members]).all():
                counts = _of_that_age(self.taken[rows[dated]] - birth, self.taken[members] - birth)
                apart[dated, label] = _distances(vectors[rows[dated]], vectors[members], counts)


def _of_that_age(ages: Float64, members: Float64) -> NDArray[np.bool_]:
    """Which of a person's faces (M,) count for faces of ``ages`` (R,) in years: (R, M). Undated ones are nan."""
    window = np.maximum(NEAR_AT_LEAST, NEAR * ages)[:, None]
    near: NDArray[np.bool_] = np.abs(ages[:, None] - members) <= window
    grown = (members >= ADULT) | np.isnan(members)
    return np.where((ages >= ADULT)[:, None] & grown.any(), grown, near)


def _distances(vectors: Float32, members: Float32, counts: NDArray[np.bool_]) -> Float32:
    """Mean squared distance (R,) of unit ``vectors`` (R, D) to the ``members`` (M, D) that count, (R, M)."""
    number = counts.sum(axis=1)
    means = (counts.astype(np.float32) @ members) / np.maximum(number, 1)[:, None]
    apart = 2 - 2 * np.einsum("rd,rd->r", vectors, means)
    return np.where(number > 0, apart, np.inf).astype(np.float32)
