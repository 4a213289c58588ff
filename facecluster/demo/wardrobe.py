"""What surrounds a face: hair or a scarf, ears, neck, shirt, glasses. All are surfaces like the face itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facecluster.demo.head import Array, Expression, Looks, Surface, eye_x, face_points
from facecluster.demo.paint import linear, noise, paint_face


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to wear hair: how low it hangs at angles away from the nose, how thick, how wild.

    ``line`` gives heights of the hair's lower edge at the angles of `_ANGLES`; ``top`` and ``sides`` are
    thicknesses, ``curl`` the depth of the curls, ``part`` the sideways slope of the edge over the forehead.
    """

    line: tuple[float, ...]
    top: float = 0.10
    sides: float = 0.05
    curl: float = 0.012
    curl_size: float = 0.0
    part: float = 0.0
    bottom: float = -0.9
    flare: float = 0.0


_ANGLES = (0.0, 0.5, 0.9, 1.15, 1.32, 1.5, 1.8, 2.2, 3.2)
_SHORT = (0.67, 0.66, 0.58, 0.30, -0.10, 0.18, 0.10, -0.60, -0.72)
CUTS = {
    "short": Cut(_SHORT, top=0.12, sides=0.05),
    "parted": Cut((0.60, 0.60, 0.52, 0.25, -0.15, 0.15, 0.10, -0.6, -0.75), top=0.20, sides=0.07, part=0.20),
    "buzz": Cut((0.68, 0.67, 0.60, 0.34, 0.0, 0.22, 0.12, -0.5, -0.6), top=0.05, sides=0.05, curl=0.004),
    "receding": Cut((0.90, 0.94, 0.80, 0.30, -0.05, 0.18, 0.10, -0.6, -0.72), top=0.03, sides=0.06),
    "fringe": Cut((0.30, 0.30, 0.26, 0.0, -0.75, -0.8, -0.8, -0.85, -0.9), top=0.13, sides=0.14, flare=0.03),
    "long": Cut((0.70, 0.60, 0.38, 0.05, -1.6, -1.7, -1.7, -1.7, -1.7), 0.13, 0.13, bottom=-1.75, flare=0.16),
    "wavy": Cut((0.68, 0.56, 0.32, -0.2, -1.5, -1.7, -1.7, -1.7, -1.7), 0.20, 0.24, 0.05, 0.16, 0.16, -1.75, 0.3),
    "afro": Cut((0.60, 0.60, 0.54, 0.32, -0.2, -0.4, -0.5, -0.7, -0.7), 0.62, 0.55, 0.05, 0.07),
    "curly": Cut((0.58, 0.56, 0.46, 0.25, -0.3, -0.6, -0.7, -0.8, -0.8), 0.30, 0.22, 0.06, 0.11),
    "back": Cut((0.69, 0.67, 0.60, 0.36, 0.10, 0.20, 0.10, -0.4, -0.5), top=0.07, sides=0.04),
}


def head(looks: Looks, expression: Expression) -> list[Surface]:
    """The surfaces that turn with the head."""
    points, face = face_points(looks, expression)
    colour, gloss = paint_face(face, looks, expression)
    parts = [Surface(points, colour, gloss)]
    if looks.hair not in ("scarf", "long", "wavy", "fringe"):
        parts += [_ear(looks, side) for side in (-1, 1)]
    if looks.hair in CUTS:
        parts.append(_hair(looks, CUTS[looks.hair]))
    if looks.hair == "scarf":
        parts.append(_scarf(looks))
    if looks.glasses:
        parts += _glasses(looks)
    return parts


def body(looks: Looks, shirt: tuple[int, int, int]) -> list[Surface]:
    """Neck and shoulders, which stay upright."""
    return [_neck(looks), _torso(looks, shirt)]


