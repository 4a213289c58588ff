"""A contact sheet of the worst errors: pairs of faces side by side, with their distance and names.

It is drawn here and not in ``albums/``, because it shows pairs and verdicts, and needs chips as arrays only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from facecluster.records import UInt8

SIDE = 150
"""Pixels of a face's side."""

GAP, EDGE = 4, 16
"""White pixels between the faces of a pair, and around everything."""

LINE, HEADING = 16, 24
"""Pixels of a line of text, and of a heading."""

COLUMN = 2 * SIDE + GAP + EDGE
ROW = SIDE + 3 * LINE + 10


@dataclass(frozen=True, slots=True, eq=False)
class SheetPair:
    """Two chips (224, 224, 3) uint8 RGB, their names and their squared L2 distance."""

    chips: tuple[UInt8, UInt8]
    names: tuple[str, str]
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class SheetPart:
    """One model's errors: pairs of two people that were ``accepted``, of one person that were ``rejected``."""

    title: str
    accepted: Sequence[SheetPair]
    rejected: Sequence[SheetPair]


def contact_sheet(parts: Sequence[SheetPart]) -> Image.Image:
    """The parts below each other; left what was accepted, right what was rejected, the worst at the top: RGB."""
    heights = [2 * HEADING + ROW * max(1, len(part.accepted), len(part.rejected)) for part in parts]
    sheet = Image.new("RGB", (2 * COLUMN + EDGE, sum(heights) + 2 * EDGE), "white")
    y = EDGE
    for part, height in zip(parts, heights, strict=True):
        _draw_part(sheet, part, y)
        y += height
    return sheet


def _draw_part(sheet: Image.Image, part: SheetPart, y: int) -> None:
    pen = ImageDraw.Draw(sheet)
    pen.text((EDGE, y), part.title, "black", _font(LINE))
    columns = (("two people, taken for one", part.accepted), ("one person, taken for two", part.rejected))
    for x, (heading, pairs) in zip((EDGE, EDGE + COLUMN), columns, strict=True):
        pen.text((x, y + HEADING), heading if pairs else f"{heading}: none", "black", _font(LINE - 2))
        for row, pair in enumerate(pairs):
            _draw_pair(sheet, pair, x, y + 2 * HEADING + row * ROW)


def _draw_pair(sheet: Image.Image, pair: SheetPair, x: int, y: int) -> None:
    for place, chip in enumerate(pair.chips):
        face = Image.fromarray(chip).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        sheet.paste(face, (x + place * (SIDE + GAP), y))
    pen, font = ImageDraw.Draw(sheet), _font(LINE - 4)
    for line, text in enumerate((f"distance {pair.distance:.3f}", *pair.names)):
        pen.text((x, y + SIDE + 2 + line * LINE), _fitting(text, font), "black", font)


def _fitting(text: str, font: ImageFont.FreeTypeFont) -> str:
    """The text, cut off where it would run into the next column; what cannot be printed is a question mark."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    while font.getlength(shown) > COLUMN - EDGE:
        shown = shown.removesuffix("…")[:-1] + "…"
    return shown


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib carries: Pillow's own font lacks most letters that are not English."""
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size)
