"""What a training face may look like: the chip's crop moved, turned, blurred, darkened, partly covered.

Everything is drawn from one generator, so a seed makes the same pictures again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.nets import framing
from facecluster.nets.framing import Frames
from facecluster.records import UInt8

Change = Callable[[UInt8, np.random.Generator], UInt8]

SMALLEST = 40
"""Side in pixels that a face is reduced to at the most, before it is enlarged again."""


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """How far a picture may depart from what the detector cut.

    ``shift`` and ``scale`` are shares of the crop's side, ``turn`` degrees, each the end of a uniform range
    about 0 (about 1 for the scale). The others are probabilities in 0..1 of a change. ``flip``, ``surround`` and
    ``morph`` change the chip, before the crop: see ``scenes``.
    """

    flip: float = 0.5
    shift: float = 0.02
    scale: float = 0.04
    turn: float = 3.0
    light: float = 0.3
    grey: float = 0.02
    blur: float = 0.05
    small: float = 0.1
    jpeg: float = 0.1
    cover: float = 0.05
    surround: float = 0.0
    morph: float = 0.0

    @classmethod
    def none(cls) -> AugmentOptions:
        """No change at all: the crop that the model is given when it embeds."""
        return cls(*[0.0] * 12)


def crop(chip: UInt8, size: int, frame: Frames, generator: np.random.Generator, options: AugmentOptions) -> UInt8:
    """One training picture of a face: (size, size, 3) uint8 RGB from a chip (224, 224, 3) uint8 RGB.

    ``frame`` (2, 3) is where the model's crop lies in the chip; see ``framing``.
    """
    moved = framing.composed(frame, placement(size, generator, options))
    picture: UInt8 = np.rint(framing.cut(chip[None], moved[None], size)[0]).astype(np.uint8)
    for chance, change in (
        (options.light, light),
        (options.grey, grey),
        (options.blur, blur),
        (options.small, small),
        (options.jpeg, jpeg),
        (options.cover, cover),
    ):
        if chance and generator.random() < chance:
            picture = change(picture, generator)
    return picture


def placement(size: int, generator: np.random.Generator, options: AugmentOptions) -> Frames:
    """The affine map (2, 3) from pixels of the picture to pixels of the crop as it is, about its centre."""
    angle = np.deg2rad(generator.uniform(-options.turn, options.turn)) if options.turn else 0.0
    factor = 1 + generator.uniform(-1, 1) * options.scale
    shift = generator.uniform(-1, 1, 2) * options.shift * size
    cos, sin = factor * np.cos(angle), factor * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    half = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, half + shift - linear @ half])


def light(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """Another brightness, contrast and warmth."""
    gain = generator.uniform(0.7, 1.3) * generator.uniform(0.93, 1.07, 3)
    offset = generator.uniform(-20, 20)
    return np.clip(picture * gain + offset, 0, 255).astype(np.uint8)


def grey(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """Black and white."""
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)


def blur(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """Out of focus: a Gaussian of 0.6 to 2 pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), generator.uniform(0.6, 2.0)), np.uint8)


def small(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """A face that was small in its photo: reduced, and enlarged again."""
    size = picture.shape[0]
    side = int(generator.integers(SMALLEST, size + 1)) if size > SMALLEST else size
    reduced = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def jpeg(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """Compressed with a quality of 20 to 80."""
    quality = int(generator.integers(20, 81))
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def cover(picture: UInt8, generator: np.random.Generator) -> UInt8:
    """A rectangle of one grey over up to a fifth of the face: a mask, a hand, sunglasses."""
    size = picture.shape[0]
    height, width = (int(size * side) for side in generator.uniform(0.1, 0.45, 2))
    y, x = int(generator.integers(0, size - height + 1)), int(generator.integers(0, size - width + 1))
    covered = picture.copy()
    covered[y : y + height, x : x + width] = generator.integers(0, 256)
    return covered
