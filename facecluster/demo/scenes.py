"""Where a photo is taken, and what a camera makes of it: blurred places, their light, blur and noise."""

from __future__ import annotations

import cv2
import numpy as np

from facecluster.demo.head import Array
from facecluster.demo.paint import linear, noise
from facecluster.demo.render import Light
from facecluster.records import UInt8

_BOOKS = ((120, 50, 44), (50, 70, 100), (190, 170, 130), (60, 84, 64), (90, 80, 76), (170, 120, 60))

_AMBIENT = {
    "beach": (0.44, 0.46, 0.50),
    "park": (0.34, 0.38, 0.32),
    "room": (0.40, 0.37, 0.33),
    "street": (0.36, 0.37, 0.39),
    "evening": (0.30, 0.26, 0.26),
    "mountains": (0.38, 0.41, 0.47),
}
_KEY = {
    "beach": (1.02, 0.98, 0.92),
    "park": (0.86, 0.86, 0.78),
    "room": (0.84, 0.78, 0.68),
    "street": (0.82, 0.82, 0.82),
    "evening": (0.86, 0.70, 0.56),
    "mountains": (0.98, 0.97, 0.96),
}


def light_of(place: str, rng: np.random.Generator) -> Light:
    """The place's light, from a side and height by chance."""
    side = rng.choice([-1, 1]) * rng.uniform(0.05, 0.75)
    strength = rng.uniform(0.78, 1.06)
    key = tuple(float(c * strength) for c in _KEY[place])
    ambient = tuple(float(c * rng.uniform(0.9, 1.15)) for c in _AMBIENT[place])
    return Light(
        (float(side), float(rng.uniform(0.3, 0.9)), 0.85),
        (key[0], key[1], key[2]),
        (ambient[0], ambient[1], ambient[2]),
        float(rng.uniform(0.3, 0.75)),
    )


def backdrop(place: str, size: tuple[int, int], rng: np.random.Generator) -> Array:
    """A blurred background (height, width, 3), linear light, for a photo of ``size`` (width, height)."""
    width, height = size[0] // 2, size[1] // 2
    out = np.zeros((height, width, 3), np.float32)
    paint = {"room": _room, "street": _street, "evening": _evening}.get(place, _outdoors)
    paint(out, place, rng)
    out *= (1 + 0.10 * noise(rng, (height, width), (7, 9)))[..., None]
    blurred = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(3.0, 7.0)))
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), np.float32).clip(0.003, 1)


def _bands(out: Array, stops: list[tuple[float, tuple[int, int, int]]]) -> None:
    """Fill ``out`` with colours that change smoothly from the top (0) to the bottom (1)."""
    at = np.linspace(0, 1, out.shape[0])
    for channel in range(3):
        values = [float(linear(colour)[channel]) for _, colour in stops]
        out[..., channel] = np.interp(at, [stop for stop, _ in stops], values)[:, None]


def _dot(out: Array, at: tuple[float, float], radius: float, colour: Array) -> None:
    centre = (int(at[0] * out.shape[1]), int(at[1] * out.shape[0]))
    cv2.circle(out, centre, max(1, int(radius * out.shape[0])), tuple(map(float, colour)), -1, cv2.LINE_AA)


def _box(out: Array, x0: float, y0: float, x1: float, y1: float, colour: Array) -> None:
    height, width = out.shape[:2]
    corners = (int(x0 * width), int(y0 * height)), (int(x1 * width), int(y1 * height))
    cv2.rectangle(out, *corners, tuple(map(float, colour)), -1)


