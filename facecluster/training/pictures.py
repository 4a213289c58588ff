"""Training pictures, made in the background while the network learns from the ones before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from facecluster.machine import cores
from facecluster.nets.card import Crop
from facecluster.nets.framing import frames
from facecluster.records import Float32, Int64, UInt8
from facecluster.training.augment import AugmentOptions, crop
from facecluster.training.batches import Batch
from facecluster.training.faces import TrainingFaces
from facecluster.training.panel import Panel
from facecluster.training.scenes import Scene, Scenes

TOGETHER = 64
"""Chips that are kept at a time, for the teachers."""


class Shown(NamedTuple):
    """Pictures (M, S, S, 3) uint8 RGB, and what a panel of teachers says of them, (M, E); None without one."""

    pictures: UInt8
    targets: Float32 | None


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures of faces as a network sees them: its ``framed`` crop in ``size`` pixels, changed at random.

    Surroundings and second faces are taken from the faces numbered ``rows`` (M,), by default all. A ``panel`` sees
    the same surroundings and faces, but sharp and straight. Face ``row`` at ``step`` looks the same whenever
    it is asked for.
    """

    given: TrainingFaces
    size: int
    framed: Crop
    options: AugmentOptions
    seed: int = 0
    rows: Int64 | None = None
    panel: Panel | None = None
    scenes: Scenes = field(init=False)

    def __post_init__(self) -> None:
        rows = np.arange(len(self.given)) if self.rows is None else self.rows
        object.__setattr__(self, "scenes", Scenes(self.given, rows, self.options))

    def of(self, rows: Int64, step: int, alone: int | None = None) -> Shown:
        """Pictures of the faces ``rows`` (M,); the first ``alone`` of them are not mixed with others, by default
        none is."""
        alone, pictures, said = len(rows) if alone is None else alone, [], []
        for start in range(0, len(rows), TOGETHER):
            part = range(start, min(start + TOGETHER, len(rows)))
            both = [self._one(int(rows[place]), step, place, alone=place < alone) for place in part]
            pictures += [picture for _, picture in both]
            if self.panel:
                said.append(self.panel.say([scene for scene, _ in both], self.given.sides[rows[part]]))
        return Shown(np.stack(pictures), np.concatenate(said) if said else None)

    def _one(self, row: int, step: int, place: int, *, alone: bool) -> tuple[Scene, UInt8]:
        generator = np.random.default_rng([self.seed, step, place])
        scene = self.scenes.of(row, generator, alone=alone)
        (frame,) = frames(self.framed, self.size, scene.landmarks[None], self.given.sides[[row]])
        return scene, crop(scene.chip, self.size, frame, generator, self.options)


def ahead(pictures: Pictures, batches: Iterator[Batch], first: int = 0) -> Iterator[tuple[Batch, Shown]]:
    """Each batch with its pictures; the next one is made meanwhile. Steps are numbered from ``first``."""
    with ThreadPoolExecutor(max(1, cores() - 1)) as pool:
        waiting: tuple[Batch, Future[Shown]] | None = None
        for step, batch in enumerate(batches, first):
            coming = batch, pool.submit(pictures.of, batch.rows, step, batch.labelled)
            if waiting:
                yield waiting[0], waiting[1].result()
            waiting = coming
        if waiting:
            yield waiting[0], waiting[1].result()


def normalised(pictures: UInt8) -> Tensor:
    """(N, S, S, 3) uint8 → (N, 3, S, S) float32, (x - 127.5) / 128, in channels-last memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().sub_(127.5).div_(128)
