"""Is what a scan finds what plain float32 finds? Boxes, landmarks and embeddings, on the same photos.

    python benchmarks/scan_accuracy.py ../shared/data/photos
    python benchmarks/scan_accuracy.py ../shared/data/photos --every 10
    python benchmarks/scan_accuracy.py ../shared/data/photos --again

The plain side is facenet-pytorch's ``MTCNN.detect`` on the upright photo, decoded in full, and torch's float32
networks on crops that are cut from it around the plain side's own boxes. Ours is ``facecluster scan`` with its
defaults, and what it stored. A box is found where one of the other side overlaps it by one half (intersection over
union). Recall is of the plain boxes with a score of 0.9 or more, precision of our boxes with such a score, and the
other side's box may have any; both are also given for scores of 0.9 on both sides. The landmark error of a face is
that of the worst of its five, as a share of the longer side of the plain box.

``--again`` compares the plain side with itself where torch adds up in another order (without oneDNN):
how far two runs in float32 are apart. MTCNN keeps the best of many boxes of a face, whose probabilities are often
alike to the last digit.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from agreement import SURE, Comparison, Known
from facenet_pytorch import MTCNN
from libraries import chosen
from PIL import Image
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rivals import MIN_FACE, upright

from facecluster import Library, faces
from facecluster.embeddings import Embedder, embed
from facecluster.faces.options import DetectorName
from facecluster.nets.crops import embedder_of
from facecluster.nets.specs import spec_of
from facecluster.records import Box, Face, Float32, UInt8

MODELS = ("facenet", "sface")
FOUND, SHIFT, ALIKE, MOST = 0.995, 0.02, 0.995, 0.99
"""The bars: recall and precision; landmark error; cosine, and the share of faces that it is asked of."""


class Plain:
    """The faces of a photo and their embeddings, in float32 by torch."""

    def __init__(self) -> None:
        self.mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE, device="cpu")
        self.embedders = [embedder(name) for name in MODELS]

    def __call__(self, file: Path) -> list[Known]:
        image = upright(file)
        found = self.find(image)
        return self._embedded(image, found) if found else []

    def find(self, image: Image.Image) -> list[Face]:
        boxes, scores, landmarks = self.mtcnn.detect(image, landmarks=True)
        told = () if boxes is None else zip(boxes, scores, landmarks, strict=True)
        return [
            Face(Box(*map(float, corners)), np.asarray(points, np.float32), float(score))
            for corners, score, points in told
            if corners[2] > corners[0] and corners[3] > corners[1]
        ]

    def _embedded(self, image: Image.Image, found: list[Face]) -> list[Known]:
        chips = np.stack([faces.cut(np.asarray(image), face.box) for face in found])
        points = np.stack([faces.landmarks_in_chip(face.landmarks, face.box) for face in found])
        sides = np.array([[face.box.width, face.box.height] for face in found], np.float32)
        vectors = {one.spec.name: embed(chips, points, sides, one) for one in self.embedders}
        return [Known(face, {name: rows[i] for name, rows in vectors.items()}) for i, face in enumerate(found)]


def embedder(name: str) -> Embedder:
    spec = spec_of(name)
    net = embedder_of(spec).eval()

    def run(crops: Float32 | UInt8) -> list[Float32]:
        with torch.inference_mode():
            return [net(torch.tensor(np.ascontiguousarray(crops)).float()).numpy()]

    return Embedder(spec, "", run)


def ours(files: Sequence[Path], place: Path, model: str, detector: DetectorName) -> dict[Path, list[Known]]:
    """What a scan stored, by photo; files that it could not read are left out."""
    with Library(place / f"{model}.db") as library:
        library.scan(files, model=model, device="cpu", options=faces.DetectOptions(detector=detector))
        store, mark = library.store, library.store.faces.model()
        assert mark is not None
        ids, vectors = store.faces.vectors(mark[0])
        by_photo: dict[int, list[Known]] = {id_: [] for id_ in store.photos.all()}
        for face in store.faces.all():
            by_photo[face.photo_id].append(Known(face.face, {model: vectors[np.searchsorted(ids, face.id)]}))
        known = store.photos.known_files()
    return {path: by_photo[file.photo_id] for path, file in known.items() if file.photo_id is not None}


def table(compared: Comparison) -> Table:
    """What of the boxes and landmarks agrees; embeddings are added by ``add_cosines``."""
    made = Table("against plain float32", "", "bar", "met", box=box.SIMPLE, pad_edge=False)
    for what, ask in (("recall", compared.recall), ("precision", compared.precision)):
        add_share(made, what, ask, FOUND)
    shifts = compared.shifts()
    median, high = np.percentile(shifts, [50, 99])
    made.add_row("landmark error: median, 99th percentile", f"{median:.2%}, {high:.2%}", "", "")
    within = float((shifts <= SHIFT).mean())
    made.add_row(f"landmarks within {SHIFT:.0%} of the face", f"{within:.2%}", "all", met(within == 1))
    return made


def add_cosines(made: Table, model: str, cosines: Float32) -> None:
    low, middle = np.percentile(cosines, [1, 50])
    made.add_row(f"{model}: cosine, 1st percentile, median", f"{low:.4f}, {middle:.4f}", "", "")
    alike = float((cosines >= ALIKE).mean())
    made.add_row(f"{model}: cosine ≥ {ALIKE}", f"{alike:.2%}", f"≥ {MOST:.0%}", met(alike >= MOST))


def add_share(made: Table, what: str, ask: Callable[[float], tuple[int, int]], bar: float) -> None:
    for least, how, wanted in ((0.0, "", f"≥ {bar:.1%}"), (SURE, ", score ≥ 0.9 on both sides", "")):
        hit, asked = ask(least)
        verdict = met(hit >= bar * asked) if wanted else ""
        made.add_row(what + how, f"{hit} of {asked}, {hit / asked:.2%}", wanted, verdict)


def met(is_met: bool) -> str:
    return "yes" if is_met else "NO"


def report(who: str, theirs: dict[Path, list[Known]], own: dict[str, dict[Path, list[Known]]]) -> None:
    """Print how far one side agrees with the plain one; what it found is by model and photo."""
    compared = {
        model: Comparison([(known, found.get(file, [])) for file, known in theirs.items()])
        for model, found in own.items()
    }
    counts = [sum(map(len, found.values())) for found in (theirs, own[MODELS[0]])]
    print(f"{len(theirs)} photos, faces in all: plain {counts[0]}, {who} {counts[1]}")
    made = table(compared[MODELS[0]])
    for model in MODELS:
        add_cosines(made, model, compared[model].cosines(model))
    Console().print(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every n-th photo of the folder")
    parser.add_argument("--again", action="store_true", help="compare the plain side with itself, too")
    parser.add_argument(
        "--detector", action="append", choices=("mtcnn", "yunet"), help="what scans find faces with"
    )
    options = parser.parse_args()
    files, plain = chosen(options.folder, options.every), Plain()
    theirs = {file: plain(file) for file in track(files, description="plain float32")}
    if options.again:
        with torch.backends.mkldnn.flags(enabled=False):
            again = {file: plain(file) for file in track(files, description="in another order")}
        report("plain float32, adding up in another order", theirs, dict.fromkeys(MODELS, again))
    with tempfile.TemporaryDirectory() as place:
        for detector in options.detector or ["mtcnn"]:
            folder = Path(tempfile.mkdtemp(dir=place))
            own = {model: ours(files, folder, model, detector) for model in MODELS}
            report(f"facecluster with {detector}", theirs, own)


if __name__ == "__main__":
    main()
