"""Verification on Labeled Faces in the Wild: the official ten folds, for each model.

    python benchmarks/lfw.py ../shared/data/lfw --model facenet --model sface

The folder holds a folder per person and ``pairs.txt``. Faces are MTCNN's, the one nearest to the centre; where
none is found the centre crop is used. No flips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from portraits import embed_portraits

from facecluster.evaluation import val_at_far_folds, verification_folds

Pair = tuple[str, str, bool]


def read_pairs(file: Path) -> tuple[list[Pair], int]:
    """All pairs in the order of ``pairs.txt``, fold after fold, and the number of folds."""
    head, *rows = (line.split("\t") for line in file.read_text().splitlines())
    pairs = [
        (_name(row[0], row[1]), _name(row[-2], row[-1]), len(row) == 3)
        if len(row) == 4
        else (_name(row[0], row[1]), _name(row[0], row[2]), True)
        for row in rows
    ]
    return pairs, int(head[0])


def _name(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04d}.jpg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", choices=["facenet", "sface", "facenet-vggface2"])
    options = parser.parse_args()
    pairs, folds = read_pairs(options.folder / "pairs.txt")
    names = sorted({name for a, b, _ in pairs for name in (a, b)})
    portraits = embed_portraits([options.folder / name for name in names], options.model or ["facenet"])
    at = {name: i for i, name in enumerate(names)}
    first, second = np.array([at[a] for a, _, _ in pairs]), np.array([at[b] for _, b, _ in pairs])
    same = np.array([pair[2] for pair in pairs])
    fold = np.arange(len(pairs)) // (len(pairs) // folds)
    print(f"{len(names)} photos, {(~portraits.found).sum()} without a face found, {len(pairs)} pairs")
    for model, vectors in portraits.vectors.items():
        distances = np.square(vectors[first] - vectors[second]).sum(1)
        accuracy = verification_folds(distances, same, fold)
        print(f"{model}: {accuracy.mean:.2%} ± {accuracy.error:.2%}", end="")
        for far in (1e-2, 1e-3):
            print(f", VAL@FAR {far:.0e} {val_at_far_folds(distances, same, fold, far).mean:.2%}", end="")
        print()


if __name__ == "__main__":
    main()
