"""A list of pairs: of photos, or of videos, by name."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.records import Int64

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """P pairs of the N ``names``, which are sorted.

    ``first`` and ``second`` (P,) int64 are rows of ``names``, ``same`` (P,) bool says whether both are one
    person's, ``folds`` (P,) int64 in which fold a pair is.
    """

    names: tuple[str, ...]
    first: Int64
    second: Int64
    same: Bool
    folds: Int64

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, bool, int]]) -> Self:
        """Pairs given as two names, whether they are one person's, and the fold."""
        rows = list(rows)
        names = sorted({name for one, other, _, _ in rows for name in (one, other)})
        at = {name: i for i, name in enumerate(names)}
        return cls(
            tuple(names),
            np.array([at[one] for one, _, _, _ in rows], np.int64),
            np.array([at[other] for _, other, _, _ in rows], np.int64),
            np.array([same for _, _, same, _ in rows], bool),
            np.array([fold for _, _, _, fold in rows], np.int64),
        )

    def among(self, names: Collection[str]) -> PairList:
        """The pairs of which both are among ``names``, in the same order."""
        kept = set(names)
        rows = zip(*(part.tolist() for part in (self.first, self.second, self.same, self.folds)), strict=True)
        called = ((self.names[one], self.names[other], same, fold) for one, other, same, fold in rows)
        return PairList.of(row for row in called if row[0] in kept and row[1] in kept)


def require_folder(folder: Path) -> None:
    """Raise ``UsageError`` unless ``folder`` is one."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")


def read_lines(file: Path) -> list[str]:
    """The lines of a text file; raises ``UsageError`` when it cannot be read as one."""
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{file} cannot be read ({said}): name the list of pairs with --pairs.") from error


def table_of(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty, without the space around them, and the line's number from 1 on."""
    for number, cells in enumerate(csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE), 1):
        if any(cell.strip() for cell in cells):
            yield number, [cell.strip() for cell in cells]
