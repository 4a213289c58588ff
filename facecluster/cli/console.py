"""What commands share: where they print, their progress bars, the options that several have."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, is_dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

from facecluster.errors import UsageError

if TYPE_CHECKING:
    from facecluster.pipeline import Library

# File names may look like markup or emoji codes, so neither is ever read.
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)

Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        envvar="FACECLUSTER_DB",
        help="The library's database file. [default: in your data folder]",
        metavar="FILE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would change; change nothing.")]
Device = Annotated[str, typer.Option(help="Where the networks run: auto, cpu, cuda or mps.", metavar="NAME")]


def complete_model(incomplete: str) -> list[str]:
    """The models whose names begin so, for a shell that completes one."""
    from facecluster.nets.specs import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


def existing_library(db: Path | None) -> Library:
    """The library in the database ``db``; raises ``UsageError`` where there is none instead of making one."""
    from facecluster.pipeline import Library, default_database

    path = db or default_database()
    if not path.exists():
        raise UsageError(f"There is no library at {path} yet: `facecluster scan FOLDER` makes one.")
    return Library(path)


def say(line: str) -> None:
    """Print a line that may hold a path: never broken, so that the path can be copied."""
    out.print(line, soft_wrap=True)


def say_error(sentence: str) -> None:
    """Print a sentence to the standard error."""
    err.print(" ".join(map(shown, sentence.split())), style="red", soft_wrap=True)


def shown(text: object) -> str:
    """Text for a terminal: control characters, and bytes of a file name that are no text, as escapes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(text))


def print_json(value: Any) -> None:
    """Print a dataclass, or anything made of dictionaries and lists, as indented JSON in ASCII."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    typer.echo(json.dumps(plain, indent=2, default=str))


def number(count: int, noun: str, plural: str | None = None) -> str:
    """``1 photo``, ``2,000 photos``, ``3 people``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def years(span: tuple[int, int] | None) -> str:
    """``2021``, ``2021–2025``, or a dash when none is known."""
    if span is None:
        return "–"
    return str(span[0]) if span[0] == span[1] else f"{span[0]}–{span[1]}"


class _Pace(ProgressColumn):
    """Things per second since the total is known, and the time that the rest will take at that pace."""

    def render(self, task: Task) -> Text:
        """Pace so far; nothing before the first step."""
        if not (task.completed and task.total and task.elapsed):
            return Text()
        pace = task.completed / task.elapsed
        left = timedelta(seconds=round((task.total - task.completed) / pace))
        return Text(f"{pace:,.1f} {task.fields['unit']}/s {left} left", style="cyan")


@dataclass(frozen=True, slots=True)
class Bar:
    """A progress bar for one thing at a time."""

    progress: Progress
    task: TaskID

    def begin(self, what: str, unit: str) -> None:
        """Go on with another thing, whose total is not known yet."""
        self.progress.reset(self.task, total=None, description=what, unit=unit, note="")

    def show(self, done: float, total: float, note: str = "") -> None:
        """Show how much is done of the total, and a note."""
        if self.progress.tasks[0].total is None:
            self.progress.reset(self.task)  # whatever came before says nothing about the pace
        self.progress.update(self.task, completed=done, total=total, note=note)

    def add(self, steps: float) -> None:
        """Show that so much more is done."""
        self.progress.advance(self.task, steps)


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Bar]:
    """A bar on the standard error with counts, pace and the time that is left; gone when done.

    It pulses until its total is known. Where the standard error is no terminal, there is none.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=min(40, max(8, err.width - 66))),  # the rest is 65 wide for 100,000 photos
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", style="green", markup=False),
        _Pace(),
        console=err,
        transient=True,
    )
    with progress if err.is_interactive else nullcontext():
        yield Bar(progress, progress.add_task(what, total=None, note="", unit=unit))


def spinner(what: str) -> AbstractContextManager[object]:
    """A spinner on the standard error, gone when done; none where that is no terminal."""
    return err.status(what) if err.is_interactive else nullcontext()


@contextmanager
def stop_on_ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that what was begun can be finished; the second ends the program."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        """Set the event; a second signal ends the program."""
        stop.set()
        # Threads in the middle of a photo cannot be interrupted; the database survives the program's end.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        err.show_cursor()
        err.print("Stopping after the photos in hand; Ctrl-C again stops at once.")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
