"""How long the commands of a large library take: ``python benchmarks/people_speed.py [faces]``.

The faces are made up as in ``cluster_memory.py``. All but 1,000 are clustered, then these are added, and the time
of clustering again is taken; then that of whole processes of ``facecluster people`` and others, start-up included.
With ``--photo FILE``, ``find`` looks for the people of a real photo among them, with the load and without.
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

from facecluster import Library
from facecluster.nets.weights import fingerprint
from facecluster.people import ClusterOptions
from facecluster.pipeline.cluster import QualityGate, cluster
from facecluster.records import Box, Face, Float32, Int64, Photo
from facecluster.store import Store

NEW = 1000
MARK = fingerprint("facenet")


def add(store: Store, vectors: Float32, photo: Int64) -> None:
    """Faces in their photos, some of which are there already."""
    known = {int(row.sha256, 16): id_ for id_, row in store.photos.all().items()}
    landmarks = np.zeros((5, 2), np.float32)
    with store.transaction():
        for number, vector in zip(photo.tolist(), vectors, strict=True):
            if number not in known:
                known[number] = store.photos.add(Photo(f"{number:064x}", "JPEG", 4000, 3000), "")
            face = Face(Box(0, 0, 200, 250), landmarks, 0.99, 200.0, 1.0)
            store.faces.add_vectors([store.faces.add(known[number], face, b"")], vector[None], MARK)


def timed(what: str, *command: str, db: Path, times: int = 3, check: bool = True) -> None:
    program = [sys.executable, "-m", "facecluster", *command, "--db", str(db)]
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(program, check=check, capture_output=True)
        seconds.append(time.perf_counter() - start)
    print(f"{what}: {sorted(seconds)[times // 2]:.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=int, nargs="?", default=100_000)
    parser.add_argument("--photo", type=Path)
    options = parser.parse_args()
    faces = options.faces
    vectors, _, photo = library(faces, people=faces // 50)
    with tempfile.TemporaryDirectory() as place:
        db = Path(place) / "library.db"
        with Store(db) as store:
            store.faces.add_model(MARK, "facenet", 128)
            store.faces.use_model(MARK)
            for part, what in ((slice(0, -NEW), "first"), (slice(-NEW, None), f"after {NEW} more")):
                add(store, vectors[part], photo[part])
                start = time.perf_counter()
                result = cluster(store, MARK, ClusterOptions(), QualityGate())
                print(
                    f"cluster, {what}: {time.perf_counter() - start:.1f} s, {len(result.people)} people",
                    flush=True,
                )
            near, far = (str(store.people.faces_of(person)[-1].face_id) for person in (7, 9))
        commands(db, near, far)
        if options.photo:
            timed("find", "find", str(options.photo), db=db)
            find(db, options.photo)


def commands(db: Path, near: str, far: str) -> None:
    """``near`` is a face of person 7, ``far`` one of person 9."""
    timed("people", "people", db=db)
    for command in (
        "show 1",
        "name 1 Anna",
        f"move {far} --to 8",
        f"reject {far} --from 8",
        "confirm 5 --yes",
        "born 5 2001-02-03",
        f"different {near} {far}",
        "ignore 5 --yes",
        "unignore 5 --yes",
        "undo",
        "redo",
        "history",
    ):
        timed(f"people {command.split()[0]}", "people", *command.split(), db=db)
    timed("people split", "people", "split", "7", "--faces", near, db=db, times=1)
    timed("people merge", "people", "merge", "20", "21", "--yes", db=db, times=1)
    timed("people export", "people", "export", str(db.with_name("people.json")), db=db, times=1)
    timed("people import", "people", "import", str(db.with_name("people.json")), "--yes", db=db)
    timed("find --person", "find", "--person", "1", "--with", "2", db=db)
    timed("suggest", "suggest", "--json", db=db)
    timed("explain", "explain", near, db=db)
    timed("calibrate", "calibrate", "--rate", "0.01", db=db, check=False)


def find(db: Path, photo: Path) -> None:
    """The time of one photo once everything is loaded."""
    with Library(db) as library:
        finder = library.finder()
        finder(photo)
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            found = finder(photo)
            seconds.append(time.perf_counter() - start)
    print(f"find, without the load: {1000 * sorted(seconds)[10]:.1f} ms, {len(found.faces)} faces", flush=True)


if __name__ == "__main__":
    main()
