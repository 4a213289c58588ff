"""Where in a face's chip the crop lies that a model is given: by its box, by its landmarks, or by both."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facecluster.nets.card import Crop
from facecluster.records import CHIP_BOX, CHIP_SIZE, Float32, UInt8

Frames = NDArray[np.float64]
"""(N, 2, 3): for each face the affine map from pixels (x, y, 1) of its crop to pixels of its chip."""

TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))
"""Where the five landmarks belong in a crop of 112 × 112 pixels: the template that SFace was trained with."""

USUAL = ((85.1, 98.7), (141.7, 98.7), (113.4, 123.9), (88.5, 143.5), (138.8, 143.5))
"""Where MTCNN's five landmarks lie in a chip on average: means over 17,000 training faces, left and right made
alike."""

BOX_SIDE = 160.0
"""Side in chip pixels of the crop ``box 36/160``: the face's box of 124 pixels, with a margin of 36/160."""

STEADY_SIDE = CHIP_BOX * 160 / 138
"""Side in chip pixels of the crop ``steady 22/160``: the same with a margin of 22/160."""


def frames(crop: Crop, size: int, landmarks: Float32, boxes: Float32) -> Frames:
    """Where the ``crop`` of N faces lies, in ``size`` × ``size`` pixels: (N, 2, 3).

    ``landmarks`` is (N, 5, 2) in chip pixels, ``boxes`` (N, 2) the width and height of each face's box in the
    photo, which tells how much the chip was stretched. ``five-point 112`` is the similarity (turn, scale, shift)
    of the *photo* that brings the landmarks nearest to ``TEMPLATE``. ``steady 22/160`` is the mean of the box
    and of the similarity of the *chip* that brings the landmarks nearest to ``USUAL``: where boxes jump from
    photo to photo, landmarks jump less, and the other way round.
    """
    if crop == "five-point 112":
        return _by_landmarks(landmarks, boxes, size)
    if crop == "box 36/160":
        return np.repeat(middle(BOX_SIDE, size)[None], len(landmarks), 0)
    settled = similarity(np.broadcast_to(np.array(USUAL), landmarks.shape), landmarks)
    return composed((settled + np.eye(2, 3)) / 2, middle(STEADY_SIDE, size))


def cut(chips: UInt8, where: Frames, size: int) -> Float32:
    """The crops of N chips (N, 224, 224, 3): (N, size, size, 3) float32 grey levels, interpolated linearly.

    Where a crop leaves its chip, the chip's edge is repeated.
    """
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crops = [
        cv2.warpAffine(chip.astype(np.float32), frame, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
        for chip, frame in zip(chips, where, strict=True)
    ]
    return np.stack(crops).astype(np.float32, copy=False) if crops else np.zeros((0, size, size, 3), np.float32)


def middle(side: float, size: int) -> Frames:
    """The central ``side`` × ``side`` pixels of a chip in ``size`` × ``size``: (2, 3)."""
    factor = side / size
    start = (CHIP_SIZE - 1) / 2 - factor * (size - 1) / 2
    return np.array([[factor, 0, start], [0, factor, start]])


def composed(outer: Frames, inner: Frames) -> Frames:
    """``inner`` first, then ``outer``: (…, 2, 3) each."""
    linear = outer[..., :2] @ inner[..., :2]
    shift = outer[..., :2] @ inner[..., 2:] + outer[..., 2:]
    return np.concatenate([linear, shift], -1)


def similarity(source: np.ndarray, target: np.ndarray) -> Frames:
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


def _by_landmarks(landmarks: Float32, boxes: Float32, size: int) -> Frames:
    stretch = boxes / boxes.mean(1, keepdims=True)  # (N, 2): photo pixels per chip pixel, up to one factor
    template = np.array(TEMPLATE) * (size / 112)
    to_photo = similarity(np.broadcast_to(template, landmarks.shape), landmarks * stretch[:, None])
    return np.asarray(to_photo / stretch[:, :, None])
