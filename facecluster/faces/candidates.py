"""What every search ends with: candidates are cut out, and O-Net has the last word on them.

Zhang et al., IEEE SPL 2016, section II, stage 3. Whoever proposed a box, the final one, its score and its
landmarks are O-Net's, so that faces of different searches can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facecluster.faces import boxes as geometry
from facecluster.faces.contest import Rules, contest
from facecluster.faces.odds import Hasty, no_bounds, probability
from facecluster.faces.summed import Table, crop, size_of
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64

SIDE = 48
"""Pixels of the squares that O-Net is shown."""

LAST = Rules(0.7, nested=True, slack=0.05)
"""Which of the final boxes compete; O-Net in a hurry moves them a little differently (``benchmarks/hurry.py``)."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be faces of a batch of images: ``image`` (N,) int64 says in which of them.

    ``boxes`` (N, 4) float32 are squares in its pixels, ``pixels`` (N, 48, 48, 4) float32 what is in them.
    """

    image: Int64
    boxes: Float32
    pixels: Float32

    def some(self, numbers: Int64) -> Candidates:
        """Those with these ``numbers``, in their order."""
        return Candidates(self.image[numbers], self.boxes[numbers], self.pixels[numbers])


@dataclass(frozen=True, slots=True)
class Found:
    """Faces of a batch: ``image`` (N,) int64; ``boxes`` (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2)."""

    image: Int64
    boxes: Float32
    scores: Float32
    landmarks: Float32

    def some(self, numbers: Int64) -> Found:
        """Those with these ``numbers``, in their order."""
        return Found(self.image[numbers], self.boxes[numbers], self.scores[numbers], self.landmarks[numbers])


def judge(candidates: Candidates, output: Network, min_score: float, guess: Hasty | None = None) -> Found:
    """The faces among candidates: those whose probability ``output``, O-Net, puts above ``min_score``.

    Boxes and landmarks are float32 pixels of the images. Of boxes that cover each other the best one stays; faces
    of an image are in order of falling score. With a ``guess``, O-Net in a hurry, only those are judged that may
    be the best.
    """
    boxes, bounds = candidates.boxes, no_bounds(len(candidates.boxes))
    if guess:
        offsets, _, seen = guess.net(candidates.pixels)
        likely = np.flatnonzero(guess.likely(seen, min_score))
        candidates, bounds = candidates.some(likely), guess.bounds(seen[likely])
        boxes = geometry.regress(candidates.boxes, offsets[likely])
    image, count = candidates.image, len(boxes)
    found = Found(image, boxes.copy(), np.empty(count, np.float32), np.empty((count, 5, 2), np.float32))

    def ask(numbers: Int64) -> tuple[Float32, Float32]:
        """What O-Net says of some; it is noted in ``found``."""
        squares = candidates.boxes[numbers]
        offsets, points, seen = output(candidates.pixels[numbers])
        sides = (squares[:, 2:] - squares[:, :2] + 1)[:, None]  # (N, 1, 2)
        scores, moved = probability(seen), geometry.regress(squares, offsets)
        found.landmarks[numbers] = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides + squares[:, None, :2] - 1
        found.scores[numbers], found.boxes[numbers] = np.where(scores > min_score, scores, 0), moved
        return found.scores[numbers], moved

    return found.some(contest(boxes, *bounds, image, LAST, ask))


def inside(tables: Sequence[Table], image: Int64, boxes: Float32) -> tuple[Int64, Float32]:
    """The candidates that lie in their image: images (N,) and boxes (N, 4), image after image."""
    kept = []
    for i, table in enumerate(tables):
        own = np.flatnonzero(image == i)
        _, there = geometry.clipped(boxes[own], *reversed(size_of(table)))
        kept.append(own[there])
    order = np.concatenate(kept)
    return image[order], boxes[order]


def cut(tables: Sequence[Table], image: Int64, boxes: Float32, size: int, *, whole: bool = False) -> NDArray[Any]:
    """The pixels of candidates that lie ``inside`` their image, image after image: see ``crop``."""
    pixels = []
    for i, table in enumerate(tables):
        clipped, _ = geometry.clipped(boxes[image == i], *reversed(size_of(table)))
        pixels.append(crop(table, clipped, size, whole=whole))
    return np.concatenate(pixels)
