"""The commands of ``facecluster people`` that change something: rehearsed first, and asked about when large."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.console import Database, DryRun, existing_library, number, say, shown
from facecluster.errors import NameTakenError, UsageError

if TYPE_CHECKING:
    from facecluster.pipeline.edits import Edit

MANY = 50
"""Changes of more faces are asked about first."""

Who = Annotated[str, typer.Argument(help="A number, as in Person 007, or a name.", metavar="PERSON")]
Whose = Annotated[list[str], typer.Argument(help="Numbers or names.", metavar="PERSON...")]
Faces = Annotated[
    list[int], typer.Argument(help="Numbers of faces, as `people show` gives them.", metavar="FACE...")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def name(
    person: Who,
    called: Annotated[str | None, typer.Argument(help="The name.", metavar="NAME")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the name away.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Name a person. If another one is called so already, the two can be merged.

    **Examples**

    `facecluster people name 3 Anna`

    `facecluster people name Anna --clear`
    """
    if (called is None) is not clear:
        raise UsageError("Give a name, or --clear to take it away.")
    with existing_library(db) as library:
        try:
            edit = library.people.name(person, called, dry_run=dry_run)
        except NameTakenError as taken:
            question = f"Person {taken.person_id:03d} is called {taken.name}, too. Merge the two?"
            if not dry_run and not yes and not typer.confirm(question):
                raise
            edit = library.people.merge([str(taken.person_id), person], dry_run=dry_run)
        say_edit(edit, dry_run)


def merge(persons: Whose, dry_run: DryRun = False, yes: Yes = False, db: Database = None) -> None:
    """Make several people one, who keeps the first one's number and the first name that there is.

    **Example**

    `facecluster people merge Anna 17 23`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.merge(persons, dry_run=rehearse), dry_run, yes)


def split(
    person: Who,
    faces: Annotated[
        list[int] | None, typer.Option("--faces", help="A face to split off; may be given several times.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Make another person of some faces; without --faces, of those that look least like the others.

    **Examples**

    `facecluster people split 3`

    `facecluster people split 3 --faces 41 --faces 57`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.split(person, faces or (), dry_run=rehearse), dry_run, yes)


def move(
    faces: Faces,
    to: Annotated[str, typer.Option("--to", help="Whose they are: a number or name.", metavar="PERSON")],
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Move faces to a person for good.

    **Example**

    `facecluster people move 41 57 --to Anna`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.move(faces, to, dry_run=rehearse), dry_run, yes)


def confirm(
    person: Who,
    faces: Annotated[
        list[int] | None, typer.Argument(help="Numbers of faces. [default: all]", metavar="FACE...")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Say that faces are right where they are; all of a person's, when none is given.

    **Example**

    `facecluster people confirm Anna`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.confirm(person, faces or (), dry_run=rehearse), dry_run, yes)


def reject(
    faces: Faces,
    of: Annotated[str, typer.Option("--from", help="Whose they are not: a number or name.", metavar="PERSON")],
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Say that faces are not a person's. They never come back to that person.

    **Example**

    `facecluster people reject 41 57 --from Anna`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.reject(faces, of, dry_run=rehearse), dry_run, yes)


def same(faces: Faces, dry_run: DryRun = False, db: Database = None) -> None:
    """Say that faces are one person's, whoever that is: `cluster` keeps them together.

    **Example**

    `facecluster people same 41 57`
    """
    with existing_library(db) as library:
        say_edit(library.people.same(faces, dry_run=dry_run), dry_run)


def different(
    one: Annotated[int, typer.Argument(help="The number of a face.", metavar="FACE")],
    other: Annotated[int, typer.Argument(help="That of another.", metavar="FACE")],
    dry_run: DryRun = False,
    db: Database = None,
) -> None:
    """Say that two faces are not one person's: `cluster` keeps them apart.

    **Example**

    `facecluster people different 41 57`
    """
    with existing_library(db) as library:
        say_edit(library.people.different(one, other, dry_run=dry_run), dry_run)


def ignore(
    persons: Annotated[list[str] | None, typer.Argument(help="Numbers or names.", metavar="PERSON...")] = None,
    unnamed_below: Annotated[
        int, typer.Option(min=0, help="All unnamed people with fewer faces than this.", metavar="N")
    ] = 0,
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Database = None,
) -> None:
    """Show people no more, in no list and no album. Their faces stay theirs.

    **Examples**

    `facecluster people ignore 17`

    `facecluster people ignore --unnamed-below 5`
    """
    with existing_library(db) as library:
        small = [p for p in library.people.all(unnamed=True) if p.faces < unnamed_below]
        chosen = [*(persons or []), *(str(person.id) for person in small)]
        carry_out(lambda rehearse: library.people.hide(chosen, dry_run=rehearse), dry_run, yes)


def unignore(persons: Whose, dry_run: DryRun = False, yes: Yes = False, db: Database = None) -> None:
    """Show people again that were ignored; `facecluster people --all` lists them.

    **Example**

    `facecluster people unignore 17`
    """
    with existing_library(db) as library:
        carry_out(lambda rehearse: library.people.hide(persons, hidden=False, dry_run=rehearse), dry_run, yes)


def born(
    person: Who,
    day: Annotated[str | None, typer.Argument(help="As 2015-08-31.", metavar="DATE")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the date.")] = False,
    dry_run: DryRun = False,
    db: Database = None,
) -> None:
    """Say when a person was born: `cluster` gives that person no face from before.

    **Example**

    `facecluster people born Anna 2015-08-31`
    """
    if (day is None) is not clear:
        raise UsageError("Give a date, or --clear to forget it.")
    with existing_library(db) as library:
        say_edit(library.people.born(person, day, dry_run=dry_run), dry_run)


def carry_out(act: Callable[[bool], Edit], dry_run: bool, yes: bool) -> None:
    """Rehearse a change, ask if it concerns many faces, then do it."""
    edit = act(True)
    if not dry_run and edit.faces > MANY and not yes:
        typer.confirm(f"{shown(edit.what)}: {number(edit.faces, 'face')}. Go on?", abort=True)
    say_edit(edit if dry_run else act(False), dry_run)


def say_edit(edit: Edit, dry_run: bool) -> None:
    """Print what was changed, or would be."""
    say(f"{shown(edit.what)}: {number(edit.faces, 'face')}.")
    if dry_run:
        say("Nothing was written.")
