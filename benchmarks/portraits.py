"""Embeddings of photos that show one person each: the face nearest to the centre, or the centre itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from facecluster import faces
from facecluster.embeddings import Embedder, embed
from facecluster.records import Box, Face, Float32, UInt8

CENTRE_SHARE = 0.45
"""Width of the centre crop's box, as a share of the photo: about what a face covers in LFW's photos."""


@dataclass(frozen=True, slots=True)
class Portraits:
    """``vectors`` holds (N, dimension) float32 for each model; ``found`` (N,) bool: MTCNN found a face."""

    vectors: dict[str, Float32]
    found: np.ndarray


@dataclass(frozen=True, slots=True)
class Chips:
    """Faces of N photos as ``embed`` takes them; ``found`` (N,) bool: MTCNN found a face."""

    chips: UInt8
    landmarks: Float32
    sides: Float32
    found: np.ndarray


def embed_portraits(files: Sequence[Path], models: Iterable[str], workers: int = 2) -> Portraits:
    detector = faces.Detector.load("cpu")
    embedders = [Embedder.load(name, "cpu") for name in models]

    def work(batch: tuple[Path, ...]) -> tuple[dict[str, Float32], np.ndarray]:
        seen = _chips(batch, detector)
        return {e.spec.name: embed(seen.chips, seen.landmarks, seen.sides, e) for e in embedders}, seen.found

    batches = [tuple(files[i : i + 32]) for i in range(0, len(files), 32)]
    with ThreadPoolExecutor(workers) as pool:
        results = list(track(pool.map(work, batches), total=len(batches), description="faces"))
    vectors = {e.spec.name: np.concatenate([v[e.spec.name] for v, _ in results]) for e in embedders}
    return Portraits(vectors, np.concatenate([found for _, found in results]))


def portrait_chips(files: Sequence[Path]) -> Chips:
    return _chips(files, faces.Detector.load("cpu"))


def _chips(files: Sequence[Path], detector: faces.Detector) -> Chips:
    images = [Image.open(file).convert("RGB") for file in files]
    found = faces.detect(images, detector)
    chosen = [_central(image, seen) for image, seen in zip(images, found, strict=True)]
    chips = np.stack([faces.cut(image, face.box) for image, face in zip(images, chosen, strict=True)])
    points = np.stack([faces.landmarks_in_chip(face.landmarks, face.box) for face in chosen])
    sides = np.array([[face.box.width, face.box.height] for face in chosen], np.float32)
    return Chips(chips, points, sides, np.array([bool(seen) for seen in found]))


def _central(image: Image.Image, found: list[Face]) -> Face:
    centre = np.array(image.size) / 2

    def off_centre(face: Face) -> float:
        middle = np.array([face.box.x0 + face.box.x1, face.box.y0 + face.box.y1]) / 2
        return float(np.abs(middle - centre).sum())

    return min(found, key=off_centre) if found else _centre_crop(image)


def _centre_crop(image: Image.Image) -> Face:
    """What the paper does where no face is found; the landmarks are those of an average upright face."""
    width, height = image.width * CENTRE_SHARE * 0.8, image.height * CENTRE_SHARE
    x0, y0 = (image.width - width) / 2, (image.height - height) / 2
    share = np.array([[0.31, 0.39], [0.69, 0.39], [0.5, 0.6], [0.34, 0.78], [0.66, 0.78]])
    landmarks = (share * [width, height] + [x0, y0]).astype(np.float32)
    return Face(Box(x0, y0, x0 + width, y0 + height), landmarks, score=0.0)
