"""B-cubed precision, recall and F of the albums of a labelled photo library, for each model.

    python benchmarks/library_quality.py ../shared/data/photos

The folder holds ``labels.csv`` with the columns ``path`` and ``person``, one person per photo, empty where
unknown. The label is taken to be that of the largest face, so bystanders do not count; nor do photos without a
face, which are printed. Everything runs as the commands do: scan, cluster, migrate to the next model, cluster.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from pathlib import Path

import numpy as np

from facecluster import Library
from facecluster.evaluation import bcubed, pairwise


def labels_of(folder: Path) -> dict[Path, str]:
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["person"]]
    return {Path(os.path.abspath(folder / row["path"])): row["person"] for row in rows}  # noqa: PTH100 (links stay)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", choices=["facenet", "sface"])
    options = parser.parse_args()
    models = options.model or ["facenet", "sface"]
    labels = labels_of(options.folder)
    with tempfile.TemporaryDirectory() as place, Library(Path(place) / "library.db") as library:
        library.scan([options.folder], model=models[0])
        for model in models:
            if model != library.model:
                library.migrate(model)
            library.cluster(anew=True)
            print(model, *report(library, labels), sep="\n  ")


def report(library: Library, labels: dict[Path, str]) -> list[str]:
    largest: dict[int, tuple[float, int]] = {}
    for found in library.store.faces.all():
        size = found.face.box.width * found.face.box.height
        largest[found.photo_id] = max(largest.get(found.photo_id, (0.0, 0)), (size, found.id))
    known = library.store.photos.known_files()
    # Several paths may hold one photo; its label counts once.
    person = {file.photo_id: labels[path] for path, file in known.items() if path in labels and file.photo_id}
    judged = [photo for photo in person if photo in largest]
    names = sorted(set(person.values()))
    assignments = library.store.people.assignments()
    owner = [assignments[largest[photo][1]].person_id for photo in judged]
    truth = np.array([names.index(person[photo]) for photo in judged])
    groups = np.array([-1 if person_id is None else person_id for person_id in owner])
    b, p = bcubed(groups, truth), pairwise(groups, truth)
    return [
        f"{len(judged)} labelled faces of {len(names)} people, {len(person) - len(judged)} photos without a face",
        f"B-cubed precision {b.precision:.4f}, recall {b.recall:.4f}, F {b.f:.4f}",
        f"pairwise precision {p.precision:.4f}, recall {p.recall:.4f}, F {p.f:.4f}",
        f"{(groups < 0).sum()} of them are nobody's, {len(set(groups[groups >= 0].tolist()))} people hold them",
    ]


if __name__ == "__main__":
    main()
