"""Calibrate: the join distance for one library, from what its user confirmed and rejected."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from facecluster.errors import UsageError
from facecluster.evaluation import val_at_far
from facecluster.people import calibration as measure
from facecluster.people.grouping import NOBODY, STRONG
from facecluster.pipeline.cluster import QualityGate
from facecluster.records import Float32, Int64
from facecluster.store import Assignment, Store

PEOPLE, FACES = 2, 3
"""Least number of people, and of confirmed faces of each, that say anything."""

HIGHEST_RATE = 0.1
"""With more, a face would join nearly anybody."""

HELD = 20_000_000
"""Most comparisons that are sorted at once; that takes about 2 GB."""

LEAST, MOST = 0.2, 1.8
"""A join distance beyond these is not stored: nothing would join, or nearly everybody (strangers are 2 apart)."""


@dataclass(frozen=True, slots=True)
class Within:
    """What a join distance does: the share of faces that it leaves with their ``own`` person, and the share of
    comparisons with ``others`` that it takes for one person."""

    join_distance: float
    own: float
    others: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The join distance ``found`` for a ``rate``, beside the ``present`` one.

    ``people`` have enough confirmed faces. ``own`` faces were compared with the rest of their person, and there
    were ``others`` comparisons of a face and somebody else; the histograms count both in bins of ``step``, from 0
    on. ``doubt`` is a sentence that says why it cannot be stored, if so.
    """

    rate: float
    found: Within
    present: Within
    people: int
    own: int
    others: int
    step: float
    own_histogram: tuple[int, ...]
    others_histogram: tuple[int, ...]
    doubt: str | None
    saved: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Good faces: ``vectors`` (N, D), the person (N,) of the confirmed, and whose (M, 2) others are not."""

    vectors: Float32
    labels: Int64
    pairs: Int64


def calibrate(
    store: Store, model: str, present: float, rate: float, save: bool = False, gate: QualityGate | None = None
) -> Calibration:
    """The largest join distance at which at most ``rate`` of all comparisons with other people are wrong.

    ``model`` is a fingerprint, ``present`` the join distance that is used now. Every good confirmed face is
    compared with all other people, and any good face with those beside whom it is in a photo and those from whom
    it was rejected. With ``save`` the result is stored for the model. Raises ``UsageError`` when too little is
    confirmed, when nothing tells people apart, or when the result is too strange to be stored.
    """
    if not 0 < rate <= HIGHEST_RATE:
        raise UsageError(f"A rate of {rate:g} cannot be: ask for more than 0 and at most {HIGHEST_RATE:g}.")
    sample = _read(store, model, STRONG * present, gate or QualityGate())
    result = _measure(sample, present, rate, save)
    if save:
        if result.doubt:
            raise UsageError(result.doubt)
        store.calibrations.set(model, result.found.join_distance, rate)
    return result


def _read(store: Store, model: str, strong: float, gate: QualityGate) -> _Sample:
    with store.transaction():  # a scan beside it cannot drop a face between two of the reads
        ids, vectors = store.faces.vectors(model)
        faces, assigned, rejections = store.faces.all(), store.people.assignments(), store.people.rejections()
    good = {face.id: face.photo_id for face in faces if gate.passes(face)}
    kept = np.isin(ids, list(good))
    found, vectors = ids[kept].tolist(), vectors[kept]
    whose = [assigned.get(face, Assignment(face, None)) for face in found]
    sure = np.array([one.confirmed for one in whose], bool)
    label = {id_: i for i, id_ in enumerate(sorted({one.person_id or 0 for one in whose if one.confirmed}))}
    owner = np.array([label.get(one.person_id or 0, NOBODY) for one in whose], np.int64)
    labels = np.where(sure, owner, NOBODY)
    photo = np.array([good[face] for face in found], np.int64)
    beside = measure.strangers(vectors, photo, labels, owner, strong)
    index = {face: i for i, face in enumerate(found)}
    refused = [(index[face], label[id_]) for face, id_ in rejections if face in index and id_ in label]
    refused = [(i, one) for i, one in refused if not sure[i] and owner[i] != one]
    pairs = np.concatenate((beside, np.array(refused, np.int64).reshape(-1, 2)))
    return _Sample(vectors, labels, np.unique(pairs, axis=0))


def _measure(sample: _Sample, present: float, rate: float, saved: bool) -> Calibration:
    people = int((np.bincount(sample.labels[sample.labels != NOBODY]) >= FACES).sum())
    count = measure.number_of_others(sample.labels, sample.pairs)
    allowed = floor(rate * count + 1e-9)
    _require_enough(people, count, rate, allowed)
    own = measure.own_distances(sample.vectors, sample.labels)
    blocks = measure.other_distances(sample.vectors, sample.labels, sample.pairs)
    others = measure.gather(blocks, allowed + 1, present)  # one more than is allowed bounds the distance
    found = _choose(own, others.nearest, allowed, count)
    return Calibration(
        rate=rate,
        found=found,
        present=Within(present, float((own <= present).mean()), others.within / count),
        people=people,
        own=len(own),
        others=count,
        step=measure.STEP,
        own_histogram=tuple(measure.histogram_of(own).tolist()),
        others_histogram=tuple(others.histogram.tolist()),
        doubt=_doubt(found.join_distance),
        saved=saved,
    )


def _choose(own: Float32, nearest: Float32, allowed: int, count: int) -> Within:
    """The largest distance up to which there are at most ``allowed`` of the ``nearest`` of ``count`` others."""
    distances = np.concatenate((own, nearest))
    chosen = val_at_far(distances, np.arange(len(distances)) < len(own), allowed / len(nearest))
    if not np.isfinite(chosen.threshold):
        raise UsageError(
            "No distance tells these people apart: the same faces are confirmed for two of them. If the two are "
            "one, `facecluster people merge` says so."
        )
    wrong = int((nearest <= chosen.threshold).sum())
    return Within(chosen.threshold, chosen.val, wrong / count)


def _require_enough(people: int, count: int, rate: float, allowed: int) -> None:
    if allowed >= HELD:
        raise UsageError(f"{count:,} comparisons are too many for --rate {rate:g}: ask for a smaller one.")
    if people >= PEOPLE and allowed:
        return
    possible = _rounded_up(1 / count) if people >= PEOPLE else 1.0
    instead = f", or ask for --rate {possible:g}" if possible <= HIGHEST_RATE else ""
    raise UsageError(
        f"Too little is confirmed: {people:,} of at least {PEOPLE} people with {FACES} confirmed faces each, and "
        f"{count:,} of at least {ceil(1 / rate - 1e-9):,} comparisons with somebody else for --rate {rate:g} "
        "(blurred, tiny and doubtful faces do not count). "
        f"Confirm more faces with `facecluster people confirm`{instead}."
    )


def _rounded_up(share: float) -> float:
    """The next number with one digit that is not zero."""
    unit: float = 10.0 ** floor(log10(share))
    return ceil(share / unit - 1e-9) * unit


def _doubt(join_distance: float) -> str | None:
    if LEAST < join_distance <= MOST:
        return None
    cause = (
        "some faces are confirmed for the wrong person, or one person is there twice"
        if join_distance <= LEAST
        else "the confirmed people are too different to say how far apart two of them may be"
    )
    return (
        f"The join distance found, {join_distance:.2f}, cannot be stored, for it is not between {LEAST:g} and "
        f"{MOST:g}: {cause}. Look at `facecluster people`, confirm more faces, or ask for another --rate."
    )
