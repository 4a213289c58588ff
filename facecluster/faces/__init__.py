"""Faces in photos: how they are found, boxes, landmarks, chips and their quality.

Names are loaded when they are first used: the detector needs networks, which take time to load, and a scan that
finds nothing new does not need them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facecluster.faces.chips import decode, encode, extent, landmarks_in_chip
    from facecluster.faces.cutting import cut
    from facecluster.faces.detector import Detector, detect
    from facecluster.faces.options import DetectOptions
    from facecluster.faces.quality import frontality, sharpness

__all__ = [
    "DetectOptions",
    "Detector",
    "cut",
    "decode",
    "detect",
    "encode",
    "extent",
    "frontality",
    "landmarks_in_chip",
    "sharpness",
]

_HOMES = {
    "cut": "cutting",
    "DetectOptions": "options",
    "Detector": "detector",
    "detect": "detector",
    "frontality": "quality",
    "sharpness": "quality",
}


def __getattr__(name: str) -> Any:
    """The public name, from its module; chips are the default home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'chips')}"), name)
