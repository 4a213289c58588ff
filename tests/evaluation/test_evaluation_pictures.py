"""The pictures: a curve where it should be, and faces with their distances and names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facecluster import evaluation
from facecluster.evaluation import Roc, SheetPair, SheetPart, contact_sheet, plot, plot_roc, sheet
from facecluster.records import UInt8


def ink(picture: Image.Image) -> np.ndarray:
    """Pixels that are coloured, as lines are and text and grid are not."""
    pixels = np.asarray(picture, int)
    return np.asarray(pixels.max(axis=2) - pixels.min(axis=2) > 60)


def test_a_better_curve_is_higher() -> None:
    far = np.array([0, 1e-3, 1e-2, 1e-1, 1.0])
    good = ink(plot_roc({"model": Roc(far, np.array([0, 0.97, 0.98, 0.99, 1.0]))}))
    bad = ink(plot_roc({"model": Roc(far, np.array([0, 0.1, 0.2, 0.4, 1.0]))}))
    assert good.shape == bad.shape == (720, 960)
    middle = slice(400, 600)
    assert np.flatnonzero(good[:, middle].any(axis=1)).max() < 130
    assert np.flatnonzero(bad[:, middle].any(axis=1)).min() > 300


def test_every_model_has_a_line_and_a_name() -> None:
    far = np.array([0, 1e-2, 1.0])
    curves = {name: Roc(far, np.array([0, val, 1.0])) for name, val in (("one", 0.9), ("other", 0.5))}
    colours = np.unique(np.asarray(plot_roc(curves))[ink(plot_roc(curves))], axis=0)
    blue, orange = (31, 119, 180), (255, 127, 14)
    assert {blue, orange} <= set(map(tuple, colours.tolist()))
    assert not ink(plot_roc({})).any()


def test_the_axis_shows_what_is_above_the_least_val() -> None:
    far = np.array([0, 0.01, 1])
    lows = [plot._bottom({"a": Roc(far, np.array([0, val, 1]))}) for val in (1.0, 0.96, 0.55, 0.1, 0.0)]
    assert lows == pytest.approx([0.9, 0.8, 0.4, 0, 0])


def test_the_axis_begins_where_rates_can_still_be_told() -> None:
    assert plot._left({"a": Roc(np.array([0, 1 / 3000]), np.array([0, 1]))}) == plot.LEFT
    assert plot._left({"a": Roc(np.array([0, 0.5]), np.array([0, 1]))}) == pytest.approx(0.05)


def chip(*colour: int) -> UInt8:
    return np.full((224, 224, 3), colour, np.uint8)


def pair(first: UInt8, second: UInt8, distance: float = 0.5, name: str = "Somebody 1") -> SheetPair:
    return SheetPair((first, second), (name, "Somebody else 2"), distance)


def test_pairs_are_side_by_side_left_the_accepted_right_the_rejected() -> None:
    red, green, blue, black = chip(255, 0, 0), chip(0, 255, 0), chip(0, 0, 255), chip(0, 0, 0)
    picture = contact_sheet([SheetPart("model", [pair(red, green), pair(green, red)], [pair(blue, black)])])
    assert picture.mode == "RGB"
    x, y = sheet.EDGE + sheet.SIDE // 2, sheet.EDGE + 2 * sheet.HEADING + sheet.SIDE // 2
    step = sheet.SIDE + sheet.GAP
    assert picture.getpixel((x, y)) == (255, 0, 0)
    assert picture.getpixel((x + step, y)) == (0, 255, 0)
    assert picture.getpixel((x, y + sheet.ROW)) == (0, 255, 0)
    assert picture.getpixel((x + sheet.COLUMN, y)) == (0, 0, 255)
    assert picture.getpixel((x + sheet.COLUMN + step, y)) == (0, 0, 0)
    assert picture.getpixel((x + sheet.COLUMN, y + sheet.ROW)) == (255, 255, 255)


def test_models_are_below_each_other_and_none_may_be_without_errors() -> None:
    one = SheetPart("one", [pair(chip(255, 0, 0), chip(255, 0, 0))] * 3, [])
    none = SheetPart("none", [], [])
    alone, both = contact_sheet([one]), contact_sheet([one, none])
    assert both.height - alone.height == 2 * sheet.HEADING + sheet.ROW
    assert both.crop((0, 0, *alone.size)).getpixel((60, 120)) == (255, 0, 0)
    assert contact_sheet([]).size == (2 * sheet.COLUMN + sheet.EDGE, 2 * sheet.EDGE)


def test_names_and_distance_stand_below_the_pair_and_stay_in_their_column() -> None:
    white = chip(255, 255, 255)

    def text(name: str, distance: float) -> np.ndarray:
        picture = contact_sheet([SheetPart("", [pair(white, white, distance, name)], [])])
        return np.asarray(picture.convert("L")) < 128

    short, long = text("Ana", 0.5), text("Ana " * 100, 0.5)
    assert not np.array_equal(short, text("Eva", 0.5))
    assert not np.array_equal(short, text("Ana", 0.6))
    assert not np.array_equal(text("Łukasz", 0.5), text("Šukasz", 0.5)), "letters that are not English differ"
    below = slice(sheet.EDGE + 2 * sheet.HEADING + sheet.SIDE, None)
    assert not long[below, sheet.COLUMN : sheet.COLUMN + sheet.EDGE].any()
    assert long[below].sum() > short[below].sum()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        evaluation.nothing  # noqa: B018
    assert all(getattr(evaluation, name) is not None for name in evaluation.__all__)
