"""``facecluster models`` and ``models show``; the commands that change files are in ``cli.model_files``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from textwrap import fill
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

TOLD = (
    *("name", "source", "training_data", "licence", "here", "own", "how_to_get"),
    *("arch", "crop", "size", "normalisation", "dimension", "join_distance", "far", "figures", "measured"),
    *("command", "made_at", "file", "bytes", "fingerprint"),
)
"""What `models show` says of a model, in this order; what is not known is left out."""

PROSE = ("source", "training_data", "licence")
"""What is broken between words; anything else may be for copying."""

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
    """Show what is known of a model: where it comes from, on which terms, what it sees, how good it is.

    **Example**

    `facecluster models show facenet`
    """
    spec = spec_of(name)
    told = _told(spec, _measured(db))
    print_json(told) if json else _print_told(told, spec)


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
    """All that there is to say of one model: of a trained one, its card, too."""
    row = _row(spec, found)
    if spec.source.kind not in ("shipped", "own"):
        return row | {"arch": spec.arch, "crop": spec.crop, "size": spec.size, "normalisation": spec.normalisation}
    file = trained_file(spec)
    return asdict(read_card(file)[0]) | row | {"file": file, "bytes": file.stat().st_size}


def _print_told(told: dict[str, Any], spec: ModelSpec) -> None:
    """What there is to say, in the order of ``TOLD``, but for what is said twice or is unknown."""
    how_to_get = None if told["here"] else _how_to_get(spec)
    figures = told.get("figures") or told["accuracy"]
    chosen = told | {"how_to_get": how_to_get, "figures": figures, "measured": told["measured"] or "nothing yet"}
    _print_lines({heading: chosen[heading] for heading in TOLD if chosen.get(heading) is not None})


def _print_lines(told: dict[str, Any], indent: str = "") -> None:
    """A heading and its value a line, the values below each other; a value with headings of its own, below it."""
    width = max(15, *(len(indent + shown(heading)) for heading in told))
    for heading, value in told.items():
        begin = f"{indent + shown(heading).replace('_', ' '):<{width}} "
        if isinstance(value, dict) and value:
            say(begin.rstrip())
            _print_lines(value, f"{indent}  ")
        elif heading in PROSE:
            say(_wrapped(begin, shown(value)))
        else:
            say(f"{begin}{shown(_said(value))}")


def _wrapped(begin: str, text: str) -> str:
    """``text`` after ``begin``, over as many lines as it needs, broken between words alone."""
    below = " " * len(begin)
    return fill(
        text or "–",
        out.width,
        initial_indent=begin,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _said(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else "–" if value is None else value


def _print(specs: list[ModelSpec], found: Measured) -> None:
    out.print(_table(specs, found))
    if any("*" in _published(spec) for spec in specs):
        out.print("* of people who were held out of the training, not of LFW")
    for spec in specs:
        if record := found.get((fingerprint(spec.name), "lfw")):
            pairs = number(record.figures["verification"]["pairs"], "pair")
            out.print(f"{spec.name} was measured on {pairs} on {record.at[:10]}.")
        if not is_here(spec.name):
            out.print(f"{spec.name}: {_how_to_get(spec)}")
    out.print(
        "Where a model comes from, what it learnt from, and its other figures: `facecluster models show NAME`."
    )


def _table(specs: list[ModelSpec], found: Measured) -> Table:
    """A row for each model, whatever its card says."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("model", "size", "here", "LFW %", "here %"):
        table.add_column(heading, no_wrap=True)
    table.add_column("licence")  # gives way, but in one line
    for spec in specs:
        here = Text("yes", "green") if is_here(spec.name) else "no"
        size, record = f"{dimension(spec)}-D", found.get((fingerprint(spec.name), "lfw"))
        own = f"{100 * record.figures['verification']['accuracy']['mean']:.2f}" if record else "–"
        licence = Text(shown(spec.licence), no_wrap=True, overflow="ellipsis")
        table.add_row(spec.name, size, here, _published(spec), own, licence)
    return table


def _how_to_get(spec: ModelSpec) -> str:
    add = " See `facecluster models pull` and `facecluster models add`." if spec.source.url else ""
    return f"{spec.source.how_to_get}{add}"


def _published(spec: ModelSpec) -> str:
    accuracy = spec.accuracy or {}
    if "LFW" in accuracy:
        return f"{accuracy['LFW']:.2f}"
    return f"{accuracy[HELD_OUT]:.2f}*" if HELD_OUT in accuracy else "–"
