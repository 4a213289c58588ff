"""``facecluster scan``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from facecluster.cli.console import (
    Database,
    Device,
    Json,
    complete_model,
    number,
    out,
    print_json,
    progress_bar,
    say,
    shown,
    stop_on_ctrl_c,
)

if TYPE_CHECKING:
    from facecluster.pipeline import Progress, ScanResult


class DetectorName(StrEnum):
    """What finds faces."""

    mtcnn = "mtcnn"
    yunet = "yunet"


def scan(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders (with all below) and files to scan.", metavar="PATH")
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Model that embeds the faces; see `facecluster models`.", autocompletion=complete_model),
    ] = None,
    detector: Annotated[
        DetectorName, typer.Option(help="yunet is quicker, and misses some small and doubtful faces.")
    ] = DetectorName.mtcnn,
    max_side: Annotated[
        int, typer.Option(min=100, help="Photos of over 4 × this² pixels are searched at 1/2, 1/3 …")
    ] = 1000,
    min_face: Annotated[int, typer.Option(min=12, help="Smallest face, in pixels of the photo as searched.")] = 20,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Least probability of a face.")] = 0.7,
    device: Device = "auto",
    profile: Annotated[bool, typer.Option("--profile", help="Print where the time went.")] = False,
    db: Database = None,
    json: Json = False,
) -> None:
    """Read photos, find their faces, and remember both.

    Only new and changed files are read: a second scan of the same folder takes seconds, and a scan that was
    stopped goes on where it was. Moved files are recognised. A file that cannot be read is noted; see
    `facecluster status`.

    **Examples**

    `facecluster scan ~/Photos`

    `facecluster scan ~/Photos /mnt/camera --min-face 40`

    `facecluster scan ~/Photos --model sface --detector yunet`
    """
    from facecluster.pipeline import Library

    with Library(db) as library, stop_on_ctrl_c() as stop, progress_bar("Scanning", "photos") as bar:
        from facecluster.faces import DetectOptions  # takes seconds, so the bar comes first

        def show(done: Progress) -> None:
            """Show how far the scan is."""
            bar.show(done.done, done.total, number(done.faces, "face"))

        options = DetectOptions(max_side, min_face, min_score, detector.value)
        result = library.scan(paths, model=model, device=device, options=options, on_progress=show, stop=stop)
    print_json(result) if json else _print(result)
    if profile and not json:
        _print_profile(result)
    if result.stopped:
        raise typer.Exit(130)


def _print(result: ScanResult) -> None:
    also = _also(result)
    if result.photos:
        rate = f" ({result.photos / result.seconds:.1f} photos/s)" if result.seconds > 1 else ""
        out.print(f"{number(result.photos, 'new photo')} with {number(result.faces, 'face')}{rate}.")
    else:
        out.print("No new photos." if also or result.unreadable or result.stopped else "No photos found.")
    if also:
        out.print(f"Also: {also}.")
    if result.unreadable:
        out.print(f"{number(result.unreadable, 'file')} could not be read; see facecluster status.")
    for folder, reason in result.folders:
        say(f"{shown(folder)} was passed over: {reason}.")
    if result.otherwise:
        were = number(result.otherwise, "photo was", "photos were")
        out.print(f"{were} searched before, with other options, and not again; another --db searches anew.")
    if result.stopped:
        out.print("Stopped; the next scan goes on here.")
    elif result.photos or also:
        out.print("Next: facecluster cluster")


def _print_profile(result: ScanResult) -> None:
    """Seconds by stage, their shares, and milliseconds for each new photo."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage")
    for column in ("seconds", "share", "ms a new photo"):
        table.add_column(column, justify="right")
    whole = sum(result.profile.values())
    for stage, seconds in result.profile.items():
        share = seconds / whole if whole else 0.0
        each = f"{1000 * seconds / result.photos:.2f}" if result.photos else "–"
        table.add_row(stage, f"{seconds:.2f}", f"{share:.1%}", each)
    out.print(table)
    workers = number(result.workers, "worker")
    out.print(f"The scan took {result.seconds:.1f} s; read to embed, and idle, are sums over {workers}.")


def _also(result: ScanResult) -> str:
    counts = (
        (result.unchanged, "file unchanged", "files unchanged"),
        (result.copies, "copy of a known photo", "copies of known photos"),
        (result.moved, "photo moved", "photos moved"),
        (result.edited, "file edited", "files edited"),
        (result.missing, "photo missing", "photos missing"),
        (result.returned, "photo back again", "photos back again"),
    )
    return ", ".join(number(*count) for count in counts if count[0])
