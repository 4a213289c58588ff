"""How the figures of an evaluation are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from facecluster.cli.console import number, out, print_json, say, say_error, shown

if TYPE_CHECKING:
    from facecluster.evaluation import Column, Estimate
    from facecluster.pipeline.evaluate.figures import (
        Figures,
        NotRead,
        PairsFigures,
        PairsOfModel,
        PeopleFigures,
        PeopleOfModel,
    )
    from facecluster.pipeline.evaluate.record import Recorder

NAMED = 5
"""Missing photos, and files that cannot be read, that are named."""


def report(figures: Figures, kept: Recorder, json: bool) -> None:
    """Print what was measured, as text or as JSON, and whether it was recorded."""
    from facecluster.pipeline.evaluate.figures import PairsFigures, plain

    if json:
        print_json(plain(figures) | {"recorded": str(kept.database) if kept.here else None})
        return
    if isinstance(figures, PairsFigures):
        _print_pairs(figures)
    else:
        _print_people(figures)
    if kept.here:
        out.print("Recorded: see `facecluster models`.")
    else:
        say(f"Not recorded: there is no library at {shown(kept.database)} yet.")


def _print_pairs(figures: PairsFigures) -> None:
    thing = "video" if figures.what == "videos" else "photo"
    centred = f", {figures.centred:,} without a face found, where the centre counts" if figures.centred else ""
    out.print(f"{number(figures.photos, thing)}{centred}.")
    folds = figures.models[0].verification
    out.print(f"{number(folds.pairs, 'pair')} in {number(folds.folds, 'fold')}, {folds.same:,} of one person.")
    _print_left_out(figures, thing)
    out.print(_pairs_table(figures.models))
    for model in figures.models:
        _print_columns(model.model, model.verification.threshold, model.columns)


def _print_left_out(figures: PairsFigures, thing: str) -> None:
    """Prominently: whoever reads the accuracy alone would be misled."""
    if figures.left_out:
        missing = _some(figures.missing)
        gone = (
            f" {number(len(figures.missing), f'{thing} is', f'{thing}s are')} missing ({missing})."
            if missing
            else ""
        )
        say_error(
            f"{figures.left_out:,} of {number(figures.listed, 'pair')} were left out, so that these figures are "
            f"not those of the whole list.{gone}"
        )
    _print_unreadable(figures.unreadable)


def _print_unreadable(files: Sequence[NotRead]) -> None:
    for file in files[:NAMED]:
        say_error(f"{file.path} was left out: {file.reason}.")
    if len(files) > NAMED:
        say_error(f"{number(len(files) - NAMED, 'more file')} could not be read either.")


def _some(names: Sequence[str]) -> str:
    return ", ".join([*map(shown, names[:NAMED]), *(["…"] if len(names) > NAMED else [])])


def _pairs_table(models: Iterable[PairsOfModel]) -> Table:
    table = _table(("model", "told apart, %", "VAL %, FAR 1e-2", "VAL %, FAR 1e-3", "distance"))
    for model in models:
        found = model.verification
        vals = [f"{100 * one.val:.2f}" for one in found.at_far]
        table.add_row(model.model, _percent(found.accuracy), *vals, _span(found.thresholds))
        table.add_row("  VAL by folds", "", *(_percent(one.folds) if one.folds else "" for one in found.at_far))
    return table


def _print_columns(model: str, threshold: float | None, columns: Sequence[Column]) -> None:
    """Errors by group of people, where something is known of them."""
    if not columns or threshold is None:
        return
    out.print(f"{model}: pairs within a group, accepted up to distance {threshold:.3f}")
    table = _table(("group", "of one person", "of two", "FRR %", "FAR %"))
    for column in columns:
        for one in column.groups:
            rates = (_share(one.frr), _share(one.far))
            table.add_row(
                f"{shown(column.name)}: {shown(one.group)}", f"{one.same:,}", f"{one.different:,}", *rates
            )
        table.add_row("  worst to best", "", "", _times(column.frr_ratio), _times(column.far_ratio))
    out.print(table)


def _print_people(figures: PeopleFigures) -> None:
    face = "confirmed face" if figures.what == "library" else "face"
    others = f", grouped with {number(figures.others, 'other')}" if figures.others else ""
    people = number(figures.people, "person", "people")
    out.print(f"{number(figures.faces, face)} of {people}{others}.")
    if figures.faceless:
        out.print(f"In {number(figures.faceless, 'more photo')} no face was found.")
    _print_unreadable(figures.unreadable)
    out.print(_groups_table(figures.models))
    _print_identification(figures.models)
    for model in figures.models:
        _print_columns(model.model, model.threshold, model.columns)


def _groups_table(models: Iterable[PeopleOfModel]) -> Table:
    table = _table(("model", "joins at", "people", "nobody's", "", "precision", "recall", "F"))
    for model in models:
        found = model.groups
        counts = (f"{model.join_distance:.2f}", f"{found.found:,}", f"{found.nobody:,}")
        table.add_row(model.model, *counts, "B-cubed", *(f"{value:.3f}" for value in found.bcubed))
        table.add_row("", "", "", "", "pairs", *(f"{value:.3f}" for value in found.pairwise))
    return table


def _print_identification(models: Sequence[PeopleOfModel]) -> None:
    first = models[0].identification
    if first is None:
        out.print("Nobody can be identified: that takes two people with two faces each.")
        return
    out.print(_identification_table(models, first.k))
    alone = f"; {number(first.alone, 'person', 'people')} with one face took no part" if first.alone else ""
    out.print(
        f"Identified: the first name given is right, among {number(first.people, 'person', 'people')} with "
        f"{first.faces:,} faces, in {first.folds} folds{alone}. VAL is over pairs of these faces.\n"
    )


def _identification_table(models: Iterable[PeopleOfModel], k: int) -> Table:
    nearest = "nearest face" if k == 1 else f"{k} nearest faces"
    table = _table(("model", f"{nearest}, %", "linear SVM, %", "VAL %, FAR 1e-2", "FAR 1e-3"))
    for model in models:
        found = model.identification
        machine = _percent(found.machine) if found and found.machine else "too many faces"
        rates = (_percent(found.nearest), machine) if found else ("–", "–")
        table.add_row(model.model, *rates, *(f"{100 * one.val:.2f}" for one in model.at_far))
    return table


def _table(headings: Sequence[str]) -> Table:
    """The first column is text, the others are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", overflow="ellipsis" if i == 0 else "fold")
    return table


def _percent(estimate: Estimate) -> str:
    error = f" ± {100 * estimate.error:.2f}" if isfinite(estimate.error) else ""
    return f"{100 * estimate.mean:.2f}{error}"


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.2f}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"× {ratio:.1f}"


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low}–{high}"
