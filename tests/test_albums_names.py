"""Names that every file system takes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecluster.albums.names import cut, name_key, numbered, photo_names, safe_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ann Lee", "Ann Lee"),
        ("Ann/Lee\\X", "Ann_Lee_X"),
        ("<script>", "_script_"),
        ("tab\there", "tab_here"),
        ("Ann. . ", "Ann"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "_.hidden"),
        ("con", "_con"),
        ("Com1.jpg", "_Com1.jpg"),
        ("Conrad", "Conrad"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("bad\udcff", "bad_"),
    ],
)
def test_safe_name(title: str, name: str) -> None:
    assert safe_name(title) == name


@given(st.text(max_size=200))
def test_any_title_becomes_a_lasting_folder_name(title: str) -> None:
    name = safe_name(title)
    assert 0 < len(name.encode()) <= 121
    assert not set('<>:"/\\|?*\0\n') & set(name)
    assert name[0] != "." or name == "."
    assert name.rstrip(" .") == name
    assert safe_name(name) == name


def test_long_names_are_cut_between_characters() -> None:
    assert cut("äöü", 5) == "äö"
    assert cut("äöü", 6) == "äöü"
    assert cut("abe\u0301", 4) == "ab"
    family = "👨\u200d👩\u200d👧"
    assert cut("x" + family, 10) == "x"
    assert len(safe_name("語" * 100).encode()) == 120


def test_names_that_some_file_system_takes_for_one() -> None:
    assert name_key("Ann") == name_key("aNN")
    assert name_key("Zoe\u0308") == name_key("ZO\u00cb")
    assert name_key("Ann") != name_key("Anna")


def test_the_second_of_two_alike() -> None:
    assert list(itertools.islice(numbered("Ann"), 3)) == ["Ann", "Ann (2)", "Ann (3)"]
    sha256 = "a1b2c3d4e5f6" + "0" * 52
    names = list(itertools.islice(photo_names("IMG_1.jpg", sha256), 3))
    assert names == ["IMG_1.jpg", "IMG_1 (a1b2c3).jpg", "IMG_1 (a1b2c3d4e5f6).jpg"]


def test_a_suffix_never_makes_a_file_name_too_long() -> None:
    names = itertools.islice(photo_names("é" * 125 + ".jpeg", "ab" * 32), 5)
    assert all(len(name.encode()) <= 255 and name.endswith(".jpeg") for name in names)
