"""The program: its commands, its version, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from facecluster import __version__
from facecluster.cli import (
    calibrate,
    cluster,
    demo,
    evaluate,
    explain,
    export,
    find,
    forget,
    migrate,
    models,
    people,
    purge,
    scan,
    status,
    suggest,
    train,
    verify,
)
from facecluster.cli.console import say_error
from facecluster.errors import FaceclusterError

FAILED, UNEXPECTED, INTERRUPTED = 1, 3, 130


class Commands(TyperGroup):
    """The commands, each of which Ctrl-C ends with a sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say_error("Stopped. What was finished is kept.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"facecluster {__version__}")
        raise typer.Exit


@app.callback()
def facecluster(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find the people in a photo library, on your own machine.

    **scan** reads the photos, **cluster** groups their faces into people, **export** writes an album per person.
    **people** shows, names and corrects them. Nothing leaves the machine, and your photos are never changed.

    **Examples**

    `facecluster scan ~/Photos && facecluster cluster && facecluster export albums/`

    `facecluster demo` tries it all without any photos
    """


app.command()(scan.scan)
app.command()(cluster.cluster)
app.command()(calibrate.calibrate)
app.command()(export.export)
app.command()(status.status)
app.add_typer(people.app, name="people")
app.command()(suggest.suggest)
app.command()(find.find)
app.command()(verify.verify)
app.command()(forget.forget)
app.command()(purge.purge)
app.command()(explain.explain)
app.add_typer(models.app, name="models")
app.command()(migrate.migrate)
app.add_typer(evaluate.app, name="evaluate")
app.command()(train.train)
app.command()(demo.demo)


def main() -> None:
    """Run the program; ends the process with 0, 1 (failed), 2 (wrong usage), 3 (a bug) or 130 (Ctrl-C)."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that cannot show every name
    try:
        app()
    except FaceclusterError as error:
        say_error(str(error))
        sys.exit(FAILED)
    except Exception as error:
        if os.environ.get("FACECLUSTER_DEBUG"):
            traceback.print_exc()
        say_error(
            f"This is a bug in facecluster: {type(error).__name__}: {error}. Nothing that was finished is lost. "
            "Please report it with what is printed when FACECLUSTER_DEBUG=1 is set."
        )
        sys.exit(UNEXPECTED)
