"""How right the verdicts of ``find`` are: ``python benchmarks/find_quality.py ../shared/data/lfw``.

The folder holds a folder per person. People with at least four photos are known: all but their last two photos are
their faces in the library. Those two, and the photos of people with one, are then looked for. Faces are MTCNN's,
the one nearest to the centre. Nothing is chosen by these photos: the verdicts go by ``nets/*_far.json``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from portraits import embed_portraits

from facecluster.nets.specs import spec_of
from facecluster.people import Gallery
from facecluster.pipeline.find import Strangers, Verdict, verdict

KNOWN, ASKED = 4, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", choices=["facenet", "sface"])
    options = parser.parse_args()
    photos = {place: sorted(place.glob("*.jpg")) for place in sorted(options.folder.iterdir()) if place.is_dir()}
    chosen = {place: files for place, files in photos.items() if len(files) >= KNOWN or len(files) == 1}
    names = list(chosen)
    files = [file for place in names for file in chosen[place]]
    person = np.array([i for i, place in enumerate(names) for _ in chosen[place]])
    asked = np.array([len(f) == 1 or k >= len(f) - ASKED for f in chosen.values() for k in range(len(f))])
    known = np.array([len(chosen[names[i]]) >= KNOWN for i in person.tolist()])
    portraits = embed_portraits(files, options.model or ["facenet", "sface"])
    asked &= portraits.found
    for model, vectors in portraits.vectors.items():
        owner = np.where(asked | ~known | ~portraits.found, -1, person)
        gallery = Gallery.of(vectors, owner)
        strangers = Strangers.of(model, gallery, vectors, owner)
        report(model, gallery, strangers, vectors[asked], np.where(known, person, -1)[asked])


def report(model: str, gallery: Gallery, strangers: Strangers, vectors: np.ndarray, truth: np.ndarray) -> None:
    """``truth`` (N,) is the person of each face that is looked for, -1 for strangers."""
    join = spec_of(model).join_distance
    ids, distances = gallery.nearest(vectors, 1)
    found: Counter[tuple[str, Verdict]] = Counter()
    for true, nearest, far in zip(truth.tolist(), ids[:, 0].tolist(), distances[:, 0].tolist(), strict=True):
        kind = "stranger" if true < 0 else "right" if nearest == true else "wrong"
        found[kind, verdict(far, strangers.matches(far), join)] += 1
    theirs = int((truth >= 0).sum())
    print(f"{model}: {strangers.people} known people, {theirs} photos of them, {len(truth) - theirs} of strangers")
    for kind in ("right", "wrong", "stranger"):
        counts = ", ".join(f"{answer} {found[kind, answer]}" for answer in Verdict)
        print(f"  nearest person {kind}: {counts}" if kind != "stranger" else f"  strangers: {counts}")


if __name__ == "__main__":
    main()
