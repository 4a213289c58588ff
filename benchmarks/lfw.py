"""Verification on Labeled Faces in the Wild: the official ten folds, for each model.

    python benchmarks/lfw.py ../shared/data/lfw --model facenet --model sface

With ``--plain``, faces are found by facenet-pytorch's MTCNN, photo by photo, and embedded in float32 by torch.
The folder holds a folder per person and ``pairs.txt``. What is measured is what `facecluster evaluate lfw`
measures, on the processor; here it is one line for each model, and nothing is recorded.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import Progress
from scan_accuracy import MODELS as PLAIN_MODELS
from scan_accuracy import Plain

from facecluster.embeddings import embed
from facecluster.evaluation.verification import Verification
from facecluster.nets.specs import MODELS
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.verification import PairsRun, measure_lfw
from facecluster.pipeline.portraits import Portrayer
from facecluster.records import Face, UInt8


class PlainOptions(MeasureOptions):
    def load(self) -> Portrayer:
        plain = Plain()

        def find(images: Sequence[UInt8]) -> list[list[Face]]:
            return [plain.find(Image.fromarray(np.asarray(image))) for image in images]

        embedders = {one.spec.name: partial(embed, embedder=one) for one in plain.embedders}
        return Portrayer(find, {name: embedders[name] for name in self.models})


def measure(folder: Path, options: MeasureOptions) -> PairsRun:
    with Progress() as progress:
        bar = progress.add_task("faces", total=None)
        return measure_lfw(
            folder,
            options,
            on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )


def line(name: str, found: Verification) -> str:
    told = [f"{name}: {found.accuracy.mean:.2%} ± {found.accuracy.error:.2%}"]
    for one in found.at_far:
        assert one.folds is not None
        told.append(f"VAL@FAR {one.rate:.0e} {one.folds.mean:.2%} (all pairs {one.val:.2%})")
    return ", ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", choices=list(MODELS), default=[])
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--detector", choices=("mtcnn", "yunet"), default="mtcnn")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.plain and (options.flip or options.detector != "mtcnn" or not {*options.model} <= {*PLAIN_MODELS}):
        parser.error(f"--plain goes with --model alone, which may be {' or '.join(PLAIN_MODELS)}")
    with_these = (PlainOptions if options.plain else MeasureOptions)(
        tuple(options.model or ["facenet"]), "cpu", options.flip, detector=options.detector
    )
    figures = measure(options.folder, with_these).figures
    left_out = f" ({figures.left_out} left out)" if figures.left_out else ""
    print(f"{figures.photos} photos, {figures.centred} without a face found, {figures.listed} pairs{left_out}")
    for model in figures.models:
        print(line(model.model, model.verification))


if __name__ == "__main__":
    main()
