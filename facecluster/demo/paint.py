"""The colours of a face, painted on the grid that `head` makes: skin, eyes, brows, lips, beard.

Colours are linear light in 0..1 (sRGB raised to 2.2); every edge is a smooth step, so that nothing is
jagged when the head is drawn.
"""

from __future__ import annotations

import cv2
import numpy as np

from facecluster.demo.head import Array, Expression, Looks, bump, eye_x, mouth_half, mouth_line

IRIS = 0.066


def linear(colour: tuple[int, int, int]) -> Array:
    """An sRGB colour in 0..255 as linear light in 0..1."""
    return ((np.asarray(colour, np.float32) / 255) ** 2.2).astype(np.float32)


def step(value: Array, soft: float = 0.008) -> Array:
    """0 below zero, 1 above, smooth over about ``soft`` on either side."""
    out: Array = 1 / (1 + np.exp(-np.clip(value / soft * 2, -30, 30)))
    return out


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Array:
    """Smooth noise with standard deviation about 1 and ``cells`` (rows, columns) hills."""
    coarse = rng.normal(size=cells).astype(np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def mix(base: Array, colour: Array, amount: Array) -> None:
    """Paint ``colour`` over ``base`` (H, W, 3) in place, ``amount`` (H, W) in 0..1."""
    base += amount[..., None] * (colour - base)


def paint_face(face: Array, looks: Looks, expression: Expression) -> tuple[Array, Array]:
    """Linear colour (H, W, 3) and shininess (H, W) of the face grid with face coordinates ``face``."""
    x, y = face[..., 0], face[..., 1]
    rng = np.random.default_rng(looks.texture_seed)
    colour = _skin(x, y, looks, rng)
    gloss = 0.35 + 0.35 * bump(x, y, (0, -0.36), (0.09, 0.1)) + 0.2 * bump(x, y, (0, 0.5), (0.3, 0.15))
    _beard(colour, x, y, looks, rng)
    lips = _lips(colour, x, y, looks, expression)
    gloss = gloss * (1 - lips) + lips * (0.55 + 0.4 * looks.makeup)
    for side in (-1.0, 1.0):
        _brow(colour, x * side, y, looks, expression, rng)
        wet = _eye(colour, x * side, y, looks, expression, side)
        gloss = gloss * (1 - wet) + 0.6 * wet
    return np.clip(colour, 0.002, 1.0), gloss.astype(np.float32)


def _skin(x: Array, y: Array, looks: Looks, rng: np.random.Generator) -> Array:
    base = linear(looks.skin)
    colour = np.broadcast_to(base, (*x.shape, 3)).astype(np.float32).copy()
    side = np.abs(x)
    red = np.asarray([1.0, 0.72, 0.70], np.float32) * base
    blush = 0.45 * bump(side, y, (0.42, -0.35), (0.16, 0.13)) + 0.4 * bump(x, y, (0, -0.42), (0.13, 0.07))
    mix(colour, red, np.clip(blush * (1 + 0.6 * looks.makeup), 0, 1))
    shade = 0.30 * bump(side, y, (eye_x(looks) - 0.03, -0.02), (0.19, 0.11))
    shade += 0.25 * looks.age * bump(side, y, (eye_x(looks), -0.13), (0.13, 0.04))
    mix(colour, base * np.asarray([0.55, 0.45, 0.45], np.float32), np.clip(shade, 0, 1))
    for nostril in (-1, 1):
        at = (nostril * 0.068 * looks.nose_width, 0.05 - 0.525 * looks.nose_length)
        mix(colour, base * 0.06, 0.8 * np.clip(1.4 * bump(x, y, at, (0.030, 0.015)), 0, 1))
    under = (0.0, 0.05 - 0.575 * looks.nose_length)
    mix(colour, base * 0.6, 0.2 * bump(x, y, under, (0.10, 0.02)))
    _wrinkles(colour, x, y, looks)
    spots = noise(rng, x.shape, (130, 150))
    mix(colour, base * np.asarray([0.62, 0.45, 0.35], np.float32), looks.freckles * step(spots - 1.1, 0.2))
    mottle = 0.05 * noise(rng, x.shape, (14, 16)) + 0.04 * noise(rng, x.shape, (110, 130))
    colour *= 1 + (1 + looks.age) * mottle[..., None]
    return colour


def _wrinkles(colour: Array, x: Array, y: Array, looks: Looks) -> None:
    lines = np.zeros_like(x)
    for height in (0.42, 0.52, 0.62):
        wave = y - height - 0.02 * np.cos(x * 7)
        lines += np.exp(-0.5 * (wave / 0.011) ** 2) * np.exp(-0.5 * (x / 0.3) ** 2)
    side = np.abs(x)
    for slope in (-0.4, 0.0, 0.4):
        ray = y + 0.01 - slope * (side - eye_x(looks) - 0.14)
        lines += np.exp(-0.5 * (ray / 0.009) ** 2) * bump(side, y, (eye_x(looks) + 0.25, 0), (0.05, 0.2))
    fold = side - (0.17 + 0.36 * np.clip(-0.42 - y, 0, 1))
    lines += np.exp(-0.5 * (fold / 0.018) ** 2) * np.exp(-0.5 * ((y + 0.58) / 0.11) ** 2)
    mix(colour, colour * 0.45, np.clip(lines * np.clip(looks.age - 0.15, 0, 1) * 0.9, 0, 0.8))


def _beard(colour: Array, x: Array, y: Array, looks: Looks, rng: np.random.Generator) -> None:
    if not looks.beard:
        return
    side = np.abs(x)
    moustache = step(0.285 - side, 0.03) * step(0.05 - np.abs(y + 0.64 + 0.25 * side**2), 0.02)
    chin = bump(x, y, (0, -1.0), (0.19, 0.14)) * 1.5
    cheeks = step(-0.50 - y - 0.35 * np.clip(0.45 - side, 0, 1) + 0.5 * np.clip(side - 0.45, 0, 1), 0.06)
    around = {"moustache": moustache, "goatee": np.maximum(moustache, chin)}
    area = around.get(looks.beard, np.maximum(moustache, cheeks))
    area = np.clip(area, 0, 1) * (1 - bump(x, y, (0, -0.875), (0.07, 0.03)) * 0.6)
    hairs = 0.75 + 0.25 * noise(rng, x.shape, (60, 200))
    strength = 0.5 if looks.beard == "stubble" else 0.96
    mix(colour, linear(looks.beard_colour), np.clip(area * hairs * strength, 0, 1))


def _lips(colour: Array, x: Array, y: Array, looks: Looks, expression: Expression) -> Array:
    line, gap = mouth_line(x, looks, expression)
    half = mouth_half(looks, expression)
    u = np.clip(np.abs(x) / half, 0, 1.5)
    round_ = np.clip(1 - u**2, 0, 1)
    bow = 1 - 0.28 * np.exp(-((u / 0.13) ** 2)) + 0.08 * np.exp(-(((u - 0.27) / 0.15) ** 2))
    full = looks.lips * (1 - 0.25 * expression.smile)
    top = line + gap + 0.082 * full * bow * round_**0.75
    bottom = line - gap - 0.105 * full * round_**0.5
    inside = step(np.minimum(top - y, y - bottom), 0.012) * step(1.0 - u, 0.03)
    tone = linear(looks.lip_colour)
    mix(colour, tone, 0.92 * inside)
    mix(colour, tone * 0.6, inside * step(y - line - gap, 0.01) * 0.5)
    mix(colour, tone * 0.08, step(1.02 - u, 0.03) * np.exp(-0.5 * ((y - line) / (0.011 + 0.2 * gap)) ** 2))
    hole = step(gap - np.abs(y - line) - 0.004, 0.006) * step(0.97 - u, 0.03)
    mix(colour, np.asarray([0.03, 0.008, 0.008], np.float32), hole)
    teeth = hole * step(y - line + 0.35 * gap + 0.02 * expression.mouth_open - 0.012, 0.006)
    shade = np.clip(1.05 - u, 0, 1)[..., None] ** 0.5 * np.asarray([0.72, 0.68, 0.6], np.float32)
    colour += (teeth * np.clip(gap / 0.012, 0, 1))[..., None] * (shade - colour)
    corner_y = float(mouth_line(np.asarray([half], np.float32), looks, expression)[0][0])
    corner = bump(np.abs(x), y, (half * 1.01, corner_y), (0.03, 0.02))
    mix(colour, linear(looks.skin) * 0.25, 0.6 * corner)
    return inside


def _brow(
    colour: Array, x: Array, y: Array, looks: Looks, expression: Expression, rng: np.random.Generator
) -> None:
    u = (x - eye_x(looks) + 0.20) / 0.44
    arch = (0.05 + 0.05 * looks.brow_arch) * np.sin(np.clip(u, 0, 1.1) * 2.4)
    centre = 0.165 + arch + 0.05 * expression.brows_up - 0.02 * looks.brow_ridge
    thick = 0.034 * looks.brow_thickness * np.clip(1.25 - 0.85 * u, 0.15, 1)
    inside = step(thick - np.abs(y - centre), 0.014) * step(np.minimum(u, 1 - u) * 0.44, 0.03)
    hairs = 0.9 + 0.1 * noise(rng, x.shape, (110, 190))
    grey = np.asarray(looks.hair_colour, np.float32) * 0.7
    tone = linear((int(grey[0]), int(grey[1]), int(grey[2])))
    mix(colour, tone, np.clip(inside * hairs * min(1.0, 0.7 + 0.25 * looks.brow_thickness), 0, 1))


def _eye(colour: Array, x: Array, y: Array, looks: Looks, expression: Expression, side: float) -> Array:
    half = 0.160 * looks.eye_size
    u = (x - eye_x(looks)) / half
    level = y - 0.04 * looks.eye_tilt * u
    lid = np.clip(1 - u**2, 0, 1)
    top = (
        0.082 * looks.eye_size * expression.eyes_open * np.maximum(lid, 1e-6) ** np.clip(0.62 + 0.1 * u, 0.4, 0.8)
        - 0.005
    )
    bottom = -0.052 * looks.eye_size * lid**0.8 * (0.6 + 0.4 * expression.eyes_open) - 0.005
    inside = step(np.minimum(top - level, level - bottom), 0.008) * step(1 - np.abs(u), 0.04)
    white = np.asarray([0.66, 0.62, 0.58], np.float32)
    mix(colour, white, inside)
    gaze = eye_x(looks) + side * expression.gaze * IRIS
    away = np.hypot(x - gaze, level - 0.012)
    tone = linear(looks.iris)
    mix(colour, tone * 0.25, inside * step(IRIS - away, 0.008))
    mix(colour, tone * 1.3, inside * step(IRIS * 0.80 - away, 0.012) * 0.9)
    mix(colour, np.zeros(3, np.float32), inside * step(IRIS * 0.42 - away, 0.008))
    shadow = inside * np.exp(-np.clip(top - level, 0, 1) / 0.020)
    mix(colour, colour * 0.25, np.clip(shadow, 0, 1))
    glint = np.hypot(x - gaze + side * 0.022, level - 0.038)
    mix(colour, np.full(3, 1.0, np.float32), inside * step(0.016 - glint, 0.006))
    _lids(colour, u, level, top, bottom, looks)
    return inside


def _lids(colour: Array, u: Array, level: Array, top: Array, bottom: Array, looks: Looks) -> None:
    along = step(1.04 - np.abs(u), 0.06)
    lash = np.exp(-0.5 * ((level - top - 0.004) / (0.011 + 0.006 * looks.makeup)) ** 2) * along
    mix(colour, linear(looks.skin) * 0.03, np.clip((0.85 + 0.15 * looks.makeup) * lash, 0, 1))
    crease = np.exp(-0.5 * ((level - top - 0.050) / 0.011) ** 2) * step(1.1 - np.abs(u), 0.12)
    mix(colour, linear(looks.skin) * 0.28, 0.55 * crease)
    lower = np.exp(-0.5 * ((level - bottom + 0.004) / 0.008) ** 2) * along
    mix(colour, linear(looks.skin) * 0.2, 0.5 * lower)
    shadow = np.clip(looks.makeup, 0, 1) * step(0.05 - np.abs(level - top - 0.03), 0.02) * along
    mix(colour, np.asarray([0.12, 0.07, 0.10], np.float32), 0.55 * shadow)
