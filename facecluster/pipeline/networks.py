"""The networks behind a scan: what each of its workers runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from facecluster import faces, photos
from facecluster.embeddings import Embedder, embed, embed_both_ways
from facecluster.machine import cores
from facecluster.nets.runtime import pick_device
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.portraits import Portrayer
from facecluster.pipeline.readers import Detect, Embed, read
from facecluster.pipeline.scan import Read
from facecluster.pipeline.stopwatch import Stopwatch
from facecluster.records import FileEntry

MOST_THREADS = 4
"""One photo has no work for more."""


def reader(
    model: str, device: str, options: faces.DetectOptions, threads: int = 1, watch: Stopwatch | None = None
) -> Read:
    """``readers.read`` with a detector and the model called ``model``, each call on ``threads`` cores.

    ``watch`` is told how long each stage takes.

    Raises ``UsageError`` for an unknown model, ``WeightsError``.
    """
    place = pick_device(device)
    detector, embedder = faces.Detector.load(place, options, threads), Embedder.load(model, place, threads)
    return reader_of(
        lambda images: faces.detect(images, detector),
        lambda chips, landmarks, boxes: embed(chips, landmarks, boxes, embedder),
        options.max_side,
        watch,
    )


def reader_of(detect: Detect, embed: Embed, max_side: int, watch: Stopwatch | None = None) -> Read:
    """``readers.read`` with these two, each call in memory that no other call is using."""
    spare: deque[photos.Memory] = deque()

    def work(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        """Read some files."""
        memory = _any(spare)
        try:
            return read(entries, claims, max_side, detect, embed, watch, memory)
        finally:
            spare.append(memory)

    return work


def _any(spare: deque[photos.Memory]) -> photos.Memory:
    try:
        return spare.pop()
    except IndexError:
        return photos.Memory()


def looker(model: str, device: str, options: faces.DetectOptions) -> Callable[[Path, Claims], Outcome]:
    """What ``reader`` does, for one file at a time, on several cores."""
    work = reader(model, device, options, min(MOST_THREADS, cores()))
    return lambda path, claims: work([FileEntry(path, 0, 0)], claims)[0]


def portrayer(
    models: Sequence[str], device: str, *, flip: bool = False, options: faces.DetectOptions | None = None
) -> Portrayer:
    """A detector and the models of these names, for portraits; ``flip``: see ``embeddings.embed_both_ways``.

    Raises ``UsageError`` for an unknown model, ``WeightsError``.
    """
    place, options = pick_device(device), options or faces.DetectOptions()
    detector = faces.Detector.load(place, options)
    embedders = {name: _embed(Embedder.load(name, place), flip) for name in models}
    return Portrayer(lambda images: faces.detect(images, detector), embedders, options.max_side)


def embedder(model: str, device: str) -> Embed:
    """The model of this name, for chips. Raises ``UsageError``, ``WeightsError``."""
    return _embed(Embedder.load(model, pick_device(device)))


def _embed(embedder: Embedder, flip: bool = False) -> Embed:
    how = embed_both_ways if flip else embed
    return lambda chips, landmarks, boxes: how(chips, landmarks, boxes, embedder)
