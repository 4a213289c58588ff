"""``facecluster explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from facecluster.cli.console import (
    Database,
    Device,
    Json,
    existing_library,
    out,
    print_json,
    say,
    shown,
    spinner,
)

if TYPE_CHECKING:
    from facecluster.pipeline.explanation import Explanation, Near

WHY_NOBODY = {
    "alone": "it is like no other face",
    "not embedded": "the model has not embedded it",
    "quality": "it is too blurred, small or doubtful to form a person, and joins none",
    "rejected": "you took it from a person",
    "same photo": "whom it is like has another face in the photo",
    "too few": "it is in a group smaller than --min-size",
    None: "it was not clustered yet; run `facecluster cluster`",
}


def explain(
    face: Annotated[int, typer.Argument(help="A face's number, as `people show` gives it.", metavar="FACE")],
    map_to: Annotated[
        Path | None,
        typer.Option("--map", help="Draw which parts of the face carry the match, a new PNG.", metavar="FILE"),
    ] = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Say why a face is where it is: how near it is to people, and what keeps it from them.

    Distances to people are the mean squared distances to their faces, the face itself left out; `cluster` compares
    them with the join distance. With `--map`, one part of the face after another is covered and the face embedded
    again: where it gets farther from its person (or, if it is nobody's, from the nearest), the network looked.

    **Examples**

    `facecluster explain 41`

    `facecluster explain 41 --map face-41.png`
    """
    with existing_library(db) as library, spinner("Comparing faces …"):
        found = library.explain(face, map_to, device)
    print_json(found) if json else _print(found)


def _print(found: Explanation) -> None:
    _print_where(found)
    if found.people:
        out.print("\nNearest people")
        out.print(_people_table(found))
    if found.confirmed_faces:
        out.print("Nearest confirmed faces")
        for face in found.confirmed_faces:
            where = shown(face.photo) if face.photo else "(the photo is missing)"
            say(f"{face.face_id:>7}  {face.distance:.2f}  {shown(face.title)}  {where}")
        out.print()
    _print_quality(found)
    if found.map:
        title, file = shown(found.map.title), shown(found.map.file)
        say(f"\n{file} shows what carries the match with {title}, at {found.map.distance:.2f}.")
        out.print(f"Covering the strongest part takes the face {found.map.strongest:.2f} farther off.")


def _print_where(found: Explanation) -> None:
    if found.title is None:
        out.print(f"Face {found.face_id} is nobody's: {WHY_NOBODY.get(found.reason, found.reason)}.")
    else:
        how = "confirmed by you" if found.confirmed else "found by `cluster`"
        say(f"Face {found.face_id} is {shown(found.title)}'s, {how}.")
    for path in found.paths:
        say(f"  {shown(path)}")
    if not found.paths:
        say("  (the photo is missing)")
    if found.taken_at:
        out.print(f"  taken {found.taken_at:%Y-%m-%d %H:%M}")
    if not found.embedded:
        out.print("It is not embedded by the library's model, so it has no distance to anybody.")
    elif found.distance is not None:
        verdict = "within" if found.distance <= found.join_distance else "beyond"
        far, join = f"{found.distance:.2f}", f"{found.join_distance:.2f}"
        out.print(f"Distance to the person's other faces: {far}, {verdict} the join distance of {join}.")
    else:
        out.print(f"The join distance is {found.join_distance:.2f}.")


def _people_table(found: Explanation) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("person", overflow="ellipsis", no_wrap=True, max_width=20)
    table.add_column("faces within", justify="right", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    table.add_column("verdict")
    for near in found.people:
        within = f"{near.within:,} of {near.faces:,}" if near.faces else "–"
        far = "–" if near.distance is None else f"{near.distance:.2f}"
        table.add_row(str(near.person_id), shown(near.title), within, far, _verdict(near, found))
    return table


def _verdict(near: Near, found: Explanation) -> str:
    """What the rules say of the face and a person, in words."""
    rivals = f"face {', '.join(map(str, near.rivals))}" if near.rivals else ""
    words = {
        "far": "too far",
        "rejected": "you said it is not",
        "told apart": f"you told it apart from {rivals}",
        "same photo": f"has {rivals} in the same photo",
        "born later": f"born {near.born}, after the photo",
        "other age": "no face of that age",
    }
    against = "; ".join(words[rule] for rule in near.against)
    if near.owns:
        return f"has it, though: {against}" if against else "has it" if near.faces else "has it alone"
    return against or ("near, but another has it" if found.title else "near: nothing keeps it out")


def _print_quality(found: Explanation) -> None:
    quality, gate = found.quality, found.gate
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("quality", no_wrap=True)
    table.add_column("this face", justify="right", no_wrap=True)
    table.add_column("to form a person", justify="right", no_wrap=True)
    table.add_row("score", f"{quality.score:.3f}", f"{gate.min_score:.2f}")
    table.add_row("box width (pixels)", f"{quality.width:.0f}", f"{gate.min_size}")
    table.add_row("sharpness", f"{quality.sharpness:.0f}", f"{gate.min_sharpness:.0f}")
    table.add_row("frontality", f"{quality.frontality:.2f}", "–")
    out.print(table)
    out.print(f"The face may {'form a person' if quality.may_form else 'join a person, but not form one'}.")
