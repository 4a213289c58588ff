"""Small pictures for the tests of training."""

from __future__ import annotations

import cv2
import numpy as np

from facecluster.faces import encode
from facecluster.records import CHIP_SIZE, Int64, UInt8
from facecluster.training.faces import TrainingFaces

POINTS = ((85, 90), (139, 90), (112, 120), (90, 150), (134, 150))
"""Landmarks of a face, in pixels of its chip."""


def chip_of(seed: int, noise: int = 0) -> UInt8:
    """A smooth coloured chip, another for each ``seed``; with ``noise``, a bit of it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3)).astype(np.float32)
    chip = cv2.resize(coarse, (CHIP_SIZE, CHIP_SIZE), interpolation=cv2.INTER_CUBIC)
    if noise:
        chip = chip + np.random.default_rng([seed, noise]).normal(0, 12, chip.shape)
    return np.clip(chip, 0, 255).astype(np.uint8)


def faces_of(identity: Int64, group: Int64 | None = None) -> TrainingFaces:
    """A face for each identity given; those of one identity look alike, -1 like nobody."""
    chips = [chip_of(int(who) if who >= 0 else 1000 + i, i + 1) for i, who in enumerate(identity)]
    count = len(chips)
    points = np.tile(np.array(POINTS, np.float32), (count, 1, 1))
    people = tuple(f"p{i}" for i in range(int(identity.max(initial=-1)) + 1))
    group = np.zeros(count, np.int64) if group is None else group
    sets = tuple(f"s{i}" for i in range(int(group.max(initial=0)) + 1))
    sides = np.full((count, 2), 100, np.float32)
    whole = np.tile(np.array([0, 0, CHIP_SIZE, CHIP_SIZE], np.float32), (count, 1))
    return TrainingFaces(tuple(map(encode, chips)), points, sides, whole, identity, group, people, sets)
