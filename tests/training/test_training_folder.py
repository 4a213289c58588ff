"""Folders of labelled faces, in both layouts; files are empty, for none is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import UsageError
from facecluster.training.folder import read_folder


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Six people with two photos each."""
    folder = tmp_path / "people"
    touch(folder, *(f"{name}/{number}.jpg" for name in "FEDCBA" for number in range(2)))
    return folder


@pytest.fixture
def table(people: Path) -> Path:
    """The same six in two sets, and what labels.csv says of them."""
    rows = [f"{name}/{number}.jpg,old,{name},40" for name in "ABCDEF" for number in range(2)]
    touch(people, "new/1.png", "new/2.png")
    (people / "labels.csv").write_text(
        "\n".join(["path,set,person,age", "new/1.png,new,A,", "new/2.png,new,,", *rows])
    )
    return people


def test_a_folder_is_a_person(people: Path) -> None:
    touch(people, "A/2021/deep.heic", "A/notes.txt", "loose.jpg", ".hidden/1.jpg")
    found = read_folder(people)
    assert found.people == ("A", "B", "C", "D", "E", "F")
    assert found.sets == ("",)
    assert list(found.files) == sorted(found.files)
    assert len(found.files) == 14
    named = [found.people[i] if i >= 0 else None for i in found.identity]
    folders = [path.relative_to(people).parts[0] for path in found.files]
    assert named == [None if name == "loose.jpg" else name for name in folders]
    assert found.group.tolist() == [0] * 14


def test_a_table_tells_sets_and_people(table: Path) -> None:
    found = read_folder(table)
    assert found.sets == ("new", "old")
    assert list(found.files) == sorted(found.files)
    assert found.people == ("A", "A", "B", "C", "D", "E", "F")  # A of two sets is two identities
    rows = {str(path.relative_to(table)): i for i, path in enumerate(found.files)}
    assert [found.identity[rows[name]] for name in ("new/1.png", "new/2.png", "A/0.jpg", "F/1.jpg")] == [
        0,
        -1,
        1,
        6,
    ]
    assert found.group[[rows["new/2.png"], rows["A/0.jpg"]]].tolist() == [0, 1]
    assert found.identity.dtype == found.group.dtype == np.int64


def test_faces_without_a_label_come_last_and_not_twice(people: Path) -> None:
    touch(people.parent, "library/1.jpg", "library/2021/2.jpg", "library/text.txt")
    found = read_folder(people, unlabelled=people.parent)
    assert len(found.files) == 14
    assert found.identity[-2:].tolist() == [-1, -1]
    assert (found.identity[:-2] >= 0).all()


def test_a_row_without_a_file_is_left_out_and_told(table: Path) -> None:
    with (table / "labels.csv").open("a") as file:
        file.write("\nA/9.jpg,old,A,\n")
    told: list[tuple[Path, str]] = []
    found = read_folder(table, on_error=lambda path, reason: told.append((path, reason)))
    assert told == [(table / "A/9.jpg", "named in labels.csv, but there is no such file")]
    assert len(found.files) == 14


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"path,person\nA/0.jpg,A\n", "has no column set"),
        (b"", "has no column path"),
        (b"path,set,person\nA/0.jpg,s,A\n,s,A\n", "line 3: there is no path"),
        (b"path,set,person\nA/0.jpg,s,A\nA/../A/0.jpg,s,B\n", "names .*0.jpg twice"),
        (b"path,set,person\nA/0.jpg\n", "there are 0"),
        (b"path,set,person\n\xff\xfe,s,A\n", "cannot be read as a table"),
        (b'path,set,person\n"A"x,s,A\n', "cannot be read as a table"),
    ],
)
def test_a_table_that_is_wrong_is_refused(people: Path, content: bytes, said: str) -> None:
    (people / "labels.csv").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_folder(people)


def test_folders_that_are_wrong_are_refused(people: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        read_folder(people / "nowhere")
    with pytest.raises(UsageError, match="is a file"):
        read_folder(people / "A" / "0.jpg")
    (people / "A" / "0.jpg").unlink()
    with pytest.raises(UsageError, match=r"6 people .* there are 5\."):
        read_folder(people)
