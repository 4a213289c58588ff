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
from facecluster.faces.summed import Table, crop, size_of
from facecluster.nets.runtime import Network
from facecluster.records import Float32, Int64

SIDE = 48
"""Pixels of the squares that O-Net is shown."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be faces of a batch of images: ``image`` (N,) int64 says in which of them.

    ``boxes`` (N, 4) float32 are squares in its pixels, ``pixels`` (N, 48, 48, 4) float32 what is in them.
    """

    image: Int64
    boxes: Float32
    pixels: Float32


@dataclass(frozen=True, slots=True)
class Found:
    """Faces of a batch: ``image`` (N,) int64; ``boxes`` (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2)."""

    image: Int64
    boxes: Float32
    scores: Float32
    landmarks: Float32


def judge(candidates: Candidates, output: Network, min_score: float) -> Found:
    """The faces among candidates: those whose probability ``output``, O-Net, puts above ``min_score``.

    Boxes and landmarks are float32 pixels of the images. Of boxes that cover each other the best one stays; faces
    of an image are in order of falling score.
    """
    image, boxes = candidates.image, candidates.boxes
    offsets, points, log_odds = output(candidates.pixels)
    scores = probability(log_odds)
    good = scores > min_score
    image, boxes, scores = image[good], boxes[good], scores[good]
    sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]  # (N, 1, 2)
    landmarks = points[good].reshape(-1, 2, 5).transpose(0, 2, 1) * sides + boxes[:, None, :2] - 1
    boxes = geometry.regress(boxes, offsets[good])
    kept = geometry.suppress_nested(boxes, scores, image, 0.7)
    return Found(image[kept], boxes[kept], scores[kept], landmarks[kept])


def probability(log_odds: Float32) -> Float32:
    """1 / (1 + exp(-x)) to the last digit, float32: what softmax makes of two numbers whose difference is x.

    Of overlapping boxes the most probable one remains, and the probabilities of a face's boxes differ in their
    last digits only, if at all: quicker ways, which are off by one digit, choose other boxes than the original.
    """
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + np.exp(-log_odds))


def cut(
    tables: Sequence[Table], image: Int64, boxes: Float32, size: int, *, whole: bool = False
) -> tuple[Int64, Float32, NDArray[Any]]:
    """The candidates that lie in their image, image after image, and their pixels: see ``crop``."""
    kept, pixels = [], []
    for i, table in enumerate(tables):
        own = np.flatnonzero(image == i)
        inside, there = geometry.clipped(boxes[own], *reversed(size_of(table)))
        kept.append(own[there])
        pixels.append(crop(table, inside[there], size, whole=whole))
    order = np.concatenate(kept)
    return image[order], boxes[order], np.concatenate(pixels)
