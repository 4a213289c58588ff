"""How near two people's faces come: the distances behind the verdicts of ``find`` and ``verify``.

    python benchmarks/fit_far.py ../shared/data/train --model sface
    python benchmarks/fit_far.py --run facenet-training --model facenet

``labels.csv`` in that folder has the columns ``path``, ``set`` and ``person``; only people of one set are
compared, since a person may be in two. For each model it writes ``facecluster/nets/MODEL_far.json``: the squared
distances below which half, a tenth, … a millionth of the comparisons of different people fall, for two faces
(``face``), and for a face and a person, whose distance is the mean over the person's faces (``person``). A model
that was trained on such faces has to be measured with ``--run``, the folder of its training: on the people whom
it had set aside. They are few, so all of the training's people are compared as well, most of whom it learnt from;
both are printed, and the smaller distance counts.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from portraits import embed_portraits

import facecluster.nets
from facecluster.embeddings import Embedder, embed
from facecluster.machine import cores
from facecluster.people.grouping import means
from facecluster.records import Float32, Int64
from facecluster.training.faces import load
from facecluster.training.identities import UNLABELLED, Bool, split
from facecluster.training.train import FACES, asked

Far = dict[str, list[float | None]]
Measured = tuple[dict[str, Float32], Int64, Int64]

RATES = (0.5, *(10.0**-power for power in range(1, 7)))
LEAST = 5
"""Faces of a person who counts as one."""

ROWS, BATCH, MOST = 1000, 64, 40_000_000


def read_labels(folder: Path) -> tuple[list[Path], Int64, Int64]:
    """The labelled faces: their files, sets and people, these as numbers."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["person"]]
    sets = np.unique([row["set"] for row in rows], return_inverse=True)[1]
    people = np.unique([f"{row['set']}/{row['person']}" for row in rows], return_inverse=True)[1]
    return [folder / row["path"] for row in rows], sets.astype(np.int64), people.astype(np.int64)


def nearest(vectors: Float32, sets: Int64, people: Int64, count: int) -> tuple[Float32, int]:
    """The ``count`` least distances between faces of different people, and how many distances there are."""
    kept, total = np.zeros(0, np.float32), 0
    for start in range(0, len(vectors), ROWS):
        rows = np.arange(start, min(start + ROWS, len(vectors)))
        other = (
            (sets[rows, None] == sets) & (people[rows, None] != people) & (rows[:, None] < np.arange(len(vectors)))
        )
        found = (2 - 2 * vectors[rows] @ vectors.T)[other]
        total += len(found)
        kept = _least(np.concatenate([kept, found]), count)
    return np.sort(kept), total


def nearest_people(vectors: Float32, sets: Int64, people: Int64, count: int) -> tuple[Float32, int]:
    """The same for a face and a person with at least ``LEAST`` faces."""
    centre, sizes = means(vectors, people)
    of = np.zeros(len(sizes), np.int64)
    of[people] = sets
    persons = np.flatnonzero(sizes >= LEAST)
    other = (sets[:, None] == of[persons]) & (people[:, None] != persons)
    found = (2 - 2 * vectors @ centre[persons].T)[other]
    return np.sort(_least(found, count)), len(found)


def _least(values: Float32, count: int) -> Float32:
    return values if len(values) <= count else np.partition(values, count)[:count]


def at_rates(nearest: Float32, total: int) -> list[float | None]:
    """The largest distance below which no more than each of ``RATES`` lie; None: too few to tell."""
    allowed = [int(rate * total) for rate in RATES]
    return [round(float(nearest[number]), 4) if number else None for number in allowed]


def of_photos(folder: Path, models: Sequence[str]) -> Measured:
    """Embeddings (N, D) by model, sets (N,) and people (N,) of the labelled faces of a folder."""
    files, sets, people = read_labels(folder)
    portraits = embed_portraits(files, list(models))
    vectors = {model: found[portraits.found] for model, found in portraits.vectors.items()}
    return vectors, sets[portraits.found], people[portraits.found]


def of_run(run: Path, models: Sequence[str]) -> tuple[Measured, Bool]:
    """The same of all people of a training, and which faces (N,) are of those whom it had set aside."""
    given, options = load(run / FACES), asked(run).options
    _, apart = split(given.identity, given.group, options.held_out, options.seed)
    rows = np.flatnonzero(given.identity != UNLABELLED)
    some = given.only(rows)
    nets = {model: Embedder.load(model, "cpu") for model in models}
    parts = [np.arange(i, min(i + BATCH, len(some))) for i in range(0, len(some), BATCH)]

    def embedded(net: Embedder, part: Int64) -> Float32:
        return embed(some.chips(part), some.landmarks[part], some.sides[part], net)

    with ThreadPoolExecutor(cores()) as pool:
        vectors = {
            model: np.concatenate(list(pool.map(partial(embedded, net), parts))) for model, net in nets.items()
        }
    return (vectors, some.group, some.identity), apart[rows]


def rates_of(vectors: Float32, sets: Int64, people: Int64) -> Far:
    """Distances at ``RATES``; how many comparisons there were is printed."""
    people = np.unique(people, return_inverse=True)[1]
    pairs, persons = nearest(vectors, sets, people, MOST), nearest_people(vectors, sets, people, MOST)
    far: Far = {"rates": [*RATES], "face": at_rates(*pairs), "person": at_rates(*persons)}
    print(f"{len(vectors)} faces, {pairs[1]:,} pairs, {persons[1]:,} of a face and a person; {far}")
    return far


def careful(one: Far, other: Far) -> Far:
    """The smaller distance of two at each rate."""
    return {"rates": one["rates"]} | {
        kind: [
            min((d for d in pair if d is not None), default=None)
            for pair in zip(one[kind], other[kind], strict=True)
        ]
        for kind in ("face", "person")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--model", action="append", required=True)
    options = parser.parse_args()
    if (options.data is None) == (options.run is None):
        parser.error("give a folder of photos, or --run with the folder of a training")
    (embedded, sets, people), apart = (
        of_run(options.run, options.model) if options.run else (of_photos(options.data, options.model), None)
    )
    for model, vectors in embedded.items():
        print(model)
        far = rates_of(vectors, sets, people)
        if apart is not None:
            far = careful(rates_of(vectors[apart], sets[apart], people[apart]), far)
        Path(facecluster.nets.__file__).with_name(f"{model}_far.json").write_text(json.dumps(far) + "\n")


if __name__ == "__main__":
    main()
