"""``facecluster models`` and ``models show``; the commands that change files are in ``cli.model_files``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from facecluster.cli import model_files
from facecluster.cli.console import Database, Json, number, out, print_json, say, say_error, shown
from facecluster.errors import WeightsError
from facecluster.nets.specs import ModelSpec, model_names, spec_of
from facecluster.nets.trained import read_card
from facecluster.nets.weights import dimension, fingerprint, is_here, trained_file

HELD_OUT = "held-out"
"""The figure of a trained model's card that stands in for LFW."""

if TYPE_CHECKING:
    from facecluster.store import Evaluation

Measured = dict[tuple[str, str], "Evaluation"]
"""The latest records, by fingerprint and what was measured."""

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


@app.callback()
def models(context: typer.Context, db: Database = None, json: Json = False) -> None:
    """List the models that embed faces: those built in, and those that you trained or added.

    Beside the accuracy on LFW that was measured for this project is the one that `facecluster evaluate lfw`
    measured last on this machine, as the library has it on record.

    **Examples**

    `facecluster models`

    `facecluster models add ~/Downloads/20180402-114759-vggface2.pt`
    """
    if context.invoked_subcommand is None:
        specs, found = _specs(), _measured(db)
        print_json([_row(spec, found) for spec in specs]) if json else _print(specs, found)


@app.command()
def show(name: model_files.Model, db: Database = None, json: Json = False) -> None:
    """Show what is known of a model: what it sees, where it comes from, how good it is, on which terms.

    **Example**

    `facecluster models show facenet`
    """
    spec = spec_of(name)
    told = _told(spec, _measured(db))
    if json:
        print_json(told)
        return
    for heading, value in told.items():
        _print_line(heading.replace("_", " "), value)


app.command()(model_files.add)
app.command()(model_files.pull)
app.command()(model_files.remove)


def _specs() -> list[ModelSpec]:
    """All models; a damaged file of the user's is told, and passed over."""
    specs = []
    for name in model_names():
        try:
            specs.append(spec_of(name))
        except WeightsError as error:
            say_error(str(error))
    return specs


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
        "own": spec.source.kind == "own",
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


def _told(spec: ModelSpec, found: Measured) -> dict[str, Any]:
    """All that there is to say of one model: of a trained one, its card."""
    row = _row(spec, found)
    if spec.source.kind not in ("shipped", "own"):
        return row | {"arch": spec.arch, "crop": spec.crop, "size": spec.size, "normalisation": spec.normalisation}
    file = trained_file(spec)
    kept = {key: row[key] for key in ("here", "own", "fingerprint", "measured")}
    return asdict(read_card(file)[0]) | {"name": spec.name} | kept | {"file": file, "bytes": file.stat().st_size}


def _print_line(heading: str, value: Any) -> None:
    if isinstance(value, dict):
        say(heading)
        for inner, each in value.items():
            _print_line(f"  {inner}", each)
    elif value is not None:
        told = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        say(f"{shown(heading):<15} {shown(told)}")


def _print(specs: list[ModelSpec], found: Measured) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("model", "size", "here", "LFW %", "here %"):
        table.add_column(heading, no_wrap=True)
    table.add_column("licence", overflow="fold", max_width=12)
    table.add_column("source", overflow="fold")
    for spec in specs:
        here = Text("yes", "green") if is_here(spec.name) else "no"
        size, record = f"{dimension(spec)}-D", found.get((fingerprint(spec.name), "lfw"))
        own = f"{100 * record.figures['verification']['accuracy']['mean']:.2f}" if record else "–"
        table.add_row(spec.name, size, here, _published(spec), own, shown(spec.licence), shown(spec.origin))
    out.print(table)
    if any("*" in _published(spec) for spec in specs):
        out.print("* of people who were held out of the training, not of LFW; `facecluster models show` has more.")
    for spec in specs:
        if record := found.get((fingerprint(spec.name), "lfw")):
            pairs = number(record.figures["verification"]["pairs"], "pair")
            out.print(f"{spec.name} was measured on {pairs} on {record.at[:10]}.")
        if not is_here(spec.name):
            add = " See `facecluster models pull` and `facecluster models add`." if spec.source.url else ""
            out.print(f"{spec.name}: {spec.source.how_to_get}{add}")


def _published(spec: ModelSpec) -> str:
    accuracy = spec.accuracy or {}
    if "LFW" in accuracy:
        return f"{accuracy['LFW']:.2f}"
    return f"{accuracy[HELD_OUT]:.2f}*" if HELD_OUT in accuracy else "–"
