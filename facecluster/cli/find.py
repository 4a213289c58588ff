"""``facecluster find``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from facecluster.cli.console import Database, Device, Json, existing_library, number, out, print_json, say, shown
from facecluster.errors import UsageError

if TYPE_CHECKING:
    from facecluster.pipeline import Library
    from facecluster.pipeline.find import FoundFace, FoundPhoto


def find(
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos to look at.", metavar="PHOTO...")] = None,
    person: Annotated[str | None, typer.Option(help="List the photos of this person (number or name).")] = None,
    others: Annotated[
        list[str] | None, typer.Option("--with", help="And of this one; may be repeated.", metavar="PERSON")
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="And of nobody else.")] = False,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Say who is in a photo, or list the photos that show people together.

    A face is compared with every person, by the mean squared distance to the person's faces. *Yes* means that of
    a hundred strangers at most one would be taken for anybody of the library, *maybe* at most one of four, by what
    was measured on celebrities and by how alike the people of the library are; brothers and sisters are nearer.
    The photos need not be in the library.

    **Examples**

    `facecluster find party.jpg`

    `facecluster find --person Anna --with Bea --only`
    """
    if bool(photos) is bool(person):
        raise UsageError("Name photos to look at, or a --person whose photos you want.")
    if (others or only) and not person:
        raise UsageError("--with and --only go with --person.")
    with existing_library(db) as library:
        if person:
            _list(library, [person, *(others or [])], only, json)
        else:
            _look(library, photos or [], device, json)


def _list(library: Library, persons: list[str], only: bool, json: bool) -> None:
    paths, missing = library.photos_of(persons, only=only)
    if json:
        print_json({"photos": [str(path) for path in paths], "missing": missing})
        return
    for path in paths:
        say(shown(path))
    if missing:
        say(f"{number(missing, 'more photo is', 'more photos are')} not there any more.")
    if not paths and not missing:
        say("No photo shows them together." if len(persons) > 1 else "No photo.")


def _look(library: Library, photos: list[Path], device: str, json: bool) -> None:
    finder = library.finder(device=device)
    failed = False
    found = []
    for path in photos:
        photo = finder(path)
        failed |= photo.reason is not None
        if json:
            found.append(asdict(photo))
        else:
            _print(photo)
    if json:
        print_json(found)
    if failed:
        raise typer.Exit(1)


def _print(photo: FoundPhoto) -> None:
    say(f"{shown(photo.path)}: {photo.reason or number(len(photo.faces), 'face')}")
    if not photo.faces:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("from left", justify="right", no_wrap=True)
    table.add_column("person", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("verdict", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    table.add_column("next", overflow="ellipsis", no_wrap=True, max_width=24)
    for place, face in enumerate(photo.faces, 1):
        table.add_row(str(place), *_row(face))
    out.print(table)


def _row(face: FoundFace) -> tuple[str, str, str, str]:
    near = [one for one in face.people if one.title == face.person] or list(face.people[:1])
    others = [one for one in face.people if one not in near]
    how = {"confirmed": " (you said so)", "cluster": " (clustered)"}.get(face.how, "")
    following = f"{shown(others[0].title)} {others[0].distance:.2f}" if others else ""
    far = f"{near[0].distance:.2f}" if near else ""
    return shown(face.person or ""), f"{face.verdict}{how}", far, following
