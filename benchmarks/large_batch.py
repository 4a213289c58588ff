"""Memory and speed of one step on FaceNet's batch of 45 × 40 = 1,800 faces at 160 pixels.

    python benchmarks/large_batch.py

The pictures are noise: what they show makes no difference to either figure. Gradients are cached, so that only
``--chunk`` faces are in the network at a time; see ``training/cached.py``.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np

from facecluster.nets.architectures import freeze
from facecluster.training.learner import Learner
from facecluster.training.losses import make_loss
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import pupil


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=45)
    parser.add_argument("--faces", type=int, default=40)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--start", default="facenet")
    given = parser.parse_args()
    one = pupil("facenet", given.start, seed=0)
    options = TrainOptions(people=given.people, faces=given.faces, chunk=given.chunk, precision="fp32")
    learner = Learner(one.net, freeze(one.net, one.kind), make_loss("triplet", 128, given.people), options)
    count = given.people * given.faces
    pictures = np.random.default_rng(0).integers(0, 256, (count, 160, 160, 3), np.uint8)
    started = time.perf_counter()
    figures = learner.learn(pictures, np.repeat(np.arange(given.people), given.faces), count, None)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    print(f"{count} faces in {seconds:.0f} s, {count / seconds:.1f} images/s, {peak:.2f} GiB at most; {figures}")


if __name__ == "__main__":
    main()
