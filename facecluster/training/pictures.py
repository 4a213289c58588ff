"""Training pictures, made in the background while the network learns from the ones before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facecluster.faces import decode
from facecluster.machine import cores
from facecluster.nets.card import Crop
from facecluster.nets.framing import frames
from facecluster.records import Int64, UInt8
from facecluster.training.augment import AugmentOptions, crop
from facecluster.training.batches import Batch
from facecluster.training.faces import TrainingFaces


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures of faces as a network sees them: its ``framed`` crop in ``size`` pixels, changed at random.

    Face ``row`` at ``step`` looks the same whenever it is asked for.
    """

    given: TrainingFaces
    size: int
    framed: Crop
    options: AugmentOptions
    seed: int = 0

    def of(self, rows: Int64, step: int) -> UInt8:
        """(M, size, size, 3) uint8 RGB."""
        return np.stack([self._one(int(row), step, place) for place, row in enumerate(rows)])

    def _one(self, row: int, step: int, place: int) -> UInt8:
        generator = np.random.default_rng([self.seed, step, place])
        given = self.given
        (frame,) = frames(self.framed, self.size, given.landmarks[[row]], given.sides[[row]])
        return crop(decode(given.jpegs[row]), self.size, frame, generator, self.options)


def ahead(pictures: Pictures, batches: Iterator[Batch], first: int = 0) -> Iterator[tuple[Batch, UInt8]]:
    """Each batch with its pictures; the next one is made meanwhile. Steps are numbered from ``first``."""
    with ThreadPoolExecutor(max(1, cores() - 1)) as pool:
        waiting: tuple[Batch, Future[UInt8]] | None = None
        for step, batch in enumerate(batches, first):
            coming = batch, pool.submit(pictures.of, batch.rows, step)
            if waiting:
                yield waiting[0], waiting[1].result()
            waiting = coming
        if waiting:
            yield waiting[0], waiting[1].result()


def normalised(pictures: UInt8) -> Tensor:
    """(N, S, S, 3) uint8 → (N, 3, S, S) float32, (x - 127.5) / 128, in channels-last memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().sub_(127.5).div_(128)
