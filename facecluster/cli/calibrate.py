"""``facecluster calibrate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.console import Database, Json, existing_library, number, out, print_json, spinner
from facecluster.errors import UsageError

if TYPE_CHECKING:
    from facecluster.pipeline import Library
    from facecluster.pipeline.calibrate import Calibration

BAR = 22
"""Columns of a bar; two of them, a range of distances and a mark make 79."""

FEW = 10
"""With fewer people, a distance that is found to be larger is taken with care."""


def calibrate(
    rate: Annotated[
        float, typer.Option(help="Share of false merges to allow, at most 0.1.", metavar="SHARE")
    ] = 0.001,
    save: Annotated[bool, typer.Option("--save", help="Store the distance for this library.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the stored one: use the model's again.")] = False,
    db: Database = None,
    json: Json = False,
) -> None:
    """Find the join distance that suits your library, from the people whom you confirmed.

    Each confirmed face is compared with the rest of its person and with everybody else. Faces in one photo are
    different people, and so are those that you rejected. The result is the largest distance at which at most
    `--rate` of the comparisons with somebody else would be taken for one person. Nothing is written without
    `--save`; the stored distance holds for the present model.

    **Examples**

    `facecluster calibrate --rate 0.0005`

    `facecluster calibrate --save && facecluster cluster --anew`
    """
    if save and reset:
        raise UsageError("Ask for --save or for --reset, not for both.")
    with existing_library(db) as library:
        if reset:
            _reset(library, json)
            return
        with spinner("Comparing faces …"):
            found = library.calibrate(rate, save=save)
    print_json(found) if json else show(found)


def _reset(library: Library, json: bool) -> None:
    dropped = library.forget_calibration()
    distance = library.cluster_options().join_distance
    if json:
        print_json({"dropped": dropped, "join_distance": distance})
        return
    what = "Forgotten" if dropped else "Nothing was stored"
    out.print(f"{what}: the join distance is the model's, {distance:.3f}.")


def show(found: Calibration) -> None:
    """Print the histograms, and what was found in a sentence."""
    for line in histograms(found):
        out.print(line)
    new, now = found.found, found.present
    out.print(
        f"\nJoining within {new.join_distance:.3f} leaves {100 * new.own:.2f} % of {number(found.own, 'face')} "
        f"with their own person, and takes {100 * new.others:.3g} % of {number(found.others, 'comparison')} with "
        f"somebody else for one person. Now it is {now.join_distance:.3f}, with {100 * now.own:.2f} % and "
        f"{100 * now.others:.3g} %."
    )
    if found.people < FEW and new.join_distance > now.join_distance:
        out.print(
            f"Careful: these are {number(found.people, 'person', 'people')} who may be no more alike than "
            "strangers. Confirm more people, above all those who look alike, before you join further apart."
        )
    if found.doubt:
        out.print(found.doubt)
    elif found.saved:
        out.print("Stored. Next: facecluster cluster --anew")
    else:
        out.print("To use it: facecluster calibrate --save, then facecluster cluster --anew")


def histograms(found: Calibration) -> Iterator[str]:
    """Lines of at most 79 columns: the own person left, others right, bars as shares of the longest of a side."""
    own, others = found.own_histogram, found.others_histogram
    marks = _marks(found)
    rows = [i for i in range(len(own)) if own[i] or others[i] or i in marks]
    yield f"{'distance':<9}{'the own person':<{BAR + 2}}somebody else"
    for i in range(rows[0], rows[-1] + 1):
        span = f"{i * found.step:.1f}–{(i + 1) * found.step:.1f}"
        left, right = _bar(own[i], max(own)), _bar(others[i], max(others))
        yield f"{span:<9}{left:<{BAR + 2}}{right:<{BAR + 2}}{marks.get(i, '')}".rstrip()


def _marks(found: Calibration) -> dict[int, str]:
    """What to write beside which bin."""
    marks: dict[int, list[str]] = {}
    for name, distance in (("found", found.found.join_distance), ("now", found.present.join_distance)):
        place = min(len(found.own_histogram) - 1, max(0, int(distance / found.step + 1e-9)))
        marks.setdefault(place, []).append(f"{name} {distance:.2f}")
    return {place: f"◂ {', '.join(names)}" for place, names in marks.items()}


def _bar(count: int, most: int) -> str:
    """A bar as long as the share of the ``most``; a thin one for little, none for nothing."""
    return "█" * (BAR * count // most) or "▏" if count else ""
