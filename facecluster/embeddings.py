"""Face chips to embeddings: unit vectors in which squared L2 distance is dissimilarity.

An ``Embedder`` is a network together with the crop that it wants; chips (see ``records``) carry enough of the
face for every crop, so photos are not needed to embed their faces again with another model.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.nets import catalogue, framing
from facecluster.nets.runtime import Network, network
from facecluster.nets.specs import ModelSpec, spec_of
from facecluster.nets.weights import dimension, fingerprint
from facecluster.records import CHIP_SIZE, Float32, UInt8

BATCH = 64


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network, the crop it wants, and the fingerprint of the space its embeddings live in."""

    spec: ModelSpec
    fingerprint: str
    net: Network

    @classmethod
    def load(cls, name: str, device: str, threads: int = 1) -> Embedder:
        """The model called ``name`` on a device that ``nets.runtime.pick_device`` returned.

        Its weights are converted on first use. It computes in 8 or 16 bits where that is faster: cosine to float32
        above 0.998. ``threads`` are the cores of a call. Raises ``UsageError`` for an unknown name,
        ``WeightsError``.
        """
        spec = spec_of(name)
        return cls(spec, fingerprint(name), network(catalogue.embedder(spec), device, threads=threads))


def embed(
    chips: UInt8, landmarks: Float32, boxes: Float32, embedder: Embedder, *, mirrored: bool = False
) -> Float32:
    """Embeddings of N face chips: (N, dimension) float32, unit length.

    ``chips`` is (N, 224, 224, 3) uint8 RGB, ``landmarks`` (N, 5, 2) in chip pixels, ``boxes`` (N, 2) the
    width and height of each face's box, which tells how much the chip was stretched. With ``mirrored``, the
    network is shown each crop with left and right exchanged.
    """
    parts = [np.zeros((0, dimension(embedder.spec)), np.float32)]
    for i in range(0, len(chips), BATCH):
        part = slice(i, i + BATCH)
        shown = crops(chips[part], landmarks[part], boxes[part], embedder.spec)
        (vectors,) = embedder.net(shown[:, :, ::-1] if mirrored else shown)
        parts.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return np.concatenate(parts)


def embed_both_ways(chips: UInt8, landmarks: Float32, boxes: Float32, embedder: Embedder) -> Float32:
    """The mean of the embeddings of each crop and of its mirror image, of unit length again; see ``embed``.

    It takes twice the time and is a little more accurate.
    """
    both = embed(chips, landmarks, boxes, embedder) + embed(chips, landmarks, boxes, embedder, mirrored=True)
    mean: Float32 = both / np.linalg.norm(both, axis=1, keepdims=True)
    return mean


def crops(chips: UInt8, landmarks: Float32, boxes: Float32, spec: ModelSpec) -> Float32:
    """What a model is shown of chips (N, 224, 224, 3): (N, S, S, 3) float32, grey levels 0..255; see ``embed``."""
    if spec.crop == "box 36/160":
        return box_crop(chips, spec.size).astype(np.float32)
    return framing.cut(chips, framing.frames(spec.crop, spec.size, landmarks, boxes), spec.size)


def box_crop(chips: UInt8, size: int) -> UInt8:
    """The faces' boxes with a margin of 36/160, from chips (N, 224, 224, 3): (N, size, size, 3).

    That is the central 160 × 160 pixels; for another ``size`` they are averaged by area, or enlarged linearly.
    """
    side = round(framing.BOX_SIDE)
    middle = centre(chips, side)
    if size == side:
        return middle
    how = cv2.INTER_AREA if size < side else cv2.INTER_LINEAR
    resized = [cv2.resize(np.ascontiguousarray(each), (size, size), interpolation=how) for each in middle]
    return np.stack(resized).astype(np.uint8, copy=False) if resized else np.zeros((0, size, size, 3), np.uint8)


def centre(chips: UInt8, size: int) -> UInt8:
    """The central ``size`` × ``size`` pixels of chips (N, S, S, 3)."""
    edge = (chips.shape[1] - size) // 2
    return chips[:, edge : edge + size, edge : edge + size]


def seen(landmarks: Float32, box: Float32, spec: ModelSpec) -> tuple[int, int, int, int]:
    """The part of a chip that a model sees, as x0, y0, x1, y1 in whole chip pixels, the last two exclusive.

    ``landmarks`` is (5, 2) in chip pixels, ``box`` (2,) the width and height of the face's box. It is the
    smallest upright rectangle around the model's crop, cut off where that leaves the chip.
    """
    if spec.crop == "box 36/160":
        edge = (CHIP_SIZE - round(framing.BOX_SIDE)) // 2
        return edge, edge, CHIP_SIZE - edge, CHIP_SIZE - edge
    corners = np.array([[0, 0, 1], [spec.size, 0, 1], [0, spec.size, 1], [spec.size, spec.size, 1]])
    in_chip = corners @ framing.frames(spec.crop, spec.size, landmarks[None], box[None])[0].T
    x0, y0 = np.clip(np.floor(in_chip.min(0)), 0, CHIP_SIZE).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(in_chip.max(0)), 0, CHIP_SIZE).astype(int).tolist()
    return x0, y0, x1, y1
