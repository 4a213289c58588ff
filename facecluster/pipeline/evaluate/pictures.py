"""Pictures of an evaluation: the ROC, and the worst errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facecluster import faces, photos
from facecluster.albums.picture import PNG, PNG_OR_JPEG, check_free, save
from facecluster.evaluation import Roc, SheetPair, SheetPart, contact_sheet, plot_roc, roc, worst
from facecluster.pipeline.evaluate.verification import PairsRun
from facecluster.records import Box, UInt8


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where pictures go, None for those that nobody wants."""

    roc: Path | None = None
    worst: Path | None = None

    def check(self) -> None:
        """Raise ``UsageError`` unless the files can be written: it is better to know before hours of measuring."""
        if self.roc:
            check_free(self.roc, PNG)
        if self.worst:
            check_free(self.worst, PNG_OR_JPEG)

    def draw(self, run: PairsRun) -> None:
        """Draw and write them; raises ``UsageError`` where that cannot be."""
        if self.roc:
            save(plot_roc(_curves(run)), self.roc, PNG)
        if self.worst:
            save(contact_sheet([_part(run, model) for model in run.distances]), self.worst, PNG_OR_JPEG)


def _curves(run: PairsRun) -> dict[str, Roc]:
    return {model: roc(distances, run.pairs.same) for model, distances in run.distances.items()}


def _part(run: PairsRun, model: str) -> SheetPart:
    """The ten worst errors of each kind, at the model's common threshold."""
    (threshold,) = (one.verification.threshold for one in run.figures.models if one.model == model)
    accepted, rejected = worst(run.distances[model], run.pairs.same, threshold)
    title = f"{model}: the worst of {len(run.pairs.same):,} pairs, at distance {threshold:.3f}"
    return SheetPart(title, _pairs(run, model, accepted.tolist()), _pairs(run, model, rejected.tolist()))


def _pairs(run: PairsRun, model: str, rows: Iterable[int]) -> list[SheetPair]:
    names = run.pairs.names
    both = [(names[run.pairs.first[row]], names[run.pairs.second[row]], run.distances[model][row]) for row in rows]
    return [
        SheetPair((_face(run, one), _face(run, other)), (_title(one), _title(other)), float(distance))
        for one, other, distance in both
    ]


def _face(run: PairsRun, name: str) -> UInt8:
    """The face's surroundings, a square of the photo."""
    box = run.boxes[name]
    grow_x, grow_y = ((max(box.width, box.height) - side) / 2 for side in (box.width, box.height))
    square = Box(box.x0 - grow_x, box.y0 - grow_y, box.x1 + grow_x, box.y1 + grow_y)
    opened = photos.open_photo(run.figures.folder / name)
    return faces.cut(opened.pixels, square)


def _title(name: str) -> str:
    return Path(name).stem.replace("_", " ")
