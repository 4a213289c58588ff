"""The parameters and multiply-adds of the networks that can be trained, beside those that their papers print.

    python benchmarks/architectures.py

Needs no weights and no memory for them: the networks are built without numbers, and only shapes are computed.
Weights and biases are counted, as in FaceNet's tables; of the totals the last table counts batch norm, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from facecluster.nets import mobilefacenet, nn1, nn2
from facecluster.nets.architectures import ARCHITECTURES
from facecluster.nets.cost import Cost, Printed, block_costs, layer_costs, rounded, total, value

TABLES = {"nn1": (nn1.TABLE, nn1.TOTAL), "nn2": (nn2.TABLE, nn2.TOTAL)}

TOTALS = {"nn1": nn1.TOTAL, "nn2": nn2.TOTAL, "mobilefacenet": mobilefacenet.TOTAL}

Row = tuple[str, ...]


def built(name: str) -> torch.nn.Module:
    with torch.device("meta"):
        return ARCHITECTURES[name].build()


def block_rows(name: str) -> Iterator[Row]:
    """Block, output, and for parameters and multiply-adds what is printed, our count, the difference."""
    table, printed_total = TABLES[name]
    blocks = [block for block, printed in table.items() if printed.parameters]
    costs = block_costs(built(name), ARCHITECTURES[name].size, blocks, "weights and biases")
    for cost in costs:
        yield _row(cost, table[cost.layer])
    yield _row(total(costs), printed_total)


def total_rows() -> Iterator[Row]:
    """Every architecture as a whole, batch norm and the slopes of PReLU included."""
    for name, architecture in ARCHITECTURES.items():
        cost = total(layer_costs(built(name), architecture.size))
        size = f"{architecture.size} × {architecture.size}"
        yield name, size, *_counts(cost, TOTALS.get(name, Printed((1, 1, 128)))), architecture.source


def _row(cost: Cost, printed: Printed) -> Row:
    return cost.layer, "×".join(map(str, printed.shape)), *_counts(cost, printed)


def _counts(cost: Cost, printed: Printed) -> Row:
    return *_count(cost.parameters, printed.parameters), *_count(cost.multiply_adds, printed.multiply_adds)


def _count(ours: int, printed: str) -> Row:
    """What is printed, what we count, and the difference; 0 where both are the same as printed."""
    if not printed:
        return "–", f"{ours:,}", "–"
    same = rounded(ours, printed) == printed
    return printed, f"{ours:,}", "0" if same else f"{ours / value(printed) - 1:+.1%}"


def table(rows: Iterator[Row], first: str, second: str, *more: str) -> Table:
    counts = ("printed", "parameters", "±", "printed", "multiply-adds", "±")
    drawn = Table(first, second, *counts, *more, box=box.MARKDOWN)
    for row in rows:
        drawn.add_row(*row)
    return drawn


def main() -> None:
    console = Console(width=160)
    for name in TABLES:
        console.print(f"{name}: {ARCHITECTURES[name].source}")
        console.print(table(block_rows(name), "block", "output"))
    console.print(table(total_rows(), "architecture", "input", "source"))


if __name__ == "__main__":
    main()
