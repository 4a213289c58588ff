from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facecluster.errors import UsageError
from facecluster.photos import walk


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(root: Path, *roots: Path) -> list[str]:
    return [str(entry.path.relative_to(root)) for entry in walk(roots or [root])]


def test_sorted_by_path_whatever_the_disk_says(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b.jpg", "a/z.jpg", "b/10.jpg", "B/x.jpg", "a/b/c.jpg", "c.jpg"):
        touch(tmp_path / name)
    found = [entry.path for entry in walk([tmp_path])]
    assert found == sorted(tmp_path.rglob("*.jpg"))
    assert len(found) == 7


def test_entries_tell_size_and_time(tmp_path: Path) -> None:
    path = touch(tmp_path / "a.jpg", b"12345")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    empty = touch(tmp_path / "b.jpg", b"")
    first, second = walk([tmp_path])
    assert (first.path, first.size, first.mtime_ns) == (path, 5, path.stat().st_mtime_ns)
    assert (second.path, second.size) == (empty, 0)


def test_paths_are_absolute_and_normal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = touch(tmp_path / "in" / "a.jpg")
    monkeypatch.chdir(tmp_path)
    assert [e.path for e in walk([Path("in/../in/.")])] == [path]
    assert [e.path for e in walk([Path("in/../in/a.jpg")])] == [path]


def test_overlapping_roots_give_each_file_once(tmp_path: Path) -> None:
    inner = touch(tmp_path / "sub" / "a.jpg")
    touch(tmp_path / "b.jpg")
    outside = touch(tmp_path.parent / f"{tmp_path.name}-outside.jpg")
    roots = [inner, tmp_path / "sub", tmp_path, inner, tmp_path, outside, outside]
    assert [e.path for e in walk(roots)] == [tmp_path / "b.jpg", inner, outside]


def test_a_file_root_is_yielded_when_its_folder_is_only_a_neighbour(tmp_path: Path) -> None:
    one, other = touch(tmp_path / "a" / "1.jpg"), touch(tmp_path / "b" / "2.jpg")
    touch(tmp_path / "b" / "3.jpg")
    assert [e.path for e in walk([tmp_path / "a", other])] == [one, other]


def test_hidden_and_nomedia_are_left_out_unless_named(tmp_path: Path) -> None:
    touch(tmp_path / "seen.jpg")
    for name in (".hidden.jpg", ".thumbs/a.jpg", "private/.nomedia", "private/a.jpg", "private/deep/b.jpg"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["seen.jpg"]
    assert names(tmp_path, tmp_path / ".thumbs") == [".thumbs/a.jpg"]
    assert names(tmp_path, tmp_path, tmp_path / ".hidden.jpg") == ["seen.jpg", ".hidden.jpg"]
    assert names(tmp_path, tmp_path, tmp_path / "private") == [
        "seen.jpg",
        "private/a.jpg",
        "private/deep/b.jpg",
    ]


def test_linked_folders_are_entered_once_and_loops_end(tmp_path: Path) -> None:
    library, elsewhere = tmp_path / "library", tmp_path / "elsewhere"
    touch(library / "a.jpg")
    touch(elsewhere / "b.jpg")
    (library / "link").symlink_to(elsewhere)
    (library / "link-again").symlink_to(elsewhere)
    (library / "loop").symlink_to(library)
    (elsewhere / "back").symlink_to(library)
    (library / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert names(library) == ["a.jpg", "link/b.jpg"]


def test_a_linked_file_is_a_file(tmp_path: Path) -> None:
    original = touch(tmp_path / "elsewhere" / "o.jpg", b"123")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "l.jpg").symlink_to(original)
    (entry,) = walk([tmp_path / "in"])
    assert (entry.path.name, entry.size) == ("l.jpg", 3)


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    touch(tmp_path / "a.jpg")
    assert names(tmp_path) == ["a.jpg"]
    with pytest.raises(UsageError, match="neither a folder nor a file"):
        walk([tmp_path / "pipe.jpg"])


def test_missing_root_is_said_before_the_walk(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no file or folder .*holidays\.$"):
        walk([tmp_path, tmp_path / "holidays"])


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    (entry,) = walk([tmp_path])
    assert os.fsencode(entry.path) == raw
    assert entry.path.read_bytes() == b"x"


def test_forbidden_folder_is_reported_and_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/1.jpg", "b/2.jpg", "c/3.jpg"):
        touch(tmp_path / name)
    scandir = os.scandir

    def forbidding(path: Any) -> Iterator[os.DirEntry[str]]:  # the tests may run as root, who may read all
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    problems: list[tuple[Path, str]] = []
    found = [e.path.name for e in walk([tmp_path], lambda path, reason: problems.append((path, reason)))]
    assert found == ["1.jpg", "3.jpg"]
    assert problems == [(tmp_path / "b", "no permission to read it")]
    assert names(tmp_path) == ["a/1.jpg", "c/3.jpg"]
