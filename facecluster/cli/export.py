"""``facecluster export``."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facecluster.cli.console import (
    Database,
    DryRun,
    Json,
    existing_library,
    number,
    out,
    print_json,
    progress_bar,
    say,
    shown,
)

if TYPE_CHECKING:
    from facecluster.albums import ExportPlan, ExportResult


NOTES = 20
"""Most files that are named one by one after an export."""


class Mode(StrEnum):
    """How a photo comes into a person's folder."""

    symlink = "symlink"
    hardlink = "hardlink"
    copy = "copy"


def export(
    dest: Annotated[Path, typer.Argument(help="The folder for the albums; made if needed.", metavar="DEST")],
    mode: Annotated[Mode, typer.Option(help="How a photo comes into a person's folder.")] = Mode.symlink,
    min_size: Annotated[int, typer.Option(min=1, help="Fewest photos of a person who gets an album.")] = 1,
    person: Annotated[
        list[str] | None, typer.Option(help="Only this person (number or name); may be repeated.")
    ] = None,
    crops: Annotated[bool, typer.Option("--crops", help="Also write the face crops, to faces/.")] = False,
    dry_run: DryRun = False,
    db: Database = None,
    json: Json = False,
) -> None:
    """Write an album per person: a folder of links to the photos, and index.html to look at them all.

    A second export brings the folder up to date: it adds what is new and removes what an earlier export made and
    is not wanted any more. It never touches any other file, nor your photos.

    **Examples**

    `facecluster export albums/`

    `facecluster export ~/Anna --person "Person 003" --mode copy --crops`
    """
    from facecluster import albums

    with existing_library(db) as library, progress_bar("Albums", "files") as bar:
        options = albums.ExportOptions(mode.value, crops)
        if dry_run:
            plan = library.plan_export(dest, options, min_size=min_size, persons=person or ())
        else:
            result = library.export(dest, options, min_size=min_size, persons=person or (), on_progress=bar.show)
    if dry_run:
        print_json(_planned(plan)) if json else _print_plan(plan)
    else:
        print_json(result) if json else _print_result(result)
        if result.failed:
            raise typer.Exit(1)


def _planned(plan: ExportPlan) -> dict[str, Any]:
    return {
        "dest": plan.dest,
        "sheet": plan.dest / plan.sheet,
        "people": [
            {"id": one.album.person_id, "title": one.album.title, "folder": one.folder, "photos": len(one.photos)}
            for one in plan.people
        ],
        "add": [{"path": link.path, "photo": link.photo} for link in plan.add],
        "remove": plan.remove,
        "unchanged": len(plan.unchanged),
        "kept": [asdict(kept) for kept in plan.kept],
        "missing": plan.missing,
    }


def _print_plan(plan: ExportPlan) -> None:
    for link in plan.add:
        say(f"+ {shown(link.path)}")
    for path in plan.remove:
        say(f"- {shown(path)}")
    out.print(
        f"Would add {number(len(plan.add), 'file')}, remove {len(plan.remove):,}, keep {len(plan.unchanged):,}."
    )
    out.print("Nothing was written.")


def _print_result(result: ExportResult) -> None:
    say(f"{number(result.people, 'album')} in {shown(result.dest)}")
    added = number(len(result.added), "file")
    out.print(f"{added} added, {len(result.removed):,} removed, {result.unchanged:,} unchanged.")
    notes = _notes(result)
    for note in notes[:NOTES]:
        say(note)
    if len(notes) > NOTES:
        out.print(f"… and {number(len(notes) - NOTES, 'more file')}; --json names them all.")
    if result.missing:
        out.print(f"{number(len(result.missing), 'photo is', 'photos are')} not there any more and got no link.")
    if result.copied:
        out.print(f"{number(len(result.copied), 'photo')} of another file system had to be copied.")
    if result.people:
        say(f"Look at them: {shown(result.sheet)}")
    else:
        out.print("Nobody to show yet; see facecluster cluster.")


def _notes(result: ExportResult) -> list[str]:
    failed = [f"{shown(path)} failed: {reason}." for path, reason in result.failed]
    return failed + [f"{shown(kept.path)} was left: {kept.reason}." for kept in result.kept]
