"""``facecluster purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.console import Database, DryRun, number, out, say, shown
from facecluster.cli.corrections import Yes

if TYPE_CHECKING:
    from facecluster.pipeline.purge import Purge


def purge(
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Keep the converted weights and compiled networks.")
    ] = False,
    models: Annotated[
        bool, typer.Option("--models", help="Remove the models that you trained or added, too.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Remove everything that facecluster keeps: the whole database, and the cache folder. This cannot be undone.

    The cache serves all libraries; it is made again when needed, but weights that you added or pulled have to be
    added again. Models of your own stay, unless --models says otherwise: nothing makes them again, but they may
    reveal the faces that they were trained on. Photos and albums are never touched, nor files in the folders that
    facecluster did not make.

    **Examples**

    `facecluster purge --dry-run`

    `facecluster purge --keep-cache --db family.db`

    `facecluster purge --models`
    """
    from facecluster.pipeline import default_database
    from facecluster.pipeline.purge import purge

    database = db or default_database()
    found = purge(database, keep_cache=keep_cache, models=models, dry_run=True)
    _print(found)
    if dry_run:
        out.print("Nothing was removed.")
        return
    if not yes:
        typer.confirm("Remove all this for good?", abort=True)
    found = purge(database, keep_cache=keep_cache, models=models)
    count = len(found.database) + len(found.cached) + len(found.models) * models
    out.print(f"Removed {number(count, 'file')}, {_size(found.size)}.")


def _print(found: Purge) -> None:
    for path in found.database:
        say(shown(path))
    if found.cache:
        say(f"{shown(found.cache)}: {number(len(found.cached), 'file')} of weights and networks")
    if found.others:
        others = number(found.others, "other thing")
        out.print(f"The folder stays, with {others} in it that facecluster did not make.")
    for path in found.models if found.with_models else ():
        say(shown(path))
    if found.models and not found.with_models:
        own = number(len(found.models), "model", "models")
        say(f"{own} of your own in {shown(found.models[0].parent)} will stay; --models removes them, too.")
    out.print(f"Together {_size(found.size)}. Photos and albums are not touched.")


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB ({number(size, 'byte')})"
