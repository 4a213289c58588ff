"""Verification on Labeled Faces in the Wild by FaceNet's 512-D output, before any head shortens it.

    python benchmarks/lfw_trunk.py ../shared/data/lfw

As ``lfw.py``, embedded in float32, for the trunk of facenet-casia and for facenet-casia itself, whose head is a
fixed projection to 128-D, on the same crops.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from lfw import line
from rich.progress import Progress

from facecluster import faces
from facecluster.embeddings import Embedder, embed
from facecluster.evaluation import pair_distances, verify_distances
from facecluster.evaluation.verification import Verification
from facecluster.nets import catalogue
from facecluster.nets.crops import OfCrops
from facecluster.nets.facenet import TRUNK_DIMENSION, facenet_arrays, load_facenet
from facecluster.nets.folding import fold_batch_norm
from facecluster.nets.runtime import network
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import fingerprint
from facecluster.pipeline.evaluate import lfw
from facecluster.pipeline.portraits import Portrayer, portray

MODEL = "facenet-casia"


def trunk() -> OfCrops:
    return OfCrops(fold_batch_norm(load_facenet(facenet_arrays(MODEL))))


def embedder(dimension: int) -> Embedder:
    spec, mark = spec_of(MODEL), fingerprint(MODEL)
    graph = replace(catalogue.embedder(spec), ranges=None)
    if dimension == TRUNK_DIMENSION:
        spec = replace(spec, dimension=dimension, head=None)
        graph = replace(graph, name=f"{MODEL}-trunk", build=trunk)
    return Embedder(spec, mark, network(graph, "cpu", exact=True))


def measure(folder: Path) -> dict[int, Verification]:
    listed = lfw.read_pairs(folder / "pairs.txt", folder)
    detector = faces.Detector.load("cpu")
    embedders = {str(size): partial(embed, embedder=embedder(size)) for size in (TRUNK_DIMENSION, 128)}
    portrayer = Portrayer(lambda images: faces.detect(images, detector), embedders)
    with Progress() as progress:
        bar = progress.add_task("faces", total=len(listed.names))
        seen = portray(
            [folder / name for name in listed.names],
            portrayer,
            lambda done, total: progress.update(bar, completed=done, total=total),
        )
    at = {file.relative_to(folder).as_posix(): row for row, file in enumerate(seen.files)}
    rows = np.array([at[name] for name in listed.names])
    return {
        int(size): verify_distances(
            pair_distances(vectors[rows], listed.first, listed.second), listed.same, listed.folds
        )
        for size, vectors in seen.vectors.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for size, found in measure(parser.parse_args().folder).items():
        print(line(f"{MODEL}, {size}-D", found))


if __name__ == "__main__":
    main()
