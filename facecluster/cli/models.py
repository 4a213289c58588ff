"""``facecluster models``, ``models add`` and ``models pull``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from facecluster.cli.console import Json, out, print_json, progress_bar, say, shown
from facecluster.nets.specs import MODELS, ModelSpec
from facecluster.nets.weights import dimension, fingerprint, is_here

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


@app.callback()
def models(context: typer.Context, json: Json = False) -> None:
    """List the models that embed faces, or add one's weights.

    **Examples**

    `facecluster models`

    `facecluster models add ~/Downloads/20180402-114759-vggface2.pt`
    """
    if context.invoked_subcommand is None:
        print_json([_row(spec) for spec in MODELS.values()]) if json else _print()


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


def _row(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "dimension": dimension(spec),
        "here": is_here(spec.name),
        "fingerprint": fingerprint(spec.name),
        "accuracy": spec.accuracy,
        "join_distance": spec.join_distance,
        "source": spec.origin,
        "licence": spec.licence,
        "training_data": spec.training_data,
        "how_to_get": spec.source.how_to_get,
    }


def _print() -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("model", "size", "here", "LFW %", "licence"):
        table.add_column(heading, no_wrap=True)
    table.add_column("source", overflow="fold")
    for spec in MODELS.values():
        accuracy = spec.accuracy or {}
        measured = f"{accuracy['LFW']:.2f}" if "LFW" in accuracy else "–"
        here = Text("yes", "green") if is_here(spec.name) else "no"
        table.add_row(spec.name, f"{dimension(spec)}-D", here, measured, spec.licence, spec.origin)
    out.print(table)
    for spec in MODELS.values():
        if not is_here(spec.name):
            add = " See `facecluster models pull` and `facecluster models add`." if spec.source.url else ""
            out.print(f"{spec.name}: {spec.source.how_to_get}{add}")
