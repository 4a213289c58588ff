"""From photos to faces: find candidates in some of them together, let O-Net judge, measure what was found."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from facecluster.faces import hurried
from facecluster.faces.candidates import Found, judge
from facecluster.faces.cascade import Mtcnn
from facecluster.faces.glance import Glance
from facecluster.faces.options import DetectOptions
from facecluster.faces.quality import frontality
from facecluster.faces.summed import Int32
from facecluster.nets import catalogue
from facecluster.nets.runtime import network
from facecluster.records import Box, Face, UInt8

BATCH_PIXELS = 4_000_000
"""Pixels that are searched together: each costs 16 bytes in its summed-area table."""

WORDS = BATCH_PIXELS * 5
"""Numbers in the memory for tables: four for a pixel, and some for the first row and column of each table."""


@dataclass(frozen=True, slots=True)
class Detector:
    """The networks of a search on a device, ready to be called from several threads."""

    nets: Mtcnn | Glance
    options: DetectOptions
    spare: deque[Int32] = field(default_factory=deque, compare=False, repr=False)
    """Memory for summed-area tables that no call is using."""

    @classmethod
    def load(cls, device: str, options: DetectOptions | None = None, threads: int = 1) -> Detector:
        """A detector with the published weights, as ``options`` want it. Raises ``WeightsError``.

        ``device`` is a name that ``nets.runtime.pick_device`` returned; ``threads`` are those of a call.
        """
        options = options or DetectOptions()
        exact = partial(network, device=device, exact=True, threads=threads)
        quick = partial(network, device=device, threads=threads)
        output = exact(catalogue.outputter())
        if options.detector == "yunet":
            return cls(Glance(tuple(map(quick, catalogue.glances())), output), options)
        propose, refine = exact(catalogue.proposer()), exact(catalogue.refiner())
        scout, sieve = hurried.scout(quick, device), hurried.sieve(quick, device)
        guess = hurried.guess(quick, device)
        return cls(Mtcnn(scout, propose, refine, output, sieve, guess), options)


def detect(photos: Sequence[UInt8], detector: Detector) -> list[list[Face]]:
    """The faces of each photo, best score first; boxes and landmarks in pixels of the photo as given.

    ``photos`` are (H, W, 3) uint8 upright RGB of any sizes, and searched as they are. Sharpness is left at 0: it
    is a property of the chip.
    """
    faces: list[list[Face]] = []
    memory, nets = _memory(detector), detector.nets
    try:
        for batch in _batches(photos):
            candidates = nets.candidates(batch, detector.options.min_face, memory)
            found = judge(candidates, nets.output, detector.options.min_score, nets.guess)
            faces += _sorted_out(found, len(batch))
    finally:
        detector.spare.append(memory)
    return faces


def _memory(detector: Detector) -> Int32:
    try:
        return detector.spare.pop()
    except IndexError:
        return np.empty(WORDS, np.int32)


def _batches(photos: Sequence[UInt8]) -> Iterator[list[UInt8]]:
    """Some megapixels at a time, in order."""
    batch: list[UInt8] = []
    for photo in photos:
        if batch and sum(other.size for other in [*batch, photo]) > 3 * BATCH_PIXELS:
            yield batch
            batch = []
        batch.append(photo)
    if batch:
        yield batch


def _sorted_out(found: Found, photos: int) -> list[list[Face]]:
    """What was found, by photo, of which there are so many."""
    faces: list[list[Face]] = [[] for _ in range(photos)]
    for image, box, score, landmarks in zip(found.image, found.boxes, found.scores, found.landmarks, strict=True):
        points, corners = landmarks.astype(np.float32), Box(*box.tolist())
        if corners.width > 0 and corners.height > 0:
            faces[image].append(Face(corners, points, float(score), frontality=frontality(points)))
    for each in faces:
        each.sort(key=lambda face: -face.score)
    return faces
