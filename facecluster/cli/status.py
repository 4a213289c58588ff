"""``facecluster status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.console import Database, Json, existing_library, number, out, print_json, say, shown

if TYPE_CHECKING:
    from facecluster.pipeline import Status


def status(
    limit: Annotated[int, typer.Option(min=0, help="Unreadable files to list.")] = 20,
    db: Database = None,
    json: Json = False,
) -> None:
    """What the library holds, and the files that could not be read.

    **Example**

    `facecluster status --limit 100`
    """
    with existing_library(db) as library:
        found = library.status()
    print_json(found) if json else _print(found, limit)


def _print(status: Status, limit: int) -> None:
    counts, unreadable = status.counts, status.unreadable
    out.print(f"photos    {counts.photos:,}" + (f", and {counts.missing:,} missing" if counts.missing else ""))
    out.print(f"faces     {counts.faces:,}, of which {counts.assigned:,} belong to people")
    out.print(f"people    {counts.people:,}")
    out.print(f"model     {status.model or 'none yet'}")
    if own := status.calibrated:
        out.print(f"joins at  {own.join_distance:.3f}, calibrated for false merges up to {100 * own.rate:g} %")
    say(f"database  {shown(status.database)} ({counts.size / 1e6:,.1f} MB)")
    if unreadable:
        again = (
            "it is tried again when it changes" if len(unreadable) == 1 else "each is tried again when it changes"
        )
        out.print(f"\n{number(len(unreadable), 'file')} could not be read; {again}:")
    for file in unreadable[:limit]:
        say(f"{shown(file.path)}\n    {shown(file.reason)}")
    if len(unreadable) > limit:
        out.print(f"… and {len(unreadable) - limit:,} more; see --limit.")
