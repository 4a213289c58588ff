"""``facecluster cluster``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from facecluster.cli.console import (
    Database,
    DryRun,
    Json,
    existing_library,
    number,
    out,
    print_json,
    shown,
    spinner,
    years,
)

if TYPE_CHECKING:
    from facecluster.pipeline.cluster import ClusterResult, PersonSummary


class Algorithm(StrEnum):
    """How faces are grouped."""

    hdbscan = "hdbscan"
    kmeans = "kmeans"


WHY_NOBODY = {
    "alone": "like no other face",
    "not embedded": "not embedded",
    "quality": "too blurred, small or doubtful",
    "same photo": "whose person has another face in the photo",
    "too few": "in groups smaller than --min-size",
}


def cluster(
    min_size: Annotated[int, typer.Option(min=1, help="Fewest faces of a person.")] = 3,
    algorithm: Annotated[Algorithm, typer.Option(help="How faces are grouped.")] = Algorithm.hdbscan,
    min_samples: Annotated[int, typer.Option(min=1, help="HDBSCAN: how many near faces make a dense spot.")] = 2,
    join_distance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=4.0,
            help="Squared distance to join within. [default: the library's, see calibrate, or the model's]",
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option("--k", min=1, help="k-means: how many people. [default: searched]")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Form people anew whom you never named or corrected.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows of the table.")] = 30,
    dry_run: DryRun = False,
    db: Database = None,
    json: Json = False,
) -> None:
    """Group the faces of the library into people.

    People grow: those who are there keep their faces and numbers, new faces join them, and what is left forms new
    people. What you named or corrected (see `facecluster people`) is final; `--anew` forms the others again, which
    is what another `--join-distance` needs. Blurred, tiny and doubtful faces never form a person, but join one
    that they resemble; two faces in one photo are taken for two people. Tightness is the mean squared distance
    between a person's faces: the smaller, the surer.

    **Examples**

    `facecluster cluster --min-size 3`

    `facecluster cluster --join-distance 0.9 --dry-run`
    """
    from dataclasses import replace

    with existing_library(db) as library, spinner("Grouping faces into people …"):
        options = replace(
            library.cluster_options(), algorithm=algorithm.value, min_size=min_size, min_samples=min_samples, k=k
        )
        if join_distance is not None:
            options = replace(options, join_distance=join_distance)
        result = library.cluster(options, dry_run=dry_run, anew=anew)
        model = library.model
    print_json(result) if json else _print(result, model, limit, dry_run)


def _print(result: ClusterResult, model: str, limit: int, dry_run: bool) -> None:
    people = len(result.people)
    if people:
        out.print(people_table(result.people[:limit]))
    if people > limit:
        out.print(f"… and {number(people - limit, 'more person', 'more people')}; see --limit.")
    assigned = result.faces - sum(result.nobody.values())
    out.print(f"{number(people, 'person', 'people')} with {assigned:,} of {number(result.faces, 'face')}.")
    if result.nobody:
        reasons = [f"{count:,} {WHY_NOBODY.get(why, why)}" for why, count in sorted(result.nobody.items())]
        out.print(f"Nobody yet: {', '.join(reasons)}.")
    if count := result.nobody.get("not embedded"):
        out.print(f"{number(count, 'face')} not embedded; run `facecluster migrate --model {model}`.")
    out.print(f"{'Would change' if dry_run else 'Changed'}: {_changes(result)}.")
    if dry_run:
        out.print("Nothing was written.")
    elif people:
        out.print("Next: facecluster people name 1 NAME, or facecluster export albums/")


def _changes(result: ClusterResult) -> str:
    changes = (
        (result.joined, "face joined", "faces joined"),
        (result.moved, "face moved", "faces moved"),
        (result.new, "new person", "new people"),
        (result.gone, "person gone", "people gone"),
    )
    return ", ".join(number(*change) for change in changes if change[0]) or "nothing"


def people_table(people: list[PersonSummary]) -> Table:
    """People as a table that fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("person", overflow="ellipsis", no_wrap=True, max_width=32)
    for heading in ("faces", "photos", "years", "tightness"):
        table.add_column(heading, justify="right", no_wrap=True)
    for person in people:
        table.add_row(
            shown(person.title),
            f"{person.faces:,}",
            f"{person.photos:,}",
            years(person.years),
            f"{person.tightness:.2f}",
        )
    return table
