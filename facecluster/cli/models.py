"""``facecluster models``, ``models add`` and ``models pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from facecluster.cli.console import Database, Json, number, out, print_json, progress_bar, say, shown
from facecluster.nets.specs import MODELS, ModelSpec
from facecluster.nets.weights import dimension, fingerprint, is_here

if TYPE_CHECKING:
    from facecluster.store import Evaluation

Measured = dict[tuple[str, str], "Evaluation"]
"""The latest records, by fingerprint and what was measured."""

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


@app.callback()
def models(context: typer.Context, db: Database = None, json: Json = False) -> None:
    """List the models that embed faces, or add one's weights.

    Beside the accuracy on LFW that was measured for this project is the one that `facecluster evaluate lfw`
    measured last on this machine, as the library has it on record.

    **Examples**

    `facecluster models`

    `facecluster models add ~/Downloads/20180402-114759-vggface2.pt`
    """
    if context.invoked_subcommand is None:
        found = _measured(db)
        print_json([_row(spec, found) for spec in MODELS.values()]) if json else _print(found)


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(help="The weights of facenet-vggface2, as facenet-pytorch publishes them.", metavar="FILE"),
    ],
    head: Annotated[
        Path | None,
        typer.Option(
            help="A head that shortens its embeddings to 128-D, made by benchmarks/fit_head.py.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Add weights from a file on this machine; its SHA-256 is checked. Without a head it embeds in 512-D.

    **Example**

    `facecluster models add ~/Downloads/20180402-114759-vggface2.pt`
    """
    from facecluster.nets.pull import add_head, add_weights

    say(f"Added: {shown(add_weights(file))}")
    if head:
        say(f"Added: {shown(add_head(head))}")


@app.command()
def pull() -> None:
    """Download the weights of facenet-vggface2 (112 MB): the only command that uses the network.

    **Example**

    `facecluster models pull`
    """
    from facecluster.nets.pull import pull as download

    with progress_bar("Downloading", "MB") as bar:
        stored = download(progress=lambda done, total: bar.show(done / 1e6, total / 1e6))
    say(f"Added: {shown(stored)}")


def _measured(db: Path | None) -> Measured:
    from facecluster.pipeline import Library, default_database

    path = db or default_database()
    if not path.exists():
        return {}
    with Library(path) as library:
        return library.evaluations()


def _row(spec: ModelSpec, found: Measured) -> dict[str, Any]:
    mark = fingerprint(spec.name)
    return {
        "name": spec.name,
        "dimension": dimension(spec),
        "here": is_here(spec.name),
        "fingerprint": mark,
        "accuracy": spec.accuracy,
        "measured": {
            what: {"at": one.at, "options": one.options, "figures": one.figures}
            for (model, what), one in found.items()
            if model == mark
        },
        "join_distance": spec.join_distance,
        "source": spec.origin,
        "licence": spec.licence,
        "training_data": spec.training_data,
        "how_to_get": spec.source.how_to_get,
    }


def _print(found: Measured) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("model", "size", "here", "LFW %", "measured %", "licence"):
        table.add_column(heading, no_wrap=True)
    table.add_column("source", overflow="fold")
    for spec in MODELS.values():
        accuracy = spec.accuracy or {}
        published = f"{accuracy['LFW']:.2f}" if "LFW" in accuracy else "–"
        own = found.get((fingerprint(spec.name), "lfw"))
        measured = f"{100 * own.figures['verification']['accuracy']['mean']:.2f}" if own else "–"
        here = Text("yes", "green") if is_here(spec.name) else "no"
        table.add_row(spec.name, f"{dimension(spec)}-D", here, published, measured, spec.licence, spec.origin)
    out.print(table)
    for spec in MODELS.values():
        if own := found.get((fingerprint(spec.name), "lfw")):
            pairs = own.figures["verification"]["pairs"]
            out.print(f"{spec.name} was measured on {number(pairs, 'pair')} on {own.at[:10]}.")
        if not is_here(spec.name):
            add = " See `facecluster models pull` and `facecluster models add`." if spec.source.url else ""
            out.print(f"{spec.name}: {spec.source.how_to_get}{add}")
