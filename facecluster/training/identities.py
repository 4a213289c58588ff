"""Who is who among labelled faces: setting people aside to validate with, and batches to learn from.

An identity is a number that a person has in *one* set of faces. The same person may be in two sets under two
numbers, so nothing here takes faces of two sets for those of two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.records import Int64

Bool = NDArray[np.bool_]

UNLABELLED = -1

LEAST_TRAINED = 4
LEAST_VALIDATED = 2
"""The fewest people with two faces or more, of one set, to learn from, and to validate with."""

FEWEST = 4
"""A person is spread over more batches while there is room, but not with fewer faces in each than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """N faces, a file each, and whose they are.

    ``identity`` is (N,) int64, an index into ``people``, -1 for a face without a label; ``group`` is (N,) int64,
    an index into ``sets``: the set that a face is from.
    """

    files: tuple[Path, ...]
    identity: Int64
    group: Int64
    people: tuple[str, ...]
    sets: tuple[str, ...]


def compact(identities: Int64) -> tuple[Int64, int]:
    """The same identities (N,) as 0..C-1 in their order, and C; -1 stays. For losses with a row per identity."""
    labelled = identities != UNLABELLED
    values, inverse = np.unique(identities[labelled], return_inverse=True)
    labels = np.full(len(identities), UNLABELLED, np.int64)
    labels[labelled] = inverse
    return labels, len(values)


def check_enough(identities: Int64, sets: Int64) -> None:
    """Raise UsageError unless one set has people enough to learn from and to validate with."""
    least = LEAST_TRAINED + LEAST_VALIDATED
    counts = [len(people) for people in _paired(identities, sets) if len(people)]
    if (most := max(counts, default=0)) >= least:
        return
    where = "the set with most has" if len(counts) > 1 else "there are"
    raise UsageError(
        f"There is too little to learn from: {least} people with two faces or more each are the least, of one set "
        f"({LEAST_TRAINED} to learn from, {LEAST_VALIDATED} to validate with), and {where} {most}."
    )


def split(identities: Int64, sets: Int64, share: float, seed: int) -> tuple[Bool, Bool]:
    """Masks (N,) bool of the faces to learn from and of those to validate with; no person is in both.

    ``identities`` and ``sets`` are (N,) int64. Of every set, the ``share`` of its people with two faces or more
    is drawn, rounded, but at least 2, and leaving at least 4; a set with fewer than 6 such people gives none.
    All others are learnt from: people with one face, and faces without a label. Raises UsageError where no
    set has 6.
    """
    check_enough(identities, sets)
    rng = np.random.default_rng(seed)
    drawn = []
    for people in _paired(identities, sets):
        if len(people) >= LEAST_TRAINED + LEAST_VALIDATED:
            count = min(max(round(share * len(people)), LEAST_VALIDATED), len(people) - LEAST_TRAINED)
            drawn.append(rng.choice(people, count, replace=False))
    validated = np.isin(identities, np.concatenate(drawn))
    return ~validated, validated


def batches(identities: Int64, sets: Int64, people: int = 45, faces: int = 40, seed: int = 0) -> Iterator[Int64]:
    """One epoch of batches: indices of up to ``people`` × ``faces`` faces of one set, each once per epoch.

    ``identities`` and ``sets`` are (N,) int64. 45 × 40 are FaceNet's 1,800 faces (Schroff et al. 2015, section
    3.2). A person is in a batch once, with at most ``faces`` faces; one with more is spread evenly over several
    batches. As each face comes once, sets come in proportion to their faces. Batches are smaller where a set has
    fewer people or faces, and always of two people at least.

    Not every face comes: people with one face serve as negatives, as many as there is room for; a person with
    more faces than ``faces`` and than all others of the set together gives as many as those; a person who would
    be alone in a batch, and a face without a label, are left out. Who and which change with ``seed``, so give
    each epoch its own.

    Raises UsageError unless ``people`` and ``faces`` are at least 2.
    """
    if min(people, faces) < 2:
        raise UsageError("A batch needs at least two people, and two faces of each.")
    rng = np.random.default_rng(seed)
    found: list[Int64] = []
    for group in np.unique(sets):
        rows = rng.permutation(np.flatnonzero((sets == group) & (identities != UNLABELLED)))
        found += _deal(_by_person(rows, identities, rng), people, faces)
    return (found[i] for i in rng.permutation(len(found)))


def _paired(identities: Int64, sets: Int64) -> list[Int64]:
    """The identities with two faces or more, of each set."""
    found = []
    for group in np.unique(sets):
        values, counts = np.unique(identities[sets == group], return_counts=True)
        found.append(values[(counts > 1) & (values != UNLABELLED)])
    return found


def _by_person(rows: Int64, identities: Int64, rng: np.random.Generator) -> list[Int64]:
    """The ``rows`` of each person, in their order; people in random order."""
    rows = rows[np.argsort(identities[rows], kind="stable")]
    own = np.split(rows, np.flatnonzero(np.diff(identities[rows])) + 1)
    return [own[i] for i in rng.permutation(len(own))]


def _deal(own: list[Int64], people: int, faces: int) -> list[Int64]:
    """The batches of one set, whose people have the faces ``own``: pieces of people, dealt out like cards.

    The pieces of a person follow each other and are no more than there are batches, so each goes to another one.
    """
    total = sum(map(len, own))
    several = [rows[: max(faces, total - len(rows))] for rows in own if len(rows) > 1]
    if not several:
        return []
    count, pieces_each = _pieces(np.array([len(rows) for rows in several]), people, faces)
    pieces = [piece for rows, n in zip(several, pieces_each, strict=True) for piece in np.array_split(rows, n)]
    alone = [rows for rows in own if len(rows) == 1]
    pieces += alone[: people * count - len(pieces)]
    hands = [pieces[i::count] for i in range(count)]
    return [np.concatenate(hand) for hand in hands if len(hand) > 1]


def _pieces(sizes: Int64, people: int, faces: int) -> tuple[int, Int64]:
    """How many batches people with ``sizes`` (C,) faces fill, and into how many pieces (C,) each is cut."""
    least = -(-sizes // faces)
    count = max(int(least.max()), -(-int(least.sum()) // people))
    for each in range(min(FEWEST, faces), faces):
        more = np.minimum(count, np.maximum(least, sizes // each))
        if more.sum() <= people * count:
            return count, more
    return count, least
