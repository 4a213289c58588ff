"""Labeled Faces in the Wild (Huang et al. 2007): its folders and its list of pairs."""

from __future__ import annotations

from pathlib import Path

from facecluster.errors import UsageError
from facecluster.pipeline.evaluate.pairs import PairList, read_lines, table_of

SUFFIXES = (".jpg", ".png", ".jpeg")
"""Of photos; the first one is LFW's own, others are met where somebody has cropped them."""


def read_pairs(file: Path, folder: Path) -> PairList:
    """The pairs of ``file``; names are paths within ``folder``, such as ``A_B/A_B_0001.jpg``.

    The first line has the number of folds and how many pairs of each kind a fold has, or the latter alone; then
    come, fold after fold, pairs of one person (name, number, number) and of two (name, number, name, number), with
    tabs between. Raises ``UsageError`` when ``file`` cannot be read so.
    """
    rows = list(table_of(read_lines(file), "\t"))
    if not rows or len(rows[0][1]) > 2 or not all(cell.isdecimal() for cell in rows[0][1]):
        raise UsageError(
            f"{file} is no list of LFW's pairs: its first line has to be two numbers, such as 10 300."
        )
    *folds, each = map(int, rows[0][1])
    pairs = [_pair(file, number, cells, folder) for number, cells in rows[1:]]
    promised = 2 * each * (folds[0] if folds else 1)
    if len(pairs) != promised:
        raise UsageError(f"{file} has {len(pairs):,} pairs, but its first line promises {promised:,}.")
    return PairList.of((*pair, i // (2 * each)) for i, pair in enumerate(pairs))


def _pair(file: Path, number: int, cells: list[str], folder: Path) -> tuple[str, str, bool]:
    numbers = [*cells[1:2], *cells[2:][-1:]]
    if len(cells) not in (3, 4) or not all(cell.isdecimal() for cell in numbers):
        raise UsageError(f"{file}, line {number}: a pair is a name, a number, perhaps another name, and a number.")
    one, other = (cells[0], numbers[0]), (cells[-2] if len(cells) == 4 else cells[0], numbers[1])
    return _photo(folder, *one), _photo(folder, *other), one[0] == other[0]


def _photo(folder: Path, person: str, number: str) -> str:
    """The path within the folder, with the suffix of the file that is there."""
    names = [f"{person}/{person}_{int(number):04d}{suffix}" for suffix in SUFFIXES]
    return next((name for name in names if (folder / name).is_file()), names[0])
