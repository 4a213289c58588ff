"""How long the commands of a large library take: ``python benchmarks/people_speed.py [faces]``.

The faces are made up as in ``cluster_memory.py``. All but 1,000 are clustered, then these are added, and the time
of clustering again is taken; then that of whole processes of ``facecluster people``, start-up included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from cluster_memory import library

from facecluster.people import ClusterOptions
from facecluster.pipeline.cluster import QualityGate, cluster
from facecluster.records import Box, Face, Float32, Int64, Photo
from facecluster.store import Store

NEW = 1000


def add(store: Store, vectors: Float32, photo: Int64) -> None:
    """Faces in their photos, some of which are there already."""
    known = {int(row.sha256, 16): id_ for id_, row in store.photos.all().items()}
    landmarks = np.zeros((5, 2), np.float32)
    with store.transaction():
        for number, vector in zip(photo.tolist(), vectors, strict=True):
            if number not in known:
                known[number] = store.photos.add(Photo(f"{number:064x}", "JPEG", 4000, 3000), "")
            face = Face(Box(0, 0, 200, 250), landmarks, 0.99, 200.0, 1.0)
            store.faces.add_vectors([store.faces.add(known[number], face, b"")], vector[None], "mark")


def timed(what: str, *command: str, db: Path) -> None:
    program = [sys.executable, "-m", "facecluster", *command, "--db", str(db)]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(program, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    print(f"{what}: {sorted(seconds)[1]:.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=int, nargs="?", default=100_000)
    faces = parser.parse_args().faces
    vectors, _, photo = library(faces, people=faces // 50)
    with tempfile.TemporaryDirectory() as place:
        db = Path(place) / "library.db"
        with Store(db) as store:
            store.faces.add_model("mark", "facenet", 128)
            store.faces.use_model("mark")
            for part, what in ((slice(0, -NEW), "first"), (slice(-NEW, None), f"after {NEW} more")):
                add(store, vectors[part], photo[part])
                start = time.perf_counter()
                result = cluster(store, "mark", ClusterOptions(), QualityGate())
                print(
                    f"cluster, {what}: {time.perf_counter() - start:.1f} s, {len(result.people)} people",
                    flush=True,
                )
            far = str(store.people.faces_of(9)[-1].face_id)
        timed("people", "people", db=db)
        timed("people show", "people", "show", "1", db=db)
        timed("people name", "people", "name", "1", "Anna", db=db)
        timed("people move", "people", "move", far, "--to", "8", db=db)
        timed("people reject", "people", "reject", far, "--from", "8", db=db)
        timed("people confirm", "people", "confirm", "5", "--yes", db=db)
        timed("people born", "people", "born", "5", "2001-02-03", db=db)
        timed("people ignore", "people", "ignore", "5", "--yes", db=db)
        timed("people undo", "people", "undo", db=db)
        timed("people history", "people", "history", db=db)


if __name__ == "__main__":
    main()
