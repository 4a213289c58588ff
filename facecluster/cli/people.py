"""``facecluster people`` and its commands: names, corrections, undo."""

from __future__ import annotations

from datetime import datetime
from json import dump, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from facecluster.cli import corrections
from facecluster.cli.console import (
    Database,
    DryRun,
    Json,
    existing_library,
    number,
    out,
    print_json,
    say,
    shown,
    years,
)
from facecluster.errors import UsageError

if TYPE_CHECKING:
    from facecluster.pipeline.people import Person, ShownFace
    from facecluster.store import Change

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


@app.callback()
def people(
    context: typer.Context,
    unnamed: Annotated[bool, typer.Option("--unnamed", help="Only people without a name.")] = False,
    everybody: Annotated[bool, typer.Option("--all", help="Ignored people, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows of the table.")] = 30,
    db: Database = None,
    json: Json = False,
) -> None:
    """List the people of the library; name and correct them.

    What you say here is final: a face that you confirmed or moved stays, one that you rejected does not come back,
    and a person that you named is neither split nor merged by a later `cluster`. Everything can be undone.

    **Examples**

    `facecluster people --unnamed`

    `facecluster people name 3 Anna`

    `facecluster people merge Anna 17`

    `facecluster people undo`
    """
    if context.invoked_subcommand is None:
        with existing_library(db) as library:
            found = library.people.all(unnamed=unnamed, hidden=everybody)
        print_json([_plain(person) for person in found]) if json else _print(found, limit)


@app.command()
def show(
    person: corrections.Who,
    limit: Annotated[int, typer.Option(min=1, help="Rows.")] = 30,
    db: Database = None,
    json: Json = False,
) -> None:
    """Show a person's faces: their numbers, photos, and distances to the mean of the person's faces.

    **Example**

    `facecluster people show Anna`
    """
    with existing_library(db) as library:
        found, faces = library.people.show(person)
    if json:
        print_json(_plain(found) | {"face_list": [_plain(face) for face in faces]})
    else:
        _print([found], 1)
        _print_faces(faces, limit)


for command in (
    corrections.name,
    corrections.merge,
    corrections.split,
    corrections.move,
    corrections.confirm,
    corrections.reject,
    corrections.same,
    corrections.different,
    corrections.ignore,
    corrections.unignore,
    corrections.born,
):
    app.command()(command)


@app.command()
def undo(dry_run: DryRun = False, db: Database = None) -> None:
    """Take back the newest change that is in force; again and again, to the first.

    **Example**

    `facecluster people undo`
    """
    with existing_library(db) as library:
        _say_change("Undone", library.people.undo(dry_run=dry_run), "Nothing to undo.", dry_run)


@app.command()
def redo(dry_run: DryRun = False, db: Database = None) -> None:
    """Bring back what was undone last. After a new change, nothing undone can be brought back.

    **Example**

    `facecluster people redo`
    """
    with existing_library(db) as library:
        _say_change("Done again", library.people.redo(dry_run=dry_run), "Nothing to redo.", dry_run)


@app.command("export")
def save(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.", metavar="FILE")],
    db: Database = None,
) -> None:
    """Write everybody whom you named or corrected to a file, for another computer or a new database.

    **Example**

    `facecluster people export people.json`
    """
    with existing_library(db) as library:
        found = library.people.portable()
    try:
        with file.open("x", encoding="utf-8") as stream:
            dump(found, stream, ensure_ascii=False, indent=1)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): choose another file.") from error
    say(f"{number(len(found['people']), 'person', 'people')} written to {shown(file)}.")


@app.command("import")
def load(
    file: Annotated[Path, typer.Argument(help="What `people export` wrote.", metavar="FILE")],
    dry_run: DryRun = False,
    yes: corrections.Yes = False,
    db: Database = None,
) -> None:
    """Take over people from a file; scan the photos first. People of one name become one.

    **Example**

    `facecluster people import people.json`
    """
    try:
        found = loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as a file of people ({error}).") from error
    with existing_library(db) as library:
        corrections.carry_out(lambda rehearse: library.people.adopt(found, dry_run=rehearse), dry_run, yes)


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest last.")] = 30,
    db: Database = None,
    json: Json = False,
) -> None:
    """List your changes, oldest first.

    **Example**

    `facecluster people history`
    """
    with existing_library(db) as library:
        changes = library.people.history()
    if json:
        print_json([_plain(change) for change in changes])
        return
    for change in changes[-limit:]:
        at = datetime.fromisoformat(change.at).astimezone()
        say(f"{at:%Y-%m-%d %H:%M}  {shown(change.what)}{'  (undone)' if change.undone else ''}")
    if not changes:
        say("No changes yet.")


def _say_change(what: str, change: Change | None, nothing: str, dry_run: bool) -> None:
    faces = f" ({number(change.faces, 'face')})" if change and change.faces else ""
    say(f"{what}: {shown(change.what)}{faces}." if change else nothing)
    if dry_run:
        say("Nothing was written.")


def _print(people: list[Person], limit: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("person", overflow="ellipsis", no_wrap=True, max_width=30)
    for heading in ("faces", "confirmed", "photos", "years"):
        table.add_column(heading, justify="right", no_wrap=True)
    for person in people[:limit]:
        title = f"{shown(person.title)}{' (ignored)' if person.hidden else ''}"
        counts = (f"{count:,}" for count in (person.faces, person.confirmed, person.photos))
        table.add_row(str(person.id), title, *counts, years(person.years))
    out.print(table) if people else out.print("Nobody yet: run `facecluster cluster` first.")
    if len(people) > limit:
        out.print(f"… and {number(len(people) - limit, 'more person', 'more people')}; see --limit.")


def _print_faces(faces: list[ShownFace], limit: int) -> None:
    for face in faces[:limit]:
        far = "    " if face.distance is None else f"{face.distance:.2f}"
        where = shown(face.photo) if face.photo else "(the photo is missing)"
        say(f"{face.face_id:>7}  {far}  {'confirmed' if face.confirmed else '         '}  {where}")
    if len(faces) > limit:
        out.print(f"… and {number(len(faces) - limit, 'more face')}; see --limit.")


def _plain(value: Person | ShownFace | Change) -> dict[str, object]:
    fields = {name: getattr(value, name) for name in value.__slots__}
    return {name: str(field) if isinstance(field, Path) else field for name, field in fields.items()}
