"""Verification on a list of pairs: LFW's photos, YouTube Faces' videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facecluster.errors import UsageError
from facecluster.evaluation import mean_distances, pair_distances, verify_distances
from facecluster.evaluation.verification import require_folds
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import fingerprint
from facecluster.pipeline.evaluate import lfw, youtube
from facecluster.pipeline.evaluate.figures import NotRead, PairsFigures, PairsOfModel, What
from facecluster.pipeline.evaluate.labels import Attributes, Labels, read_attributes
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.pairs import PairList, require_folder
from facecluster.pipeline.portraits import Portrayer, in_parallel, portray
from facecluster.records import Box, Float32

OnProgress = Callable[[int, int], None]


def _quiet(done: int, total: int) -> None:
    """What is called where nobody wants to know how far it is."""


@dataclass(frozen=True, slots=True, eq=False)
class PairsRun:
    """The ``figures``, and what pictures are drawn from: the ``pairs`` that were measured, their squared L2
    ``distances`` (P,) by model, and the ``boxes`` (pixels of the upright photo) of the photos, by name."""

    figures: PairsFigures
    pairs: PairList
    distances: Mapping[str, Float32]
    boxes: Mapping[str, Box]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is to be measured: the ``listed`` pairs, and those whose photos are all ``there``."""

    what: What
    folder: Path
    listed: PairList
    there: PairList
    missing: tuple[str, ...]
    attributes: Attributes | None


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The pairs whose photos could be read, and what the networks made of them."""

    pairs: PairList
    distances: Mapping[str, Float32]
    centred: int
    unreadable: tuple[NotRead, ...]
    boxes: Mapping[str, Box] = field(default_factory=dict)


def measure_lfw(
    folder: Path, options: MeasureOptions, pairs: Path | None = None, on_progress: OnProgress = _quiet
) -> PairsRun:
    """Verification as on LFW, by ``pairs`` or the ``pairs.txt`` in ``folder``, which has a folder per person.

    The face nearest to the centre counts, where none is found the centre itself. Pairs whose photos are missing or
    cannot be read are left out and told of. Raises ``UsageError`` when a file cannot be read or too few of the
    photos are there, ``WeightsError``.
    """
    require_folder(folder)
    listed = lfw.read_pairs(pairs or folder / "pairs.txt", folder)
    task = _task("lfw", folder, listed, options, lambda name: (folder / name).is_file())
    return _run(task, _portraits(task, options.load(), on_progress))


def measure_videos(
    folder: Path, options: MeasureOptions, pairs: Path | None = None, on_progress: OnProgress = _quiet
) -> PairsRun:
    """Verification as on YouTube Faces, by ``pairs`` or the ``splits.txt`` in ``folder``.

    A video is a folder of frames, in a folder per person. The distance of two is the mean over all pairs of their
    first 100 frames in which a face is found; see ``youtube.watch``. Otherwise as ``measure_lfw``.
    """
    require_folder(folder)
    listed = youtube.read_pairs(pairs or folder / "splits.txt")
    task = _task("videos", folder, listed, options, lambda name: bool(youtube.frames_of(folder / name)))
    return _run(task, _videos(task, options.load(), on_progress))


def _task(
    what: What, folder: Path, listed: PairList, options: MeasureOptions, is_there: Callable[[str], bool]
) -> _Task:
    """Raises ``UsageError`` for whatever can be known to be wrong before the photos are looked at."""
    missing = tuple(name for name in listed.names if not is_there(name))
    there = listed.among(set(listed.names).difference(missing))
    if not there.names:
        example = f", such as {missing[0]}" if missing else ""
        raise UsageError(f"None of the pairs is in {folder}: their photos should be there{example}.")
    require_folds(there.same, there.folds)
    for name in options.models:
        spec_of(name)
    task = _Task(what, folder, listed, there, missing, read_attributes(folder, options.attributes))
    _labels(task, there)
    return task


def _portraits(task: _Task, portrayer: Portrayer, on_progress: OnProgress) -> _Seen:
    seen = portray([task.folder / name for name in task.there.names], portrayer, on_progress)
    at = {file.relative_to(task.folder).as_posix(): i for i, file in enumerate(seen.files)}
    kept = task.there.among(at)
    rows = np.array([at[name] for name in kept.names], np.int64)
    distances = {m: pair_distances(v[rows], kept.first, kept.second) for m, v in seen.vectors.items()}
    boxes = {name: seen.faces[row].box for name, row in at.items()}
    return _Seen(kept, distances, int((~seen.found[rows]).sum()), NotRead.all_of(seen.unreadable), boxes)


def _videos(task: _Task, portrayer: Portrayer, on_progress: OnProgress) -> _Seen:
    names, watched = task.there.names, []
    on_progress(0, len(names))
    with closing(
        in_parallel(lambda name: youtube.watch(youtube.frames_of(task.folder / name), portrayer), names)
    ) as results:
        for seen in results:
            watched.append(seen)
            on_progress(len(watched), len(names))
    read = {name: seen for name, seen in zip(names, watched, strict=True) if seen.frames}
    kept = task.there.among(read)
    distances = {
        model: mean_distances(np.stack([read[name].means[model] for name in kept.names]), kept.first, kept.second)
        for model in (portrayer.embedders if kept.names else ())
    }
    centred = sum(not read[name].found for name in kept.names)
    return _Seen(kept, distances, centred, NotRead.all_of([e for seen in watched for e in seen.unreadable]))


def _run(task: _Task, seen: _Seen) -> PairsRun:
    require_folds(seen.pairs.same, seen.pairs.folds)
    labels = _labels(task, seen.pairs)
    figures = PairsFigures(
        what=task.what,
        folder=task.folder,
        listed=len(task.listed.same),
        left_out=len(task.listed.same) - len(seen.pairs.same),
        photos=len(seen.pairs.names),
        centred=seen.centred,
        missing=task.missing,
        unreadable=seen.unreadable,
        models=tuple(_of_model(model, far, seen.pairs, labels) for model, far in seen.distances.items()),
    )
    return PairsRun(figures, seen.pairs, seen.distances, seen.boxes)


def _of_model(model: str, distances: Float32, pairs: PairList, labels: Labels | None) -> PairsOfModel:
    found = verify_distances(distances, pairs.same, pairs.folds)
    accepted = distances.astype(np.float64) <= found.threshold
    columns = labels.columns(pairs.first, pairs.second, pairs.same, accepted) if labels else ()
    return PairsOfModel(model, fingerprint(model), found, columns)


def _labels(task: _Task, pairs: PairList) -> Labels | None:
    persons = [name.split("/")[0] for name in pairs.names]
    return task.attributes.labels(pairs.names, persons) if task.attributes else None
