"""Which faces come when: labelled ones, epoch after epoch, and others beside them for the teachers alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

import numpy as np

from facecluster.records import Int64
from facecluster.training import identities


class Batch(NamedTuple):
    """``rows`` (N,) int64 are faces, of which the first ``labelled`` are for the loss over identities."""

    rows: Int64
    labelled: int


def batches(
    rows: Int64, identity: Int64, group: Int64, people: int, faces: int, others: int, seed: int, first: int = 0
) -> Iterator[Batch]:
    """Batches without end from ``rows`` (M,) of all N faces, beginning with that of step ``first``.

    ``identity`` and ``group`` are (N,) int64 as in `TrainingFaces`. Labelled faces come as `identities.batches`
    deals them, each epoch with another seed; ``others`` come from all rows, each once before any comes again.
    Without any people to learn from, or with ``people`` 0, a batch is others alone. What a step gets depends on
    the seed and its number alone, so a resumed training goes on with the same faces.
    """
    both = zip(_labelled(rows, identity, group, people, faces, seed), _others(rows, others, seed), strict=False)
    for known, beside in islice(both, first, None):
        yield Batch(np.concatenate([known, beside]), len(known))


def _labelled(rows: Int64, identity: Int64, group: Int64, people: int, faces: int, seed: int) -> Iterator[Int64]:
    own, sets = identity[rows], group[rows]
    for epoch in count():
        any_ = False
        for batch in identities.batches(own, sets, people, faces, _seed(seed, epoch)) if people else ():
            any_ = True
            yield rows[batch]
        if not any_:
            yield rows[:0]


def _others(rows: Int64, number: int, seed: int) -> Iterator[Int64]:
    """``number`` rows at a time, from one permutation after the other."""
    left = rows[:0]
    for epoch in count():
        if not number or not len(rows):
            yield rows[:0]
            continue
        left = np.concatenate([left, np.random.default_rng([seed, 1, epoch]).permutation(rows)])
        while len(left) >= number:
            yield left[:number]
            left = left[number:]


def _seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
