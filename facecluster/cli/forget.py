"""``facecluster forget``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from facecluster.cli.console import Database, DryRun, Json, existing_library, number, print_json, say, shown
from facecluster.cli.corrections import Who, Yes

if TYPE_CHECKING:
    from facecluster.pipeline.forget import Forgotten


def forget(
    person: Who, dry_run: DryRun = False, yes: Yes = False, db: Database = None, json: Json = False
) -> None:
    """Forget a person for good: faces, chips, embeddings, name and birth date. This cannot be undone.

    The journal of all your changes is emptied, because it may name the person: earlier ones cannot be undone any
    more, either. What stays is a salted hash of each face's place, so that a later scan of the same photo does not
    bring it back. Photos are not touched, and other people stay as they are.

    Albums exported earlier still show the person until the next `export`. New photos of the person would form a
    new person, because nothing is kept to know the face by.

    **Examples**

    `facecluster forget Anna --dry-run`

    `facecluster forget "Person 003"`
    """
    with existing_library(db) as library:
        found = library.forget(person, dry_run=True)
        if not dry_run:
            if not yes:
                typer.confirm(_question(found), abort=True, err=True)
            found = library.forget(str(found.id))
    print_json(found) if json else _print(found, dry_run)


def _question(found: Forgotten) -> str:
    what = f"{number(found.faces, 'face')} in {number(found.photos, 'photo')}"
    journal = f" and your journal ({number(found.changes, 'change')})" if found.changes else ""
    return f"Remove {shown(found.title)}, {what}{journal} for good?"


def _print(found: Forgotten, dry_run: bool) -> None:
    who = shown(found.title)
    say(f"{who} would be forgotten; this would go for good:" if dry_run else f"{who} is forgotten; gone for good:")
    say(f"  {number(found.faces, 'face')} in {number(found.photos, 'photo')}; the photos stay")
    say(f"  {number(found.chips, 'chip')}, {number(found.embeddings, 'embedding')}")
    for what in [f"the name {who}"] * bool(found.name) + [f"the birth date {found.born}"] * bool(found.born):
        say(f"  {what}")
    if found.changes:
        say(f"  the journal of what you changed ({number(found.changes, 'change')}): nothing can be undone")
    say(f"Albums exported earlier still show {who} until the next `facecluster export` there.")
    say("New photos of the same person would form a new person: nothing is kept to know the face by.")
    if dry_run:
        say("Nothing was written.")
