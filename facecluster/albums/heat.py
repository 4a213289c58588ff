"""A face beside the same face with heat laid over it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from facecluster.records import Box, Float32, UInt8

SIDE = 448
"""Pixels of each picture's longer side."""

GAP = 8
"""White pixels between the two."""

RAMP = (
    (0.0, (60, 0, 110)),
    (0.35, (150, 30, 120)),
    (0.65, (235, 85, 50)),
    (1.0, (255, 225, 80)),
)
"""Heat 0..1 to RGB: from dark to bright, so that it can be read without telling colours apart."""

FULL = 0.1
"""The least heat, a growth of the squared distance, that is shown at its brightest; less is next to nothing."""

BLUR = 3
"""Radius in chip pixels of the smoothing that takes the steps out of the heat."""

STRONGEST = 0.75
"""How much of the hottest place is heat; the rest is the face."""


def heat_map(chip: UInt8, heat: Float32, box: Box) -> Image.Image:
    """The chip (S, S, 3) uint8 RGB and, right of it, the same in grey with ``heat`` (S, S) float32 laid over.

    Heat is shown as a share of the greatest, or of ``FULL`` where that is greater; none is shown where it is 0 or
    less. ``box`` is the face's in the photo, whose proportions both pictures are given back.
    """
    share = np.clip(heat / max(float(heat.max()), FULL), 0, 1)
    smooth = Image.fromarray(np.round(255 * share).astype(np.uint8)).filter(ImageFilter.GaussianBlur(BLUR))
    face, hot = (_shaped(image, box) for image in (Image.fromarray(chip), smooth))
    both = Image.new("RGB", (2 * face.width + GAP, face.height), "white")
    both.paste(face, (0, 0))
    both.paste(_overlaid(face, np.asarray(hot, np.float32) / np.float32(255)), (face.width + GAP, 0))
    return both


def _overlaid(face: Image.Image, share: Float32) -> Image.Image:
    """The face in grey under the colours of ``share`` (height, width), 0..1; the hotter, the less of the face."""
    stops, colours = [stop for stop, _ in RAMP], np.array([colour for _, colour in RAMP])
    hot = np.stack([np.interp(share, stops, colours[:, channel]) for channel in range(3)], axis=2)
    grey = np.asarray(face.convert("L"), np.float32)[:, :, None]
    opacity = STRONGEST * np.sqrt(share)[:, :, None]
    return Image.fromarray(np.round(grey * (1 - opacity) + hot * opacity).astype(np.uint8))


def _shaped(image: Image.Image, box: Box) -> Image.Image:
    width, height = max(box.width, 1.0), max(box.height, 1.0)
    scale = SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return image.resize(size, Image.Resampling.BICUBIC)
