"""What a crop is worth: one network, shown the same faces in each of the crops that a FaceNet is given here.

    python benchmarks/crops.py facenet-training --model facenet-casia

The faces are those that the training in that folder had set aside; they are judged all together, and those of each
set alone (see ``training.judge``). The network is not trained anew: it is the model as it is.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from facecluster.embeddings import Embedder, embed
from facecluster.nets.card import Crop
from facecluster.training.faces import TrainingFaces, load
from facecluster.training.identities import split
from facecluster.training.judge import Judged, judge
from facecluster.training.train import FACES, asked

CROPS = tuple(crop for crop in get_args(Crop) if crop != "five-point 112")


def line(crop: str, name: str, judged: Judged) -> str:
    rates = judged.accuracy, judged.val_at_hundredth, judged.val
    return f"| {crop} | {name} | {judged.faces} | " + " | ".join(f"{100 * rate:.2f} %" for rate in rates) + " |"


def compare(held: TrainingFaces, embedder: Embedder) -> None:
    print(
        "| crop | faces of | how many | accuracy | VAL@FAR 1e-2 | VAL@FAR 1e-3 |",
        "|---|---|--:|--:|--:|--:|",
        sep="\n",
    )
    for crop in CROPS:
        shown = replace(embedder, spec=replace(embedder.spec, crop=crop))
        vectors = embed(held.chips(np.arange(len(held))), held.landmarks, held.sides, shown)
        print(line(crop, "all sets", judge(vectors, held.identity, held.group)))
        for number in np.unique(held.group):
            own = held.group == number
            print(
                line(crop, held.sets[number], judge(vectors[own], held.identity[own], held.group[own])), flush=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", default="facenet")
    options = parser.parse_args()
    given, told = load(options.run / FACES), asked(options.run).options
    _, held = split(given.identity, given.group, told.held_out, told.seed)
    compare(given.only(np.flatnonzero(held)), Embedder.load(options.model, "cpu", threads=2))


if __name__ == "__main__":
    main()
