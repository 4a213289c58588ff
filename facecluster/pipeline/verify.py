"""Verify: whether two photos show one person (1:1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facecluster.errors import UnreadablePhotoError, UsageError
from facecluster.faces import DetectOptions
from facecluster.nets.far import FarCurve, far_curve
from facecluster.pipeline.networks import looker
from facecluster.pipeline.outcomes import Claims, Outcome, Seen


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether two faces are one person's: ``same`` when the squared L2 ``distance`` is at most ``threshold``.

    ``far`` is the share of pairs of different people that are as near as ``threshold``, the false-accept rate;
    ``far_here`` that of pairs as near as these two. ``faces`` are how many each photo shows: the largest counts.
    """

    same: bool
    distance: float
    threshold: float
    far: float
    far_here: float
    faces: tuple[int, int]


def verify(
    one: Path, other: Path, *, far: float = 1e-3, model: str = "facenet", device: str = "auto"
) -> Verification:
    """Compare the largest faces of two photos, at the distance with the false-accept rate ``far``.

    FaceNet (Schroff et al. 2015), section 4: two faces are one person's when their squared L2 distance is below a
    threshold. Raises ``UnreadablePhotoError``, ``UsageError`` for a photo without a face or a model of which the
    rate was not measured, ``WeightsError``.
    """
    curve = _curve(model, far)
    look = looker(model, device, DetectOptions())
    first, second = (look(path, Claims(set())) for path in (one, other))
    a, b = _largest(one, first), _largest(other, second)
    distance = float(((a.vector - b.vector) ** 2).sum())
    threshold = curve.distance(far)
    return Verification(
        distance <= threshold, distance, threshold, far, curve.rate(distance), (len(first.seen), len(second.seen))
    )


def _curve(model: str, far: float) -> FarCurve:
    curve = far_curve(model, "face")
    if curve is None:
        raise UsageError(f"It was not measured how often {model} mistakes people: choose another --model.")
    if not curve.rates[-1] <= far <= curve.rates[0]:
        raise UsageError(f"--far must be between {curve.rates[-1]:g} and {curve.rates[0]:g}.")
    return curve


def _largest(path: Path, outcome: Outcome) -> Seen:
    if outcome.photo is None:
        raise UnreadablePhotoError(path, outcome.reason or "the file is not there")
    if not outcome.seen:
        raise UsageError(f"No face was found in {path}: choose a photo that shows one larger or more frontal.")
    return max(outcome.seen, key=lambda seen: seen.face.box.width * seen.face.box.height)
