"""Faces in a terminal: two pixels a character, as the colours of a half block and of its background."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.text import Text

SIDE = 18
"""Width and height of a face in pixels; four of them fit 80 columns."""


def draw(chips: Iterable[bytes]) -> Text:
    """Faces (JPEG of the face and its surroundings) beside each other."""
    from PIL import Image

    faces = []
    for chip in chips:
        image = Image.open(io.BytesIO(chip)).convert("RGB")
        edge = image.width // 5  # the face without its surroundings
        middle = (edge, edge, image.width - edge, image.height - edge)
        faces.append(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=middle).tobytes())
    text = Text()
    for row in range(0, SIDE, 2):
        for face in faces:
            for column in range(SIDE):
                text.append("▀", f"{_colour(face, row, column)} on {_colour(face, row + 1, column)}")
            text.append("  ")
        text.append("\n")
    return text


def _colour(face: bytes, row: int, column: int) -> str:
    at = 3 * (row * SIDE + column)
    return f"#{face[at]:02x}{face[at + 1]:02x}{face[at + 2]:02x}"