def _outdoors(out: Array, place: str, rng: np.random.Generator) -> None:
    horizon = float(rng.uniform(0.4, 0.6))
    sky = [(0.0, (112, 164, 220)), (horizon - 0.01, (206, 224, 236))]
    ground = {
        "beach": [(horizon, (64, 132, 160)), (horizon + 0.18, (90, 160, 172)), (horizon + 0.2, (222, 200, 160))],
        "park": [(horizon, (70, 110, 50)), (1.0, (110, 150, 70))],
        "mountains": [(horizon + 0.1, (96, 116, 84)), (1.0, (130, 140, 90))],
    }[place]
    _bands(out, sky + ground)
    if place == "park":
        for _ in range(70):
            tone = linear((40, 80, 30)) * float(rng.uniform(0.6, 2.6))
            _dot(out, (rng.uniform(0, 1), rng.uniform(0.05, horizon)), rng.uniform(0.04, 0.12), tone)
    if place == "mountains":
        edge = horizon + 0.12 - 0.12 * np.abs(noise(rng, (1, out.shape[1]), (1, 6))[0])
        for column, top in enumerate(edge):
            first, last = int(max(top, 0) * out.shape[0]), int((horizon + 0.12) * out.shape[0])
            out[first:last, column] = linear((104, 120, 146))


def _room(out: Array, _: str, rng: np.random.Generator) -> None:
    walls = [(214, 202, 182), (180, 196, 190), (206, 176, 150), (170, 176, 200)]
    wall = np.asarray(walls[int(rng.integers(len(walls)))])
    dim = wall * 0.8
    _bands(out, [(0, tuple(wall)), (0.8, tuple(dim)), (0.82, (120, 90, 64)), (1, (96, 70, 50))])
    x = float(rng.uniform(0.0, 0.7))
    _box(out, x, 0.08, x + 0.24, 0.48, linear((238, 244, 250)))
    shelf = float(rng.uniform(0.0, 0.6))
    for row in range(3):
        for column in range(9):
            tone = linear(_BOOKS[int(rng.integers(len(_BOOKS)))])
            left = shelf + column * 0.035
            _box(out, left, 0.1 + row * 0.2, left + 0.03, 0.25 + row * 0.2, tone)


def _street(out: Array, _: str, rng: np.random.Generator) -> None:
    _bands(out, [(0, (190, 200, 214)), (0.7, (200, 200, 200)), (0.72, (120, 118, 116)), (1, (96, 96, 98))])
    x = 0.0
    while x < 1:
        wide = float(rng.uniform(0.15, 0.3))
        grey = int(rng.integers(130, 205))
        facade = linear((grey + 15, grey, grey - int(rng.integers(0, 45))))
        top = float(rng.uniform(0, 0.25))
        _box(out, x, top, x + wide, 0.72, facade)
        for row in np.arange(top + 0.05, 0.65, 0.14):
            for column in np.arange(x + 0.02, x + wide - 0.05, 0.07):
                _box(out, column, row, column + 0.035, row + 0.08, facade * 0.35)
        x += wide


def _evening(out: Array, _: str, rng: np.random.Generator) -> None:
    _bands(out, [(0, (40, 34, 52)), (0.6, (84, 56, 54)), (1, (50, 36, 36))])
    for _dot_number in range(45):
        tone = linear((255, 196, 120)) * rng.uniform(0.5, 1, 3).astype(np.float32)
        _dot(out, (rng.uniform(0, 1), rng.uniform(0, 0.7)), rng.uniform(0.008, 0.035), tone)


def develop(scene: Array, rng: np.random.Generator) -> UInt8:
    """What the camera stores of a scene in linear light: (H, W, 3) uint8 RGB."""
    height, width = scene.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - 0.13 * (x**2 + y**2)
    exposed = scene * (vignette * rng.uniform(0.9, 1.12))[..., None]
    soft = cv2.GaussianBlur(exposed.astype(np.float32), (0, 0), float(rng.uniform(0.35, 0.75)))
    curve = np.clip(soft, 0, 1.4) ** np.float32(1 / 2.2)
    curve = np.where(curve > 0.9, 0.9 + 0.1 * np.tanh((curve - 0.9) / 0.1), curve)
    grain = rng.standard_normal((height, width), np.float32)[..., None] * np.float32(rng.uniform(0.006, 0.015))
    return np.asarray(np.clip((curve + grain) * 255, 0, 255), np.uint8)
