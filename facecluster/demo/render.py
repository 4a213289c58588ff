"""A small point renderer: grids of coloured points to an image with alpha, by z-buffer.

Every surface is sampled finely enough that neighbouring points fall into the same or adjoining pixels of an
image larger than wanted; points that share a pixel and are nearest are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facecluster.demo.head import Array, Surface

CAMERA = 11.0
"""Distance of the camera from the head's centre, in units of 100 mm."""

_SHADOW_CELL = 0.035


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from (a direction towards it) and its linear colours."""

    direction: tuple[float, float, float] = (-0.4, 0.6, 0.7)
    key: tuple[float, float, float] = (1.0, 0.97, 0.92)
    ambient: tuple[float, float, float] = (0.33, 0.34, 0.37)
    hardness: float = 0.7


@dataclass(frozen=True, slots=True)
class View:
    """``scale`` pixels per unit at the head's centre, which lies at ``x``, ``y`` of a canvas of ``size``."""

    size: tuple[int, int]
    x: float
    y: float
    scale: float


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Matrix (3, 3) that turns the head: angles in degrees; positive yaw looks to the viewer's right."""
    a, b, c = np.radians([yaw, -pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float32)


def turned(surface: Surface, matrix: Array, pivot: tuple[float, float, float]) -> Surface:
    """The surface rotated about ``pivot``."""
    centre = np.asarray(pivot, np.float32)
    points = (surface.points - centre) @ matrix.T + centre
    return Surface(points, surface.colour, surface.gloss, surface.opacity)


def project(points: Array, view: View) -> Array:
    """Pixels (…, 2) of points (…, 3), in perspective."""
    factor = np.float32(view.scale * CAMERA) / (np.float32(CAMERA) - points[..., 2])
    out = np.stack([view.x + factor * points[..., 0], view.y - factor * points[..., 1]], axis=-1)
    return out.astype(np.float32)


def draw(surfaces: list[Surface], view: View, light: Light) -> tuple[Array, Array]:
    """The surfaces as linear colour (H, W, 3), not multiplied by alpha, and alpha (H, W) in 0..1."""
    lit = _lit(surfaces, light)
    finer = float(np.clip(100 / view.scale, 1.2, 2.0))
    size = (round(view.size[0] * finer), round(view.size[1] * finer))
    big = View(size, view.x * finer, view.y * finer, view.scale * finer)
    parts = [_points(surface, share, big, light) for surface, share in zip(surfaces, lit, strict=True)]
    pixel = np.concatenate([part[0] for part in parts])
    depth = np.concatenate([part[1] for part in parts])
    colour = np.concatenate([part[2] for part in parts])
    return _resolve(pixel, depth, colour, big, view)


def _lit(surfaces: list[Surface], light: Light) -> list[Array]:
    """Per surface the share of the key light that reaches each point: a shadow map, softened."""
    to = np.asarray(light.direction, np.float32)
    to = to / np.linalg.norm(to)
    across = np.cross([0, 1, 0], to)
    across = across / np.linalg.norm(across)
    up = np.cross(to, across)
    flat = [s.points.reshape(-1, 3) for s in surfaces]
    solid = [np.broadcast_to(s.opacity > 0.5, s.points.shape[:2]).ravel() for s in surfaces]
    cells = [np.floor((f @ np.stack([across, up], 1)) / _SHADOW_CELL).astype(np.int32) + 150 for f in flat]
    keys = [np.clip(c[:, 0], 0, 299) * 300 + np.clip(c[:, 1], 0, 299) for c in cells]
    nearest = np.full(300 * 300, -1e9, np.float32)
    depths = [(f @ to).astype(np.float32) for f in flat]
    for key, depth, there in zip(keys, depths, solid, strict=True):
        np.maximum.at(nearest, key[there], depth[there])
    out = []
    for surface, key, depth in zip(surfaces, keys, depths, strict=True):
        share = np.clip(1 - (nearest[key] - depth - 0.05) / 0.05, 0, 1).reshape(surface.points.shape[:2])
        soft = cv2.GaussianBlur(share.astype(np.float32), (0, 0), 3.5)
        out.append(1 - light.hardness + light.hardness * soft)
    return out


def _points(
    surface: Surface, lit: Array, view: View, light: Light
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Array, Array]:
    """Pixel number, depth and shaded colour of every point of a finely resampled surface."""
    rows, columns = surface.points.shape[:2]
    down = np.abs(np.diff(surface.points[:, ::8], axis=0)).sum(-1)
    right = np.abs(np.diff(surface.points[::8], axis=1)).sum(-1)
    tall = int(rows * np.clip(np.percentile(down, 90) * view.scale * 0.95, 0.3, 5))
    wide = int(columns * np.clip(np.percentile(right, 90) * view.scale * 0.95, 0.3, 5))
    shaded = _shade(surface, lit, light)
    opacity = np.broadcast_to(surface.opacity, (rows, columns)).astype(np.float32)
    at, depth = _grid(project(surface.points, view), wide, tall), _grid(surface.points[..., 2], wide, tall)
    width, height = view.size
    keep = _grid(opacity, wide, tall) > 0.5
    keep &= (at[..., 0] >= 0) & (at[..., 1] >= 0) & (at[..., 0] < width) & (at[..., 1] < height)
    pixel = at[..., 1].astype(np.int64) * width + at[..., 0].astype(np.int64)
    chosen = np.flatnonzero(keep)
    shaded = _grid(shaded, wide, tall).reshape(-1, 3)[chosen]
    return pixel.ravel()[chosen], depth.ravel()[chosen], shaded


def _grid(values: Array, wide: int, tall: int) -> Array:
    return np.asarray(cv2.resize(np.ascontiguousarray(values, np.float32), (wide, tall)), np.float32)


def _shade(surface: Surface, lit: Array, light: Light) -> Array:
    """Lambert's law with a soft, reddish edge as in skin, Blinn's highlight, and light from the sky."""
    points = surface.points
    normal = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + np.float32(1e-12)
    normal *= np.where(normal[..., 2:] < 0, np.float32(-1), np.float32(1))
    to = np.asarray(light.direction, np.float32)
    to /= np.linalg.norm(to)
    wrap = np.asarray([0.30, 0.18, 0.15], np.float32)
    wrapped = np.clip(((normal @ to)[..., None] + wrap) / np.float32(1.2), 0, 1)
    sky = 0.75 + 0.25 * normal[..., 1:2] + 0.12 * normal[..., 2:3]
    half = to + np.asarray([0, 0, 1], np.float32)
    facing = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1)
    shine = surface.gloss * (0.10 * facing**14 + 0.16 * facing**60)
    key = np.asarray(light.key, np.float32)
    light_in = np.asarray(light.ambient, np.float32) * sky + key * wrapped * lit[..., None]
    out: Array = (surface.colour * light_in + key * (shine * lit)[..., None]).astype(np.float32)
    return out


