"""Every network of this project as a ``Graph``: its name, the key of its weights, its input, its torch module."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facecluster.nets.graphs import Graph
from facecluster.nets.specs import ModelSpec
from facecluster.nets.weights import MTCNN, YUNET, fingerprint

if TYPE_CHECKING:
    from torch import nn

TILE = 266
"""Side in pixels of the squares that P-Net looks at: 12 and a multiple of 2; see ``faces.tiles``."""

PATCH = 2
"""Cells of P-Net, in a row and in a column, that are looked at again together."""

CANVASES = (288, 384), (384, 288), (384, 384), (384, 512), (512, 384), (512, 512)
"""Heights and widths of what YuNet looks at, smallest first."""

CHIPS = 4
"""Faces that are embedded together on a processor without bfloat16."""


def scout() -> Graph:
    """P-Net's judgement of all places of a tile, in bytes; see ``nets.mtcnn`` for input and results."""
    shape = 1, TILE, TILE, 4
    key, build = MTCNN["pnet"].sha256[:16], partial(_stage, "scout")
    return Graph("scout", key, shape, build, whole=True, wide=(2, 1), ranges=_ranges("scout"))


def fine_scout() -> Graph:
    """The same for bfloat16, in which P-Net is nearly right."""
    return replace(scout(), name="scout-fine", build=partial(_stage, "fine_scout"), ranges=None)


def proposer() -> Graph:
    """P-Net for a few places that lie together."""
    side = 12 + 2 * (PATCH - 1)
    return Graph("pnet", MTCNN["pnet"].sha256[:16], (64, side, side, 4), partial(_stage, "propose"))


def sieve() -> Graph:
    """R-Net's judgement alone, for sorting out in bytes what is clearly no face."""
    shape = 32, 24, 24, 4
    return Graph(
        "sieve",
        MTCNN["rnet"].sha256[:16],
        shape,
        partial(_stage, "sieve"),
        whole=True,
        wide=(64, 16),
        ranges=_ranges("sieve"),
    )


def fine_sieve() -> Graph:
    """The same for bfloat16, in which R-Net is nearly right."""
    return replace(sieve(), name="sieve-fine", build=partial(_stage, "fine_sieve"), ranges=None)


def refiner() -> Graph:
    """MTCNN's R-Net."""
    return Graph("rnet", MTCNN["rnet"].sha256[:16], (16, 24, 24, 4), partial(_stage, "refine"))


def outputter() -> Graph:
    """MTCNN's O-Net."""
    return Graph("onet", MTCNN["onet"].sha256[:16], (4, 48, 48, 4), partial(_stage, "output"), wide=(16, 4))


def glances() -> tuple[Graph, ...]:
    """YuNet for each of ``CANVASES``."""
    return tuple(
        Graph("yunet", YUNET.sha256[:16], (1, *canvas, 3), _yunet, whole=True, wide=(2, 1)) for canvas in CANVASES
    )


def embedder(spec: ModelSpec) -> Graph:
    """An embedder: crops (N, size, size, 3) float32 RGB grey levels 0..255 to (N, dimension), unit length."""
    shape = CHIPS, spec.size, spec.size, 3
    build = partial(_embedder, spec)
    return Graph(
        spec.name, fingerprint(spec.name), shape, build, slow=True, wide=(8, 2), ranges=_ranges(spec.name)
    )


def _ranges(name: str) -> Path | None:
    file = Path(__file__).with_name(f"{name}_ranges.json")
    return file if file.is_file() else None


def _stage(name: str) -> nn.Module:
    from facecluster.nets import mtcnn

    stage: nn.Module = getattr(mtcnn, name)()
    return stage


def _yunet() -> nn.Module:
    from facecluster.nets.yunet import yunet

    return yunet()


def _embedder(spec: ModelSpec) -> nn.Module:
    from facecluster.nets.crops import embedder_of

    return embedder_of(spec)
