"""Face chips to embeddings: unit vectors in which squared L2 distance is dissimilarity.

An ``Embedder`` is a network together with the crop that it wants; chips (see ``records``) carry enough of the
face for every crop, so photos are not needed to embed their faces again with another model.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.nets import catalogue
from facecluster.nets.runtime import Network, network
from facecluster.nets.specs import ModelSpec, spec_of
from facecluster.nets.weights import dimension, fingerprint
from facecluster.records import CHIP_SIZE, Float32, UInt8

TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))
"""Where the five landmarks belong in a crop of 112 × 112 pixels: the template that SFace was trained with."""

BOX_CROP = 160
"""Side in chip pixels of the crop ``box 36/160``: the face's box of 124 pixels, with a margin."""

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
    spec, parts = embedder.spec, [np.zeros((0, dimension(embedder.spec)), np.float32)]
    for i in range(0, len(chips), BATCH):
        part = slice(i, i + BATCH)
        if spec.crop == "five-point 112":
            crops = align(chips[part], landmarks[part], boxes[part], spec.size)
        else:
            crops = box_crop(chips[part], spec.size).astype(np.float32)
        (vectors,) = embedder.net(crops[:, :, ::-1] if mirrored else crops)
        parts.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return np.concatenate(parts)


def embed_both_ways(chips: UInt8, landmarks: Float32, boxes: Float32, embedder: Embedder) -> Float32:
    """The mean of the embeddings of each crop and of its mirror image, of unit length again; see ``embed``.

    It takes twice the time and is a little more accurate.
    """
    both = embed(chips, landmarks, boxes, embedder) + embed(chips, landmarks, boxes, embedder, mirrored=True)
    mean: Float32 = both / np.linalg.norm(both, axis=1, keepdims=True)
    return mean


def box_crop(chips: UInt8, size: int) -> UInt8:
    """The faces' boxes with a margin of 36/160, from chips (N, 224, 224, 3): (N, size, size, 3).

    That is the central 160 × 160 pixels; for another ``size`` they are averaged by area, or enlarged linearly.
    """
    middle = centre(chips, BOX_CROP)
    if size == BOX_CROP:
        return middle
    how = cv2.INTER_AREA if size < BOX_CROP else cv2.INTER_LINEAR
    crops = [cv2.resize(np.ascontiguousarray(each), (size, size), interpolation=how) for each in middle]
    return np.stack(crops).astype(np.uint8, copy=False) if crops else np.zeros((0, size, size, 3), np.uint8)


def centre(chips: UInt8, size: int) -> UInt8:
    """The central ``size`` × ``size`` pixels of chips (N, S, S, 3)."""
    edge = (chips.shape[1] - size) // 2
    return chips[:, edge : edge + size, edge : edge + size]


def align(chips: UInt8, landmarks: Float32, boxes: Float32, size: int) -> Float32:
    """Chips (N, S, S, 3) with their landmarks moved to ``TEMPLATE``: (N, size, size, 3) float32.

    The transform is the similarity (turn, scale, shift) of the *photo* that brings the landmarks nearest to
    the template in least squares; ``boxes`` (N, 2), width and height, undoes the chip's stretch. Where the crop
    leaves the chip, the chip's edge is repeated.
    """
    to_chip = _to_chip(landmarks, boxes, size)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crops = [
        cv2.warpAffine(chip.astype(np.float32), matrix, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
        for chip, matrix in zip(chips, to_chip, strict=True)
    ]
    return np.stack(crops).astype(np.float32, copy=False) if crops else np.zeros((0, size, size, 3), np.float32)


def seen(landmarks: Float32, box: Float32, spec: ModelSpec) -> tuple[int, int, int, int]:
    """The part of a chip that a model sees, as x0, y0, x1, y1 in whole chip pixels, the last two exclusive.

    ``landmarks`` is (5, 2) in chip pixels, ``box`` (2,) the width and height of the face's box. It is the
    smallest upright rectangle around the model's crop, cut off where that leaves the chip.
    """
    if spec.crop != "five-point 112":
        edge = (CHIP_SIZE - BOX_CROP) // 2
        return edge, edge, edge + BOX_CROP, edge + BOX_CROP
    corners = np.array([[0, 0, 1], [spec.size, 0, 1], [0, spec.size, 1], [spec.size, spec.size, 1]])
    in_chip = corners @ _to_chip(landmarks[None], box[None], spec.size)[0].T
    x0, y0 = np.clip(np.floor(in_chip.min(0)), 0, CHIP_SIZE).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(in_chip.max(0)), 0, CHIP_SIZE).astype(int).tolist()
    return x0, y0, x1, y1


def _to_chip(landmarks: Float32, boxes: Float32, size: int) -> np.ndarray:
    """What brings pixels of a crop of ``size`` to pixels of the chip: (N, 2, 3)."""
    stretch = boxes / boxes.mean(1, keepdims=True)  # (N, 2): photo pixels per chip pixel, up to one factor
    template = np.array(TEMPLATE) * (size / 112)
    to_photo = similarity(np.broadcast_to(template, landmarks.shape), landmarks * stretch[:, None])  # (N, 2, 3)
    return np.asarray(to_photo / stretch[:, :, None])


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity transforms that bring ``source`` points nearest to ``target``: (N, 2, 3).

    Both are (N, P, 2). Least squares over turn, scale and shift (Umeyama, PAMI 1991), which in the plane has
    a closed form: with centred points as complex numbers, the factor is Σ conj(s)·t / Σ |s|².
    """
    mean_s, mean_t = source.mean(1), target.mean(1)
    s, t = source - mean_s[:, None], target - mean_t[:, None]
    norm = np.square(s).sum((1, 2))
    cos = (s * t).sum((1, 2)) / norm
    sin = (s[..., 0] * t[..., 1] - s[..., 1] * t[..., 0]).sum(1) / norm
    linear = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)  # (N, 2, 2)
    shift = mean_t - (linear @ mean_s[:, :, None])[..., 0]
    return np.concatenate([linear, shift[:, :, None]], 2)
