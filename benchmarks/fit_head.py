"""Fit the 128-D head of CASIA's FaceNet: PCA of the 512-D embeddings of training faces, centred on their mean.

    python benchmarks/fit_head.py ../shared/data/train

writes ``facecluster/nets/facenet_head.safetensors`` with ``mean`` (512,) and ``projection`` (512, 128).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from portraits import embed_portraits
from safetensors.numpy import save_file

import facecluster.nets
from facecluster.records import Float32

HEAD = Path(facecluster.nets.__file__).with_name("facenet_head.safetensors")


def fit(vectors: Float32, dimension: int = 128) -> dict[str, Float32]:
    """``mean`` (D,) and ``projection`` (D, dimension) of the principal components with most variance."""
    mean = vectors.mean(0, dtype=np.float64)
    centred = vectors - mean
    _, components = np.linalg.eigh(centred.T @ centred)  # ascending
    projection = np.ascontiguousarray(components[:, ::-1][:, :dimension], np.float32)
    return {"mean": mean.astype(np.float32), "projection": projection}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with labels.csv, whose column 'path' lists the faces")
    parser.add_argument("--model", default="facenet-casia")
    parser.add_argument("--out", type=Path, default=HEAD)
    parser.add_argument("--keep", type=Path, help="also save the 512-D embeddings (npz)")
    options = parser.parse_args()
    with (options.data / "labels.csv").open(newline="") as file:
        files = [options.data / row["path"] for row in csv.DictReader(file)]
    portraits = embed_portraits(files, [options.model])
    vectors = portraits.vectors[options.model][portraits.found]
    if vectors.shape[1] != 512:
        raise SystemExit(f"{options.model} already has a head: remove {HEAD.name} first.")
    if options.keep:
        np.savez(
            options.keep,
            files=[str(f) for f in files],
            found=portraits.found,
            vectors=portraits.vectors[options.model],
        )
    save_file(fit(vectors), options.out)
    print(f"{len(vectors)} of {len(files)} faces; wrote {options.out}")


if __name__ == "__main__":
    main()
