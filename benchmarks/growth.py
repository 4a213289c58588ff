"""What a growing library does to the people who are there already.

    python benchmarks/growth.py ../shared/data/lfw

The folder holds a folder per person; its photos are scanned once (``--db FILE`` keeps that). Then libraries are
made of these faces. One lacks a few photos at first: how many of the other faces change person when they come, one
by one? Another gets its photos in ten shuffled parts and is clustered after each: how near does its B-cubed F come
to that of clustering all at once? The label of a photo is that of the face nearest to its centre.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from facecluster import Library
from facecluster.evaluation import Score, bcubed
from facecluster.pipeline.cluster import QualityGate, cluster
from facecluster.records import Int64
from facecluster.store import Store, StoredFace

Faces = dict[int, list[tuple[StoredFace, np.ndarray]]]


class Copy:
    """Libraries with the faces of ``library``, photo by photo."""

    def __init__(self, library: Library, place: Path) -> None:
        known = library.store.faces.model()
        assert known is not None
        self.model, self.options, self.place = known[0], library.cluster_options(), place
        ids, vectors = library.store.faces.vectors(self.model)
        found = {face.id: face for face in library.store.faces.all()}
        self.photos, self.paths = library.store.photos.all(), library.store.photos.paths()
        self.faces: Faces = {photo: [] for photo in self.photos}
        for i, id_ in enumerate(ids.tolist()):
            self.faces[found[id_].photo_id].append((found[id_], vectors[i : i + 1]))

    def in_order(self) -> list[int]:
        """The photos in an order that is the same however they were scanned."""
        return sorted(self.photos, key=lambda id_: self.photos[id_].sha256)

    def empty(self, name: str) -> Store:
        store = Store(self.place / name)
        store.faces.add_model(self.model, "facenet", 128)
        store.faces.use_model(self.model)
        return store

    def add(self, store: Store, photos: Iterable[int]) -> None:
        with store.transaction():
            for photo in photos:
                new = store.photos.add(self.photos[photo], "")
                for found, vector in self.faces[photo]:
                    store.faces.add_vectors([store.faces.add(new, found.face, b"")], vector, self.model)

    def cluster(self, store: Store, anew: bool = False) -> float:
        start = time.perf_counter()
        cluster(store, self.model, self.options, QualityGate(), anew=anew)
        return time.perf_counter() - start

    def score(self, store: Store) -> Score:
        """B-cubed precision, recall and F of the central faces."""
        sha256 = {photo.sha256: self.paths[id_].parent.name for id_, photo in self.photos.items()}
        photos = store.photos.all()
        central: dict[int, tuple[float, int]] = {}
        for found in store.faces.all():
            box, photo = found.face.box, photos[found.photo_id]
            off = abs(box.x0 + box.x1 - photo.width) + abs(box.y0 + box.y1 - photo.height)
            central[found.photo_id] = min(central.get(found.photo_id, (np.inf, 0)), (off, found.id))
        names = sorted(set(sha256.values()))
        owner = owners(store)
        truth = np.array([names.index(sha256[photos[photo].sha256]) for photo in central])
        return bcubed(np.array([owner[face] for _, face in central.values()]), truth)


def owners(store: Store) -> dict[int, int]:
    return {face: -1 if a.person_id is None else a.person_id for face, a in store.people.assignments().items()}


def new_mates(before: dict[int, int], after: dict[int, int]) -> float:
    """The share of faces with other faces at their side than before, whatever their person is called."""
    faces = sorted(before)
    return float(
        np.mean(_sides(np.array([before[f] for f in faces])) != _sides(np.array([after[f] for f in faces])))
    )


def _sides(owner: Int64) -> Int64:
    """A number for the set of faces (N,) that each face belongs to; that of nobody for itself alone."""
    sets: dict[int, list[int]] = {}
    for i, id_ in enumerate(owner.tolist()):
        sets.setdefault(id_, []).append(i)
    return np.array([hash((i,)) if id_ < 0 else hash(tuple(sets[id_])) for i, id_ in enumerate(owner.tolist())])


def stability(copy: Copy, photos: list[int], times: int) -> None:
    with copy.empty("one.db") as store:
        copy.add(store, photos[times:])
        copy.cluster(store)
        for photo in photos[:times]:
            before = owners(store)
            copy.add(store, [photo])
            seconds = copy.cluster(store)
            after = owners(store)
            moved = np.mean([after[face] != id_ for face, id_ in before.items()])
            print(
                f"one photo more: {moved:.3%} of {len(before)} faces change person ({seconds:.1f} s)", flush=True
            )
        copy.cluster(store, anew=True)
        print(f"formed anew: {new_mates(after, owners(store)):.1%} of the faces have other mates")


def told(score: Score) -> str:
    return f"B-cubed precision {score.precision:.4f}, recall {score.recall:.4f}, F {score.f:.4f}"


def parts(copy: Copy, photos: list[int], count: int) -> None:
    with copy.empty("all.db") as store:
        copy.add(store, photos)
        seconds = copy.cluster(store)
        print(f"at once ({seconds:.1f} s): {told(copy.score(store))}", flush=True)
    with copy.empty("parts.db") as store:
        for part in np.array_split(np.array(photos), count):
            copy.add(store, part.tolist())
            copy.cluster(store)
        print(f"in {count} parts: {told(copy.score(store))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--db", type=Path, help="keep the scan here, or take it from here")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, Library(options.db or Path(place) / "scan.db") as library:
        library.scan([options.folder])
        copy = Copy(library, Path(place))
        photos = np.random.default_rng(0).permutation(copy.in_order()).tolist()
        print(f"{len(photos)} photos, {sum(map(len, copy.faces.values()))} faces")
        stability(copy, photos, options.times)
        parts(copy, photos, 10)


if __name__ == "__main__":
    main()
