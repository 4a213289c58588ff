"""The shape of a head: a lofted surface with Gaussian bumps for the features.

Lengths are in units of 100 mm, x to the viewer's right, y up, z towards the viewer. The origin lies between
the eyes on the axis that runs through the ears. A surface is a grid of points, so that normals, shadows and
fine sampling are array operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array: TypeAlias = NDArray[np.floating[Any]]
"""Numbers of either precision; what is big is float32."""

ROWS, COLUMNS = 280, 320
FRONT = 1.95
"""Half of the angle around the vertical axis, in radians, that the face's grid covers."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What makes a person: lengths relative to an average head (1 or 0), colours in sRGB 0..255."""

    width: float = 1.0
    length: float = 1.0
    jaw: float = 0.0
    chin: float = 0.0
    cheeks: float = 0.0
    fat: float = 0.0
    brow_ridge: float = 0.0
    nose_length: float = 1.0
    nose_width: float = 1.0
    nose_height: float = 1.0
    nose_bridge: float = 0.0
    eye_distance: float = 1.0
    eye_size: float = 1.0
    eye_tilt: float = 0.0
    lips: float = 1.0
    mouth_width: float = 1.0
    skin: tuple[int, int, int] = (224, 178, 150)
    lip_colour: tuple[int, int, int] = (180, 100, 92)
    iris: tuple[int, int, int] = (90, 60, 40)
    brow_thickness: float = 1.0
    brow_arch: float = 0.0
    hair: str = "short"
    hair_colour: tuple[int, int, int] = (60, 42, 30)
    beard: str = ""
    beard_colour: tuple[int, int, int] = (60, 42, 30)
    glasses: str = ""
    glasses_colour: tuple[int, int, int] = (25, 22, 22)
    scarf_colour: tuple[int, int, int] = (30, 60, 120)
    age: float = 0.2
    freckles: float = 0.0
    makeup: float = 0.0
    texture_seed: int = 0


@dataclass(frozen=True, slots=True)
class Expression:
    """What a face does: smile 0..1, mouth opening 0..1, eye opening about 1, gaze in units of an iris."""

    smile: float = 0.0
    mouth_open: float = 0.0
    eyes_open: float = 1.0
    gaze: float = 0.0
    brows_up: float = 0.0


@dataclass(slots=True)
class Surface:
    """A grid of points (H, W, 3) with linear colour (H, W, 3), shininess (H, W) and opacity (H, W)."""

    points: Array
    colour: Array
    gloss: Array
    opacity: Array = field(default_factory=lambda: np.ones((1, 1), np.float32))


# y, half width, centre z, front depth from the centre, back depth; from below the chin to the crown.
_PROFILE = np.array(
    [
        (-1.00, 0.03, 0.30, 0.06, 0.02),
        (-1.10, 0.20, 0.42, 0.22, 0.20),
        (-1.13, 0.30, 0.42, 0.33, 0.30),
        (-1.04, 0.38, 0.34, 0.47, 0.35),
        (-0.90, 0.46, 0.24, 0.58, 0.40),
        (-0.70, 0.55, 0.10, 0.73, 0.55),
        (-0.40, 0.64, 0.02, 0.82, 0.80),
        (-0.10, 0.69, 0.00, 0.85, 0.95),
        (0.20, 0.71, 0.00, 0.87, 1.00),
        (0.50, 0.72, 0.00, 0.85, 1.00),
        (0.77, 0.64, 0.00, 0.71, 0.90),
        (0.94, 0.48, 0.00, 0.52, 0.66),
        (1.02, 0.26, 0.00, 0.28, 0.36),
        (1.05, 0.00, 0.00, 0.00, 0.00),
    ]
)
_ARC = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(_PROFILE[:, [0, 1]], axis=0).T))])


def loft(rows: int, angles: Array, looks: Looks, grow: float = 0.0) -> tuple[Array, Array]:
    """The bare head: points (rows, len(angles), 3) and the face coordinates (…, 2) that features refer to.

    ``angles`` run around the vertical axis in radians, 0 at the nose; ``grow`` is an offset outwards.
    """
    arc = np.linspace(0.0, _ARC[-1], rows)
    y, half, centre, front, back = PchipInterpolator(_ARC, _PROFILE)(arc).T
    low = np.clip(-y - 0.1, 0.0, 1.0)
    half = half * looks.width * (1 + looks.jaw * low * 0.45 + looks.fat * low * 0.25)
    sine, cosine = np.sin(angles)[None], np.cos(angles)[None]
    x = (half[:, None] + grow) * sine
    depth = np.where(cosine > 0, front[:, None] + grow, back[:, None] + grow)
    z = centre[:, None] + depth * np.sign(cosine) * np.abs(cosine) ** 0.78
    rise = grow * np.clip((y - 0.3) / 0.8, 0.0, 1.0)
    face = np.stack([x / looks.width, np.broadcast_to(y[:, None], x.shape)], axis=-1)
    points = np.stack([x, np.broadcast_to((y * looks.length + rise)[:, None], x.shape), z], axis=-1)
    return points.astype(np.float32), face.astype(np.float32)


