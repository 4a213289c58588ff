"""Lists of pairs, as LFW and YouTube Faces have them, and files of attributes; and what is wrong with some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import UsageError
from facecluster.pipeline.evaluate import lfw, youtube
from facecluster.pipeline.evaluate.labels import MOST_GROUPS, Labels, read_attributes
from facecluster.pipeline.evaluate.pairs import PairList

LFW = "2\t1\nAna\t1\t2\nAna\t3\tBo B\t1\nBo B\t2\t10\nCy\t1\tAna\t1\n"


def rows(pairs: PairList) -> list[tuple[str, str, bool, int]]:
    return [
        (pairs.names[a], pairs.names[b], same, fold)
        for a, b, same, fold in zip(
            *(part.tolist() for part in (pairs.first, pairs.second, pairs.same, pairs.folds)), strict=True
        )
    ]


def written(folder: Path, text: str, name: str = "pairs.txt") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_lfws_pairs(tmp_path: Path) -> None:
    pairs = lfw.read_pairs(written(tmp_path, LFW), tmp_path)
    assert rows(pairs) == [
        ("Ana/Ana_0001.jpg", "Ana/Ana_0002.jpg", True, 0),
        ("Ana/Ana_0003.jpg", "Bo B/Bo B_0001.jpg", False, 0),
        ("Bo B/Bo B_0002.jpg", "Bo B/Bo B_0010.jpg", True, 1),
        ("Cy/Cy_0001.jpg", "Ana/Ana_0001.jpg", False, 1),
    ]
    assert list(pairs.names) == sorted(pairs.names)
    one_fold = lfw.read_pairs(written(tmp_path, "1\nAna\t1\t2\nAna\t1\tCy\t1\n"), tmp_path)
    assert one_fold.folds.tolist() == [0, 0]


def test_photos_of_another_format_are_found(tmp_path: Path) -> None:
    (tmp_path / "Ana").mkdir()
    (tmp_path / "Ana" / "Ana_0001.png").touch()
    names = lfw.read_pairs(written(tmp_path, LFW), tmp_path).names
    assert {"Ana/Ana_0001.png", "Ana/Ana_0002.jpg"} <= set(names)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "first line has to be two numbers"),
        ("Ana\t1\t2\n", "first line has to be two numbers"),
        ("2\t1\nAna\t1\t2\n", "has 1 pairs, but its first line promises 4"),
        (LFW.replace("Ana\t1\t2", "Ana\t1"), "line 2: a pair is a name"),
        (LFW.replace("Ana\t3\tBo B\t1", "Ana\t3\tBo B\tone"), "line 3: a pair is a name"),
        (LFW.replace("Bo B\t2\t10", "Bo B 2 10"), "line 4: a pair is a name"),
    ],
)
def test_what_is_no_list_of_lfws_pairs(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        lfw.read_pairs(written(tmp_path, text), tmp_path)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pairs.txt cannot be read \(No such file.*--pairs"):
        lfw.read_pairs(tmp_path / "pairs.txt", tmp_path)
    (tmp_path / "pairs.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no UTF-8 text"):
        youtube.read_pairs(tmp_path / "pairs.txt")


def test_youtubes_pairs(tmp_path: Path) -> None:
    text = "split number, first name, second name, similarity, is same, is cross gender\n"
    text += "1, Ana/0, Ana/3, 0.7, 1, 0\n\n2, Ana/0, Bo_B/12/, 1.2, 0, 1\n"
    assert rows(youtube.read_pairs(written(tmp_path, text))) == [
        ("Ana/0", "Ana/3", True, 1),
        ("Ana/0", "Bo_B/12", False, 2),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begin with the number of a fold"),
        ("split, first\n", "begin with the number of a fold"),
        ("1, Ana/0, Ana/1, 0.7\n", "line 1: a pair is a fold"),
        ("1, Ana/0, Ana/1, 0.7, 1\n2, Ana/0, Bo/1, 0.7, yes\n", "line 2: a pair is a fold"),
        ("1, , Ana/1, 0.7, 1\n", "line 1: a pair is a fold"),
    ],
)
def test_what_is_no_list_of_youtubes_pairs(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        youtube.read_pairs(written(tmp_path, text))


def test_pairs_among_some_names_keep_their_order_and_folds() -> None:
    pairs = PairList.of([("b", "a", True, 0), ("a", "c", False, 1), ("c", "b", True, 2), ("b", "b", False, 3)])
    kept = pairs.among({"a", "b", "z"})
    assert kept.names == ("a", "b")
    assert rows(kept) == [("b", "a", True, 0), ("b", "b", False, 3)]
    assert rows(pairs.among(pairs.names)) == rows(pairs)
    assert pairs.among([]).names == ()


def test_frames_come_by_their_numbers(tmp_path: Path) -> None:
    for name in ("2.10.jpg", "2.9.jpg", "10.1.jpg", "2.9.txt", "intro.png"):
        (tmp_path / name).touch()
    names = [path.name for path in youtube.frames_of(tmp_path)]
    assert names == ["intro.png", "2.9.jpg", "2.10.jpg", "10.1.jpg"]
    assert youtube.frames_of(tmp_path / "none") == []


ATTRIBUTES = """path,person,sex, age,taken,nick
a/1.jpg,a,female,7,2001-05-03,x
a/2.jpg,a,female,43.5,2011,y
b/1.jpg,b,,,,
"""


def test_attributes_by_path(tmp_path: Path) -> None:
    attributes = read_attributes(tmp_path, written(tmp_path, ATTRIBUTES, "some.csv"))
    assert attributes is not None
    labels = attributes.labels(["b/1.jpg", "a/2.jpg", "c/9.jpg", "a/1.jpg"], ["b", "a", "c", "a"])
    assert {name: values.tolist() for name, values in labels.groups.items()} == {
        "sex": ["", "female", "", "female"],
        "age": ["", "40–49", "", "0–9"],
        "nick": ["", "y", "", "x"],
    }
    np.testing.assert_array_equal(labels.years, [np.nan, 2011, np.nan, 2001])
    with pytest.raises(UsageError, match=r"column path should hold paths within the folder, such as z/1.jpg"):
        attributes.labels(["z/1.jpg"], ["a"])


def test_attributes_by_person_and_without_being_asked(tmp_path: Path) -> None:
    assert read_attributes(tmp_path, None) is None
    assert read_attributes(None, None) is None
    written(tmp_path, "\ufeffperson,sex,born in\nAna,female,1980\n", "attributes.csv")
    attributes = read_attributes(tmp_path, None)
    assert attributes is not None
    labels = attributes.labels(["x", "y"], ["Ana", "Bo"])
    assert labels.groups["sex"].tolist() == ["female", ""]
    assert np.isnan(labels.years).all()
    with pytest.raises(UsageError, match="column person should hold their people"):
        attributes.labels(["x"], ["Bo"])


def test_a_column_with_very_many_values_sorts_nobody(tmp_path: Path) -> None:
    for count, kept in ((MOST_GROUPS, True), (MOST_GROUPS + 2, False)):
        text = "path,town\n" + "".join(f"{i}.jpg,town {i}\n" for i in range(count))
        attributes = read_attributes(tmp_path, written(tmp_path, text, "towns.csv"))
        assert attributes is not None
        assert ("town" in attributes.labels([f"{i}.jpg" for i in range(count)], [""] * count).groups) is kept


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "needs rows, and a column path"),
        (b"path,sex\n", "needs rows, and a column path"),
        (b"file,sex\na,b\n", "needs rows, and a column path"),
        (b"path,sex\n\xff,\xfe\n", "cannot be read as a CSV file"),
        (None, r"cannot be read as a CSV file \(No such file"),
    ],
)
def test_attributes_that_cannot_be_read(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UsageError, match=why):
        read_attributes(tmp_path, tmp_path / "a.csv")


def test_rows_that_are_too_short_or_too_long_are_taken_as_they_are(tmp_path: Path) -> None:
    attributes = read_attributes(tmp_path, written(tmp_path, "path,sex,age\na,f\nb,m,30,what,ever\n", "a.csv"))
    assert attributes is not None
    assert {n: v.tolist() for n, v in attributes.labels(["a", "b"], ["", ""]).groups.items()} == {
        "sex": ["f", "m"],
        "age": ["", "30–39"],
    }


def test_labels_sort_pairs_by_group_and_by_the_years_between() -> None:
    labels = Labels(
        {"age": np.array(["100–109", "20–29", "20–29", "100–109"]), "none": np.array([""] * 4)},
        np.array([2000, 2010, 2011, np.nan]),
        {"age": ("20–29", "100–109")},
    )
    first, second = np.array([0, 1, 0, 1]), np.array([3, 2, 1, 3])
    columns = labels.columns(
        first, second, np.array([True, False, True, True]), np.array([False, True, True, True])
    )
    assert [column.name for column in columns] == ["age", "years apart"]
    young, old = columns[0].groups
    assert (young.group, young.far, young.frr, old.group, old.far, old.frr) == (
        *("20–29", 1.0, None),
        *("100–109", None, 1.0),
    )
    assert [(one.group, one.same, one.different) for one in columns[1].groups] == [("1–2", 0, 1), ("6–10", 1, 0)]
