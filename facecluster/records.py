"""The words of the house: photo, box, face, person, album. Frozen, with units and shapes.

Pixel coordinates everywhere are those of the *upright* photo at its full size (EXIF orientation applied,
no reduction): x to the right, y down, ``x0, y0`` the top left corner, ``x1, y1`` the bottom right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]

CHIP_SIZE = 224
"""Side of a face chip in pixels; a chip is (224, 224, 3) uint8 RGB."""

CHIP_BOX = 124
"""Side in chip pixels that the face's box is stretched to, centred in the chip.

The region of the photo behind a chip is therefore the box grown by 224/124 about its centre: room for the crop of
every model, with a margin or turned by the landmarks (``nets.framing``).
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright photo; corners may lie outside of it."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    def overlap(self, other: Box) -> float:
        """Intersection over union with another box, 0..1; 0 where one of them is empty."""
        width = max(0.0, min(self.x1, other.x1) - max(self.x0, other.x0))
        height = max(0.0, min(self.y1, other.y1) - max(self.y0, other.y0))
        union = self.width * self.height + other.width * other.height - width * height
        return width * height / union if union > 0 else 0.0

    def scaled(self, factor: float) -> Box:
        """The same box in an image that is ``factor`` times as large."""
        return Box(self.x0 * factor, self.y0 * factor, self.x1 * factor, self.y1 * factor)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face that was found in a photo.

    ``landmarks`` is (5, 2) float32, pixels of the upright photo, in the order left eye, right eye, nose,
    left mouth corner, right mouth corner, as the viewer sees them. ``score`` is the detector's probability
    in 0..1. ``sharpness`` is the variance of the Laplacian of the grey 112-pixel face (grey levels squared;
    a blurred face has little). ``frontality`` is 1 for a face that looks at the camera, 0 in profile.
    """

    box: Box
    landmarks: Float32
    score: float
    sharpness: float = 0.0
    frontality: float = 0.0


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file met on a walk: where it is and what ``stat`` says (``mtime_ns`` in nanoseconds)."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo is its content: ``sha256`` is the hex digest of the file's bytes.

    ``width`` and ``height`` are pixels of the upright photo at full size. ``taken_at`` is the camera's
    local time, without zone, as EXIF gives it.
    """

    sha256: str
    format: str
    width: int
    height: int
    taken_at: datetime | None = None
    camera: str | None = None
    has_gps: bool = False


@dataclass(frozen=True, slots=True)
class AlbumFace:
    """One face as an album shows it.

    ``photo`` is a path where the photo is now; ``seen`` is (size, mtime_ns) of that file when the photo was
    read from it, None when unknown. ``distance`` is the squared L2 distance to the mean of its person's
    embeddings (None when unknown).
    """

    face_id: int
    photo: Path
    sha256: str
    width: int
    height: int
    box: Box
    taken_at: datetime | None = None
    distance: float | None = None
    confirmed: bool = False
    seen: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Album:
    """A person's faces, to be written as a folder called ``title``; faces are ordered by capture time."""

    person_id: int
    title: str
    faces: tuple[AlbumFace, ...]