def _shell(looks: Looks, bottom: float, sides: float, top: float, flare: float) -> tuple[Array, Array, Array]:
    """A dome over the head that hangs straight down to ``bottom``: points, angles (1, W), heights (H, 1)."""
    around = np.pi if sides > 0.1 or bottom < -1 else 2.1  # full hair is seen from within, behind the neck
    angles = np.linspace(-around, around, int(115 * around), dtype=np.float32)[None]
    dome = np.linspace(0, np.pi / 2, 130, dtype=np.float32)
    straight = np.linspace(bottom, 0.40, 150, dtype=np.float32)[:-1]
    heights = np.concatenate([straight, 0.40 + 0.65 * np.sin(dome)])[:, None]
    close = np.concatenate([np.ones(149, np.float32), np.clip(np.cos(dome), 0, 1) ** 0.85])[:, None]
    rise = np.concatenate([np.zeros(149, np.float32), np.sin(dome)])[:, None]
    wider = sides + flare * np.clip(0.2 - heights, 0, 1.5)
    sine, cosine = np.sin(angles), np.cos(angles)
    x = (0.725 * looks.width + wider) * close * sine
    deep = np.where(cosine > 0, 0.87 + 0.5 * sides + 0.3 * top, 1.02 + sides)
    z = deep * close * np.sign(cosine) * np.abs(cosine) ** 0.78
    y = np.broadcast_to(heights * looks.length + rise * top, x.shape)
    return np.stack([x, y, z], -1).astype(np.float32), angles, heights


def _hair(looks: Looks, cut: Cut) -> Surface:
    rng = np.random.default_rng(looks.texture_seed + 1)
    points, angles, heights = _shell(looks, cut.bottom, cut.sides, cut.top, cut.flare)
    shape = points.shape[:2]
    if cut.curl_size:
        cells = (int(3.0 / cut.curl_size), int(6.0 / cut.curl_size))
        relief = noise(rng, shape, cells)
    else:
        relief = noise(rng, shape, (6, 150))
    outward = points / (np.linalg.norm(points, axis=-1, keepdims=True) + 1e-6)
    points = points + (cut.curl * relief)[..., None] * outward * np.clip((1.12 - heights) * 6, 0.1, 1)[..., None]
    edge = np.interp(np.abs(angles), _ANGLES, cut.line) + cut.part * np.clip(angles + 0.3, -0.9, 0.9) * (
        np.abs(angles) < 1.1
    )
    ragged = 0.016 * noise(rng, (1, shape[1]), (1, 170)) + 0.02 * noise(rng, (1, shape[1]), (1, 30))
    opacity = (heights > edge + ragged).astype(np.float32)
    strands = noise(rng, shape, (5, 330)) * 0.22 + noise(rng, shape, (4, 60)) * 0.14
    if cut.curl_size:
        strands = 0.5 * strands + 0.22 * relief
    colour = linear(looks.hair_colour) * np.clip(1 + strands, 0.25, 2.0)[..., None]
    gloss = np.full(shape, 0.12 if cut.curl_size else 0.35, np.float32)
    return Surface(points.astype(np.float32), colour.astype(np.float32), gloss, opacity)


def _scarf(looks: Looks) -> Surface:
    points, angles, heights = _shell(looks, -1.5, 0.09, 0.10, 0.06)
    line = np.interp(np.abs(angles), (0, 0.5, 0.8, 1.0, 1.15, 3.2), (0.62, 0.56, 0.36, 0.0, -1.6, -1.6))
    folds = 0.12 * np.sin(angles * 9 + heights * 5) + 0.05 * np.sin(angles * 23 - heights * 9)
    points[..., 0] *= 1 + 0.1 * folds
    points[..., 2] *= 1 + 0.1 * folds
    colour = linear(looks.scarf_colour) * (1 + folds)[..., None]
    gloss = np.full(points.shape[:2], 0.1, np.float32)
    return Surface(points, colour.astype(np.float32), gloss, (heights > line).astype(np.float32))


def _ear(looks: Looks, side: int) -> Surface:
    u, v = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, 60), np.linspace(0, 2 * np.pi, 90))
    ring = np.cos(u)
    inner = np.exp(-0.5 * ((ring - 0.45) / 0.2) ** 2)
    x = 0.05 * np.sin(u) + 0.08 * ring * np.cos(v) * -0.6 - 0.03 * inner
    y = 0.29 * ring * np.sin(v) * (1 + 0.12 * np.cos(v))
    z = 0.17 * ring * np.cos(v) * (1 + 0.25 * np.sin(v))
    points = np.stack([side * (0.70 * looks.width + 0.06 + x), y - 0.12, z - 0.12], -1)
    skin = linear(looks.skin) * np.asarray([1.0, 0.86, 0.84], np.float32)
    colour = skin * (1 - 0.45 * inner[..., None])
    return Surface(points.astype(np.float32), colour.astype(np.float32), np.full(u.shape, 0.3, np.float32))


