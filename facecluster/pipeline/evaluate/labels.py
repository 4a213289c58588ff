"""What is known of the people on photos, from a CSV file: sex, age, when it was taken."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.evaluation import Column, column_of, pair_groups, year_gaps
from facecluster.evaluation.fairness import GAPS, OVER
from facecluster.records import Int64

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Text = NDArray[np.str_]

FILE = "attributes.csv"
"""The name of the file that is used where it lies among the photos and no other is named."""

NO_GROUPS = {"path", "person", "name", "file", "set", "split", "fold", "id"}
"""Columns that say who, or where; not of what kind."""

YEARS = ("year", "taken", "taken_at", "date")
"""Columns that say when, of which the first counts."""

AGE, GAP = "age", "years apart"

MOST_GROUPS = 30
"""A column with more values does not sort people into groups."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of N photos: ``groups`` by column, (N,) str, empty where unknown; ``years`` (N,), else nan.

    ``order`` is that of a column's groups where it is not the alphabet's.
    """

    groups: Mapping[str, Text]
    years: Float64
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def columns(self, first: Int64, second: Int64, same: Bool, accepted: Bool) -> tuple[Column, ...]:
        """The errors of pairs, rows ``first`` and ``second`` (P,), by everything that is known of both photos."""
        found = [
            column_of(name, accepted, same, pair_groups(values, first, second), self.order.get(name, ()))
            for name, values in self.groups.items()
        ]
        gaps = year_gaps(self.years, first, second)
        found.append(column_of(GAP, accepted, same, gaps, (*(name for _, name in GAPS), OVER)))
        return tuple(column for column in found if column.groups)


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """A CSV file: its ``rows`` by ``path`` or, where it has no such column, by ``person``."""

    file: Path
    key: str
    rows: Mapping[str, Mapping[str, str]]

    def labels(self, paths: Sequence[str], persons: Sequence[str]) -> Labels:
        """What the file says of N photos, by path or by person; raises ``UsageError`` when that is nothing at all.

        Ages in years are put into bands of ten; a column with more than ``MOST_GROUPS`` values is left out.
        """
        rows = [self.rows.get(one, {}) for one in (paths if self.key == "path" else persons)]
        if not any(rows):
            raise UsageError(
                f"{self.file} says nothing of these photos: its column {self.key} should hold "
                + (f"paths within the folder, such as {paths[0]}." if self.key == "path" else "their people.")
            )
        names = dict.fromkeys(name for row in rows for name in row)
        when = next((name for name in YEARS if name in names), None)
        years = np.array([_year(row.get(when, "") if when else "") for row in rows], np.float64)
        kinds = [name for name in names if name not in NO_GROUPS and name not in YEARS]
        groups = {name: np.array([_kind(name, row.get(name, "")) for row in rows], np.str_) for name in kinds}
        few = {name: values for name, values in groups.items() if len(np.unique(values)) <= MOST_GROUPS + 1}
        return Labels(few, years, {AGE: AGES})


def read_attributes(folder: Path | None, file: Path | None) -> Attributes | None:
    """The ``file``, or the one called ``FILE`` in ``folder``; None where there is neither.

    Raises ``UsageError`` when it cannot be read, or has neither a column ``path`` nor ``person``.
    """
    if file is None:
        if folder is None or not (folder / FILE).is_file():
            return None
        file = folder / FILE
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [_stripped(row) for row in csv.DictReader(stream, restval="")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file} cannot be read as a CSV file ({said}).") from error
    key = next((name for name in ("path", "person") if rows and name in rows[0]), None)
    if key is None:
        raise UsageError(f"{file} needs rows, and a column path (within the folder of photos) or person.")
    return Attributes(file, key, {row[key]: row for row in rows})


def age_band(age: float) -> str:
    """The ten years that an age is in: ``0–9``, ``10–19``, …"""
    return AGES[min(max(int(age), 0) // 10, len(AGES) - 1)]


AGES = tuple(f"{first}–{first + 9}" for first in range(0, 120, 10))


def _stripped(row: Mapping[str, str]) -> dict[str, str]:
    """The cells below a heading; what a row has beyond the last one is a list, and left out."""
    return {name.strip(): cell.strip() for name, cell in row.items() if isinstance(cell, str)}


def _year(text: str) -> float:
    found = re.search(r"\d{4}", text)
    return float(found[0]) if found else np.nan


def _kind(column: str, value: str) -> str:
    number = re.fullmatch(r"\d{1,3}(\.\d*)?", value)
    return age_band(float(value)) if column == AGE and number else value
