"""``facecluster suggest``."""

from __future__ import annotations

import sys
from collections.abc import Collection
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from facecluster.cli.console import (
    Database,
    Json,
    existing_library,
    number,
    out,
    print_json,
    say,
    shown,
    spinner,
)
from facecluster.cli.pictures import draw
from facecluster.errors import UsageError

if TYPE_CHECKING:
    from facecluster.pipeline import Library
    from facecluster.pipeline.suggest import Question

Key = tuple[str, int, int]

PATHS = 2
"""Photos that are named for each side of a question."""


def suggest(
    limit: Annotated[int, typer.Option(min=1, help="How many questions.")] = 20,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page with the faces instead of asking here.", metavar="FILE"),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="Do what the answers saved from that page say.", metavar="FILE"),
    ] = None,
    db: Database = None,
    json: Json = False,
) -> None:
    """Ask the questions whose answers set the most faces right: first who may be one with whom.

    Answer with y (yes), n (no), s (skip), u (take the last answer back) or q (quit). What you answer is final, as
    with `facecluster people`, and is not asked again.

    **Examples**

    `facecluster suggest`

    `facecluster suggest --html questions.html`

    `facecluster suggest --answers answers.json`
    """
    with existing_library(db) as library:
        if answers:
            _take(library, answers)
        elif html:
            _write(library, html, limit)
        elif json:
            print_json([_plain(question) for question in _questions(library, limit)])
        else:
            _ask_all(library, limit)


def _questions(library: Library, limit: int, skip: Collection[Key] = ()) -> list[Question]:
    with spinner("Looking for questions …"):  # a large library takes seconds
        return library.suggestions.ask(limit, skip=skip)


def _plain(question: Question) -> dict[str, Any]:
    return {name: getattr(question, name) for name in question.__slots__}


def _write(library: Library, file: Path, limit: int) -> None:
    questions = _questions(library, limit)
    try:
        with file.open("xb") as stream:
            stream.write(library.suggestions.page(questions))
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): choose another file.") from error
    say(f"{number(len(questions), 'question')} in {shown(file)}; open it in a browser, save the answers, then run")
    say("facecluster suggest --answers answers.json")


def _take(library: Library, file: Path) -> None:
    try:
        data = loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as a file of answers ({error}).") from error
    done, failed = library.suggestions.answer_all(data)
    for edit in done:
        say(f"{shown(edit.what)}: {number(edit.faces, 'face')}.")
    for reason in failed:
        say(f"Left out: {shown(reason)}")
    say(f"{number(len(done), 'answer')} taken over. Next: facecluster cluster")


def _ask_all(library: Library, limit: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Questions need a terminal: use --html FILE or --json.")
    seen: list[Key] = []
    answered: list[Key] = []
    while len(seen) < limit and (open_ := _questions(library, 1, skip=seen)):
        say(f"\n{len(seen) + 1}. {_sentence(open_[0])}")
        _show(library, open_[0])
        key = _key()
        if key == "q":
            break
        if key == "u":
            _take_back(library, seen, answered)
            continue
        seen.append(open_[0].key)
        if key in "yn":
            answered.append(open_[0].key)
            edit = library.suggestions.answer(open_[0], key == "y")
            say(f"{shown(edit.what)}: {number(edit.faces, 'face')}.")
    if answered:
        say("Next: facecluster cluster")
    elif not seen and not open_:
        say("No open questions.")


def _take_back(library: Library, seen: list[Key], answered: list[Key]) -> None:
    """Undo the last answer that was given here, and ask again."""
    change = library.people.undo() if answered else None
    if change is None:
        say("Nothing was answered yet.")
    else:
        seen.remove(answered.pop())
        say(f"Undone: {shown(change.what)}.")


def _sentence(question: Question) -> str:
    depend = f"{number(question.faces, 'face')} depend on it. " if question.faces > 1 else ""
    return f"{shown(question.text)} {depend}(distance {question.distance:.2f})"


def _show(library: Library, question: Question) -> None:
    """The faces as coloured blocks where the terminal can, and where their photos are."""
    if out.color_system in ("256", "truecolor"):
        out.print(draw(library.suggestions.chips([*question.left[:PATHS], *question.right[:PATHS]])))
    for side in (question.left, question.right):
        for path in library.suggestions.photos(side[:PATHS]):
            say(f"   {'?' if side is question.right else ' '} {shown(path)}")


def _key() -> str:
    say("[y]es  [n]o  [s]kip  [u]ndo  [q]uit")
    while (key := click.getchar().lower()) not in ("y", "n", "s", "u", "q"):
        if key in ("\x03", "\x04"):
            raise KeyboardInterrupt
    return key