def _neck(looks: Looks) -> Surface:
    angles = np.linspace(-1.7, 1.7, 110, dtype=np.float32)[None]
    heights = np.linspace(-1.6, -0.6, 90, dtype=np.float32)[:, None]
    thick = 0.44 + 0.10 * looks.fat + 0.08 * looks.jaw + 0.10 * np.clip(-1.3 - heights, 0, 1)
    throat = 0.03 * np.cos(angles * 6) * np.clip(np.cos(angles), 0, 1)
    points = np.stack(
        [thick * np.sin(angles), heights + 0 * angles, -0.12 + (thick + throat) * np.cos(angles)], -1
    )
    colour = np.broadcast_to(linear(looks.skin) * 0.86, points.shape).astype(np.float32)
    return Surface(points.astype(np.float32), colour, np.full(points.shape[:2], 0.15, np.float32))


def _torso(looks: Looks, shirt: tuple[int, int, int]) -> Surface:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 300, dtype=np.float32)[None]
    heights = np.linspace(-4.4, -1.25, 200, dtype=np.float32)[:, None]
    drop = -1.25 - heights
    half = (
        0.50
        + 0.06 * looks.fat
        + 1.31 * (1 - np.exp(-((drop / 0.42) ** 1.6))) * (1 + 0.12 * looks.fat)
        + 0.05 * drop
    )
    deep = 0.62 + 0.06 * looks.fat + 0.14 * (1 - np.exp(-drop / 0.5))
    x, z = half * np.sin(angles), -0.2 + deep * np.clip(np.cos(angles), 0, 1) ** 0.8
    points = np.stack([x, heights + 0 * x, z], -1).astype(np.float32)
    rng = np.random.default_rng(sum(shirt))
    cloth = 1 + 0.05 * noise(rng, x.shape, (9, 14)) + 0.03 * noise(rng, x.shape, (40, 60))
    colour = (linear(shirt) * cloth[..., None]).astype(np.float32)
    colour *= 1 - 0.35 * np.exp(-0.5 * ((drop - 0.17) / 0.02) ** 2)[..., None]
    below_collar = np.broadcast_to(drop > 0.12, x.shape).astype(np.float32)
    return Surface(points, colour, np.full(x.shape, 0.08, np.float32), below_collar)


def _glasses(looks: Looks) -> list[Surface]:
    wide, tall, power, thick = {
        "round": (0.235, 0.215, 2.0, 0.014),
        "square": (0.255, 0.165, 4.0, 0.022),
        "thin": (0.240, 0.145, 3.0, 0.010),
    }[looks.glasses]
    centre, parts = max(eye_x(looks), wide + 0.055) * looks.width, []
    for side in (-1, 1):
        u = np.linspace(0, 2 * np.pi, 260)[None]
        v = np.linspace(0, 2 * np.pi, 14)[:, None]
        curve = (np.abs(np.cos(u)) ** power + np.abs(np.sin(u)) ** power) ** (-1 / power)
        x, y = wide * curve * np.cos(u), tall * curve * np.sin(u)
        grow = 1 + thick * np.cos(v) / 0.2
        z = 0.94 - 0.16 * (np.abs(x) * 0 + x * side) ** 2 - 0.10 * np.clip(x * side, 0, 1)
        parts.append(_wire(looks, side * centre + x * grow, y * grow - 0.02, z + thick * np.sin(v)))
    parts += _bars(looks, centre, wide, thick)
    return parts


def _bars(looks: Looks, centre: float, wide: float, thick: float) -> list[Surface]:
    t = np.linspace(0, 1, 120)[None]
    v = np.linspace(0, 2 * np.pi, 14)[:, None]
    gap = centre - wide
    x = gap * (2 * t - 1) + 0 * v
    arch = 0.05 + 0.03 * np.sin(np.pi * t)
    bars = [_wire(looks, x, arch + thick * np.cos(v), 0.96 + thick * np.sin(v) + 0 * t)]
    for side in (-1, 1):
        end = 0.76 * looks.width
        x = side * (centre + wide + (end - centre - wide) * np.clip(t * 3, 0, 1))
        z = 0.93 - 1.0 * t + thick * np.sin(v)
        bars.append(_wire(looks, x + 0 * v, 0.06 + thick * np.cos(v) + 0 * t, z))
    return bars


def _wire(looks: Looks, x: Array, y: Array, z: Array) -> Surface:
    points = np.stack(np.broadcast_arrays(x, y, z), -1).astype(np.float32)
    colour = np.broadcast_to(linear(looks.glasses_colour), points.shape).astype(np.float32)
    return Surface(points, colour, np.full(points.shape[:2], 0.5, np.float32))
