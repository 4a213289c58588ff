"""Seconds, memory and quality of clustering many made-up faces: ``python benchmarks/cluster_memory.py [faces]``.

Faces of 2,000 people (2 % of the number of faces) lie around a random direction each, the spread differing by
person and by face; numbers of faces fall with rank as in Zipf's law. One face in ten is noise: a person of whom
there is no other. Photos hold one to four faces.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from facecluster.evaluation import bcubed
from facecluster.people import ClusterOptions, Constraints, cluster
from facecluster.records import Float32, Int64

NOISE = 0.1


def unit(vectors: Float32) -> Float32:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def library(faces: int, people: int, seed: int = 0) -> tuple[Float32, Int64, Int64]:
    """Vectors (N, 128) float32, person (N,) and photo (N,) of a made-up library."""
    rng = np.random.default_rng(seed)
    known = int(faces * (1 - NOISE))
    share = 1 / (np.arange(people) + 10.0)
    person = rng.choice(people, known, p=share / share.sum())
    person = np.concatenate((person, people + np.arange(faces - known)))
    centres = unit(rng.standard_normal((people + faces - known, 128), np.float32))
    spread = rng.uniform(0.5, 0.9, people + faces - known)[person] * rng.lognormal(0, 0.15, faces)
    offset = rng.standard_normal((faces, 128), np.float32) / np.float32(np.sqrt(128))
    vectors = unit(centres[person] + spread[:, None].astype(np.float32) * offset)
    photo = np.repeat(np.arange(faces), rng.integers(1, 5, faces))[:faces]
    order = rng.permutation(faces)
    return vectors[order], person[order], photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=int, nargs="?", default=100_000)
    faces = parser.parse_args().faces
    vectors, person, photo = library(faces, people=faces // 50)
    start = time.perf_counter()
    grouping = cluster(vectors, Constraints(photo, np.ones(faces, bool)), ClusterOptions())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    score = bcubed(grouping.labels, person)
    print(f"{faces:,} faces: {grouping.labels.max() + 1:,} people in {seconds:.0f} s, peak {peak:.2f} GiB")
    print(f"B-cubed precision {score.precision:.4f}, recall {score.recall:.4f}, F {score.f:.4f}")


if __name__ == "__main__":
    main()
