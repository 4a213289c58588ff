"""``facecluster demo``."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from facecluster.cli.cluster import cluster
from facecluster.cli.console import number, out, progress_bar, shown
from facecluster.cli.export import export
from facecluster.cli.scan import scan
from facecluster.cli.status import status


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A new folder to draw in. [default: a temporary one]", metavar="FOLDER"),
    ] = None,
    people: Annotated[int, typer.Option(min=2, max=20, help="How many people to draw.")] = 8,
    seed: Annotated[int, typer.Option(help="Another seed draws other photos.")] = 0,
) -> None:
    """Draw a small photo library of people who do not exist, then scan, cluster and export it for real.

    Prints the commands that it runs, so that you can go on with others.

    **Example**

    `facecluster demo ~/facecluster-demo`
    """
    from facecluster.demo import draw_library

    place = folder or Path(tempfile.mkdtemp(prefix="facecluster-demo-"))
    photos, albums, db = place / "photos", place / "albums", place / "library.db"
    with progress_bar("Drawing", "photos") as bar:
        drawn = draw_library(photos, seed, people, progress=bar.show)
    out.print(f"Drew {number(len(drawn.people), 'person', 'people')} in {number(len(drawn.photos), 'photo')}.")
    _announce(f"export FACECLUSTER_DB={shlex.quote(str(db.absolute()))}")
    _announce(f"facecluster scan {shlex.quote(str(photos))}")
    scan([photos], db=db)
    _announce("facecluster cluster")
    cluster(db=db)
    _announce(f"facecluster export {shlex.quote(str(albums))}")
    export(albums, db=db)
    _announce("facecluster status")
    status(db=db)


def _announce(command: str) -> None:
    out.print(f"\n$ {shown(command)}", style="bold", soft_wrap=True)
