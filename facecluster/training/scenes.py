"""Faces in other surroundings, and faces of nobody: chips made of two photos whose landmarks are brought together.

Many training photos are cut at the face. What is missing around it can be taken from a photo that has it: so a
network learns from a forehead and a collar, not from a repeated edge. The mean of two faces is one that nobody
has; teachers who are shown it say where it belongs, so from a few thousand photos there is ever something new to
learn (L. Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022, mix pictures
as well, and show teacher and student the same).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facecluster.faces import decode
from facecluster.nets.framing import Frames, similarity
from facecluster.records import CHIP_SIZE, Float32, Int64, UInt8
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import TrainingFaces

COVERED = 0.68
"""The share of a chip that is photo, from which on a face is taken to have surroundings of its own."""

FEATHER = 10.0
"""Chip pixels over which one photo passes into the other."""

EDGE = 1.0
"""Chip pixels at a photo's edge that are not used: they are mixed with its repetition."""

SHARES = 0.25, 0.75
"""How much of a mean of two faces is the first."""

BRIGHTER = 0.5, 2.0
"""The least and the most that surroundings are darkened and brightened to suit a face."""

MIDDLE = slice(85, 140)
"""Rows and columns of a chip that are face for certain, where its light is measured."""

SWAPPED = [1, 0, 2, 4, 3]
"""The landmarks of a mirrored face in their order: the eye that was on the left is on the right."""


class Scene(NamedTuple):
    """A chip (224, 224, 3) uint8 RGB, and the landmarks in it (5, 2) float32."""

    chip: UInt8
    landmarks: Float32


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Chips of ``given`` as ``options`` has them changed: ``surround``, ``morph`` and ``flip``.

    Surroundings and second faces are taken from the faces numbered ``rows`` (M,) alone.
    """

    given: TrainingFaces
    rows: Int64
    options: AugmentOptions
    tight: NDArray[np.bool_] = field(init=False)
    donors: Int64 = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.given.extents[:, :2], self.given.extents[:, 2:]
        tight = (high - low).prod(1) < COVERED * CHIP_SIZE**2
        object.__setattr__(self, "tight", tight)
        object.__setattr__(self, "donors", self.rows[~tight[self.rows]])

    def of(self, row: int, generator: np.random.Generator, *, alone: bool = False) -> Scene:
        """The face numbered ``row``; ``alone``, it is not mixed with another one's."""
        options, landmarks = self.options, self.given.landmarks[row]
        chip = self._surrounded(row, generator)
        if not alone and options.morph and generator.random() < options.morph:
            other = int(generator.choice(self.rows))
            moved = warped(self._surrounded(other, generator), affine(landmarks, self.given.landmarks[other]))
            chip = blend(chip, moved, generator.uniform(*SHARES))
        scene = Scene(chip, landmarks)
        return mirrored(scene) if options.flip and generator.random() < options.flip else scene

    def _surrounded(self, row: int, generator: np.random.Generator) -> UInt8:
        given, chance = self.given, self.options.surround
        chip = decode(given.jpegs[row])
        if not (chance and self.tight[row] and len(self.donors)) or generator.random() >= chance:
            return chip
        donor = int(generator.choice(self.donors))
        (to_donor,) = similarity(given.landmarks[[row]].astype(float), given.landmarks[[donor]].astype(float))
        around = warped(decode(given.jpegs[donor]), to_donor)
        return surrounded(chip, given.extents[row], around)


def surrounded(chip: UInt8, extent: Float32, around: UInt8) -> UInt8:
    """``chip`` where it is photo (``extent``, as in `TrainingFaces`), beyond it ``around``, as bright as it."""
    face, rest = chip.astype(np.float32), around.astype(np.float32)
    light, other = (each[MIDDLE, MIDDLE].mean((0, 1)) + 5 for each in (face, rest))
    rest = np.minimum(rest * np.clip(light / other, *BRIGHTER), 255)
    share = inside(extent)[:, :, None]
    mixed: UInt8 = (share * face + (1 - share) * rest).astype(np.uint8)
    return mixed


def inside(extent: Float32) -> Float32:
    """How much of each pixel of a chip is its own photo's: (224, 224) float32, 0..1, falling at the edges."""
    across, down = (_along(extent[axis], extent[axis + 2]) for axis in (0, 1))
    return down[:, None] * across


def _along(start: float, end: float) -> Float32:
    place, share = np.arange(CHIP_SIZE) + 0.5, np.ones(CHIP_SIZE)
    if start > EDGE:
        share = np.minimum(share, (place - start - EDGE) / FEATHER)
    if end < CHIP_SIZE - EDGE:
        share = np.minimum(share, (end - EDGE - place) / FEATHER)
    return share.clip(0, 1).astype(np.float32)


def affine(source: Float32, target: Float32) -> Frames:
    """The affine map (2, 3) that brings points (P, 2) nearest to others in least squares.

    Where it would change areas by more than a factor of 2, or mirror, as it may for faces from the side, whose
    landmarks lie almost on a line, it is the nearest similarity instead.
    """
    known = np.column_stack([source, np.ones(len(source))]).astype(float)
    found = np.asarray(np.linalg.lstsq(known, target.astype(float), rcond=None)[0].T)
    if 0.5 <= np.linalg.det(found[:, :2]) <= 2:
        return found
    (nearest,) = similarity(source[None].astype(float), target[None].astype(float))
    return np.asarray(nearest)


def warped(chip: UInt8, to_chip: Frames) -> UInt8:
    """The chip seen through a map (2, 3) from the new pixels to its own; its edge is repeated."""
    how, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (CHIP_SIZE, CHIP_SIZE)
    return np.asarray(cv2.warpAffine(chip, to_chip, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def blend(chip: UInt8, other: UInt8, share: float) -> UInt8:
    """Two chips, one over the other; ``share`` of it is the first."""
    return np.asarray(cv2.addWeighted(chip, share, other, 1 - share, 0), np.uint8)


def mirrored(scene: Scene) -> Scene:
    """Left and right exchanged."""
    landmarks = scene.landmarks[SWAPPED]
    landmarks[:, 0] = CHIP_SIZE - 1 - landmarks[:, 0]
    return Scene(np.ascontiguousarray(scene.chip[:, ::-1]), landmarks)