def bump(x: Array, y: Array, at: tuple[float, float], size: tuple[float, float]) -> Array:
    """A Gaussian hill of height 1 at ``at`` with standard deviations ``size``."""
    hill: Array = np.exp(-0.5 * (((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2))
    return hill


def mouth_line(x: Array, looks: Looks, expression: Expression) -> tuple[Array, Array]:
    """Height of the line between the lips and half the gap between them, at each ``x``."""
    half = mouth_half(looks, expression)
    u = np.clip(np.abs(x) / half, 0.0, 1.4)
    line = -0.745 + expression.smile * 0.12 * (u**1.7 - 0.35) - 0.012 * np.exp(-((u / 0.25) ** 2))
    gap = (0.075 * expression.mouth_open + 0.022 * expression.smile) * np.clip(1 - u**2, 0, 1)
    return line, gap


def mouth_half(looks: Looks, expression: Expression) -> float:
    """Half the width of the mouth."""
    return 0.235 * looks.mouth_width * (1 + 0.22 * expression.smile - 0.1 * expression.mouth_open)


def eye_x(looks: Looks) -> float:
    """Distance of an eye's centre from the middle of the face."""
    return 0.325 * looks.eye_distance


def face_points(looks: Looks, expression: Expression) -> tuple[Array, Array]:
    """The front of the head with its features: points and face coordinates, each (ROWS, COLUMNS, …)."""
    angles = np.linspace(-FRONT, FRONT, COLUMNS, dtype=np.float32)
    points, face = loft(ROWS, angles, looks)
    x, y = face[..., 0], face[..., 1]
    facing = np.clip(np.cos(angles), 0.0, 1.0)[None] ** 0.5
    out = _nose(x, y, looks) + _mouth(x, y, looks, expression)
    for side in (-1.0, 1.0):
        out += _half_face(x * side, y, looks, expression)
    out += (0.06 + 0.07 * looks.chin) * bump(x, y, (0, -1.03), (0.14, 0.09))
    points[..., 2] += (out * facing).astype(np.float32)
    side_fat = looks.fat * 0.10 * bump(np.abs(x), y, (0.62, -0.55), (0.25, 0.25))
    points[..., 0] += (np.sign(x) * side_fat).astype(np.float32)
    return points, face


def _nose(x: Array, y: Array, looks: Looks) -> Array:
    drop = (y - 0.05) / looks.nose_length
    stations = [-0.62, -0.56, -0.51, -0.46, -0.41, -0.25, -0.10, 0.02, 0.15, 0.25]
    heights = np.array([0.0, 0.04, 0.13, 0.23, 0.255, 0.18, 0.11, 0.06, 0.03, 0.0]) * looks.nose_height
    heights[5:8] += looks.nose_bridge * np.array([0.05, 0.07, 0.04])
    ridge = PchipInterpolator(stations, heights)(np.clip(drop, -0.62, 0.25))
    wide = np.interp(drop, [-0.5, -0.4, -0.2, 0.1], [0.105, 0.10, 0.07, 0.075]) * looks.nose_width
    out: Array = ridge * np.exp(-0.5 * np.abs(x / wide) ** 2.2)
    for side in (-1, 1):
        out += 0.105 * bump(x, drop, (side * 0.135 * looks.nose_width, -0.455), (0.05, 0.05))
    return out


def _mouth(x: Array, y: Array, looks: Looks, expression: Expression) -> Array:
    line, gap = mouth_line(x, looks, expression)
    half = mouth_half(looks, expression)
    inside = np.clip(1.15 - (x / half) ** 2, 0.0, 1.0) ** 0.5
    thick = 0.048 * looks.lips
    upper = np.exp(-0.5 * ((y - line - gap - thick) / (0.75 * thick)) ** 2)
    lower = np.exp(-0.5 * ((y - line + gap + 1.15 * thick) / (0.85 * thick)) ** 2)
    groove = np.exp(-0.5 * ((y - line) / (0.014 + gap)) ** 2)
    below = bump(x, y, (0, -0.90), (0.2, 0.05))
    arch = bump(x, y, (0, -0.74), (0.30, 0.20))
    philtrum = bump(x, y, (0, -0.60), (0.03, 0.05))
    out: Array = inside * (0.055 * upper + 0.06 * lower - 0.07 * groove) * looks.lips**0.5
    out += 0.05 * arch - 0.035 * below - 0.015 * philtrum
    return out


def _half_face(x: Array, y: Array, looks: Looks, expression: Expression) -> Array:
    eye, smile = eye_x(looks), expression.smile
    lift = 0.03 * expression.brows_up
    out = (0.05 + 0.06 * looks.brow_ridge) * bump(x, y, (eye, 0.19 + lift), (0.20, 0.055))
    out -= 0.115 * bump(x, y, (eye - 0.02, 0.02), (0.17, 0.12))
    out += 0.075 * bump(x, y, (eye, -0.005), (0.115, 0.075))
    out += (0.04 + 0.07 * looks.cheeks) * bump(x, y, (0.47, -0.24), (0.14, 0.10))
    out += (0.05 * looks.fat - 0.05 * max(0.0, -looks.fat)) * bump(x, y, (0.42, -0.55), (0.16, 0.18))
    out += 0.06 * smile * bump(x, y, (0.36, -0.38), (0.12, 0.10))
    fold = np.abs(x - (0.17 + 0.36 * np.clip(-0.42 - y, 0, 1) * (1 + 0.3 * smile)))
    along = np.exp(-0.5 * ((y + 0.58) / 0.11) ** 2)
    out -= (0.012 + 0.03 * smile + 0.025 * looks.age) * along * np.exp(-0.5 * (fold / 0.028) ** 2)
    under = np.abs(y + 0.12 + 0.12 * np.abs(x - eye))
    out -= 0.014 * looks.age * np.exp(-0.5 * (under / 0.02) ** 2) * np.exp(-(((x - eye) / 0.16) ** 2))
    result: Array = out
    return result
