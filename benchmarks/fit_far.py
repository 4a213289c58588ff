"""How near two people's faces come: the distances behind the verdicts of ``find`` and ``verify``.

    python benchmarks/fit_far.py ../shared/data/train --model sface
    python benchmarks/fit_far.py --run facenet-training --model facenet

``labels.csv`` in that folder has the columns ``path``, ``set`` and ``person``; only people of one set are
compared, since a person may be in two. For each model it writes ``facecluster/nets/MODEL_far.json``: the squared
distances below which half, a tenth, … a millionth of the comparisons of different people fall, for two faces
(``face``), and for a face and a person, whose distance is the mean over the person's faces (``person``). A model
that was trained on such faces has to be measured with ``--run``, the folder of its training: on the people whom it
had set aside.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from portraits import embed_portraits

import facecluster.nets
from facecluster.embeddings import Embedder, embed
from facecluster.machine import cores
from facecluster.people.grouping import means
from facecluster.records import Float32, Int64
from facecluster.training.faces import load
from facecluster.training.identities import split
from facecluster.training.train import FACES, asked

Measured = tuple[dict[str, Float32], Int64, Int64]

RATES = (0.5, *(10.0**-power for power in range(1, 7)))
LEAST = 5
"""Faces of a person who counts as one."""

ROWS = 1000


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


def of_run(run: Path, models: Sequence[str]) -> Measured:
    """The same of the people whom a training had set aside."""
    given, options = load(run / FACES), asked(run).options
    _, apart = split(given.identity, given.group, options.held_out, options.seed)
    some = given.only(np.flatnonzero(apart))
    chips = some.chips(np.arange(len(some)))
    nets = {model: Embedder.load(model, "cpu", cores()) for model in models}
    vectors = {model: embed(chips, some.landmarks, some.sides, net) for model, net in nets.items()}
    return vectors, some.group, some.identity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--model", action="append", required=True)
    options = parser.parse_args()
    if (options.data is None) == (options.run is None):
        parser.error("give a folder of photos, or --run with the folder of a training")
    embedded, sets, people = (
        of_run(options.run, options.model) if options.run else of_photos(options.data, options.model)
    )
    people = np.unique(people, return_inverse=True)[1]
    for model, vectors in embedded.items():
        most = 40_000_000
        pairs = nearest(vectors, sets, people, most)
        persons = nearest_people(vectors, sets, people, most)
        far = {"rates": RATES, "face": at_rates(*pairs), "person": at_rates(*persons)}
        Path(facecluster.nets.__file__).with_name(f"{model}_far.json").write_text(json.dumps(far) + "\n")
        print(f"{model}: {len(vectors)} faces, {pairs[1]:,} pairs, {persons[1]:,} of a face and a person; {far}")


if __name__ == "__main__":
    main()