def _resolve(
    pixel: np.ndarray[tuple[int], np.dtype[np.int64]], depth: Array, colour: Array, big: View, view: View
) -> tuple[Array, Array]:
    width, height = big.size
    nearest = np.full(width * height, -1e9, np.float32)
    np.maximum.at(nearest, pixel, depth)
    front = np.flatnonzero(depth >= nearest[pixel] - 0.05)
    pixel, colour = pixel[front], colour[front]
    count = np.bincount(pixel, minlength=width * height).astype(np.float32)
    total = [np.bincount(pixel, colour[:, c], width * height) for c in range(3)]
    mean = (np.stack(total, -1) / np.maximum(count, 1)[:, None]).astype(np.float32).reshape(height, width, 3)
    there = (count > 0).astype(np.float32).reshape(height, width)
    mean *= _occlusion(np.where(count > 0, nearest, 0).reshape(height, width), there, big.scale)[..., None]
    closed = cv2.morphologyEx(there, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    weight = cv2.GaussianBlur(there, (0, 0), 0.7) + 1e-6
    filled = cv2.GaussianBlur(mean * there[..., None], (0, 0), 0.7) / weight[..., None]
    mean = np.where(there[..., None] > 0, mean, filled)
    alpha = cv2.resize(closed, view.size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(mean * closed[..., None], view.size, interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.maximum(alpha, 1e-4)[..., None]), np.asarray(alpha)


def _occlusion(depth: Array, there: Array, scale: float) -> Array:
    """Darkening of hollows: how far a point lies behind the mean of its surroundings."""
    dark = np.zeros_like(depth)
    for radius, strength in ((0.05, 1.0), (0.16, 0.8)):
        sigma = radius * scale
        shrink = max(1, int(sigma / 3))
        size = (max(1, depth.shape[1] // shrink), max(1, depth.shape[0] // shrink))
        low = cv2.resize(depth * there, size, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(there, size, interpolation=cv2.INTER_AREA)
        low = cv2.GaussianBlur(low, (0, 0), sigma / shrink)
        cover = cv2.GaussianBlur(cover, (0, 0), sigma / shrink)
        mean = cv2.resize(low / np.maximum(cover, 1e-3), depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        dark += strength * np.clip(mean - depth, 0, 0.25)
    return np.clip(1 - dark, 0.45, 1).astype(np.float32)
