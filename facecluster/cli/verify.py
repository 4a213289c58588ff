"""``facecluster verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.console import Device, Json, complete_model, print_json, say, shown

if TYPE_CHECKING:
    from facecluster.pipeline.verify import Verification

DIFFERENT = 4
"""The exit code for two people."""

Photo = Annotated[Path, typer.Argument(help="A photo.")]


def verify(
    one: Photo,
    other: Photo,
    far: Annotated[float, typer.Option(help="Share of different people that may be taken for one.")] = 0.001,
    model: Annotated[
        str,
        typer.Option(
            help="The embedder; see `facecluster models`.", metavar="NAME", autocompletion=complete_model
        ),
    ] = "facenet",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Say whether two photos show the same person. Ends with 0 if they do, with 4 if not.

    The largest face of each photo counts. The threshold is where a share of --far of pairs of different people
    would be taken for one, as measured on faces of celebrities; brothers and sisters are nearer. No library is
    needed.

    **Example**

    `facecluster verify a.jpg b.jpg`
    """
    from facecluster.pipeline.verify import verify as compare

    result = compare(one, other, far=far, model=model, device=device)
    print_json(result) if json else _print(result, (one, other))
    if not result.same:
        raise typer.Exit(DIFFERENT)


def _print(result: Verification, photos: tuple[Path, Path]) -> None:
    for photo, faces in zip(photos, result.faces, strict=True):
        if faces > 1:
            say(f"{shown(photo)} shows {faces} faces: the largest counts.")
    verdict = "The same person" if result.same else "Not the same person"
    side = "at most" if result.same else "more than"
    say(f"{verdict}: the distance is {result.distance:.2f}, {side} {result.threshold:.2f}.")
    say(f"Of pairs of different people, {_share(result.far)} are so near as that threshold,")
    say(f"{_share(result.far_here)} as near as these two.")


def _share(rate: float) -> str:
    return f"1 in {round(1 / rate):,}"
