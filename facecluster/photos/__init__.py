"""Photos: the files of a library, what their bytes are, and their upright pixels."""

from __future__ import annotations

from facecluster.photos.decode import MAX_PIXELS, OpenPhoto, decode, open_photo
from facecluster.photos.exif import ExifFacts, read_exif
from facecluster.photos.kinds import looks_like_photo, sniff
from facecluster.photos.raw import RawPhoto, read_file
from facecluster.photos.walk import walk

__all__ = [
    "MAX_PIXELS",
    "ExifFacts",
    "OpenPhoto",
    "RawPhoto",
    "decode",
    "looks_like_photo",
    "open_photo",
    "read_exif",
    "read_file",
    "sniff",
    "walk",
]
