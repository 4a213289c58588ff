"""Photos: the files of a library, what their bytes are, and their upright pixels.

What decodes is loaded when it is first used: to walk over a library takes no decoders.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from facecluster.photos.exif import ExifFacts, read_exif
from facecluster.photos.kinds import looks_like_photo, sniff
from facecluster.photos.memory import Memory
from facecluster.photos.raw import RawPhoto, read_file
from facecluster.photos.walk import walk

if TYPE_CHECKING:
    from facecluster.photos.decoding import MAX_PIXELS, OpenPhoto, decode, open_photo
    from facecluster.photos.pixels import reduced

__all__ = [
    "MAX_PIXELS",
    "ExifFacts",
    "Memory",
    "OpenPhoto",
    "RawPhoto",
    "decode",
    "looks_like_photo",
    "open_photo",
    "read_exif",
    "read_file",
    "reduced",
    "sniff",
    "walk",
]


def __getattr__(name: str) -> Any:
    """The public name, from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'pixels' if name == 'reduced' else 'decoding'}"), name)
