"""A second export keeps the albums in step, harms nothing of the user's, and mends what a crash left."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facecluster import albums
from facecluster.albums import ExportOptions, staging
from facecluster.albums.crops import ChipOf
from facecluster.albums.layout import Link
from facecluster.albums.manifest import Entry
from facecluster.errors import UsageError
from tests.albums_fakes import COPY, HARD, album, apply, export, photo, tree


def test_links_hold_when_library_and_albums_move_together(tmp_path: Path) -> None:
    export([album(1, "Ann", photo(tmp_path / "here", "a.jpg"))], tmp_path / "here/out")
    (tmp_path / "here").rename(tmp_path / "there")
    assert (tmp_path / "there/out/Ann/a.jpg").read_text() == "a.jpg"


def test_albums_moved_alone_are_mended_by_the_next_export(tmp_path: Path) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    export(people, tmp_path / "out")
    (tmp_path / "else/where").mkdir(parents=True)
    (tmp_path / "out").rename(tmp_path / "else/where/out")
    export(people, tmp_path / "else/where/out")
    assert (tmp_path / "else/where/out/Ann/a.jpg").read_text() == "a.jpg"
    assert tree(tmp_path / "else/where/out") == {"Ann", "Ann/a.jpg"}


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    for options in (ExportOptions(crops=True), ExportOptions("copy", True), ExportOptions("hardlink", True)):
        export(people, tmp_path / "out", options)
        before = {path: path.lstat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
        again = export(people, tmp_path / "out", options)
        assert (again.added, again.removed, again.unchanged, again.kept) == ([], [], 2, [])
        before.pop(tmp_path / "out/.facecluster.json")
        assert all(path.lstat().st_mtime_ns == then for path, then in before.items())


def test_photos_of_one_name_are_told_apart_by_content_and_stay(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "x/IMG.jpg", "one"), photo(tmp_path, "y/img.JPG", "two")
    first = export([album(1, "Ann", a)], tmp_path / "out")
    assert first.added == ["Ann/IMG.jpg"]
    digits = hashlib.sha256(b"two").hexdigest()[:6]
    export([album(1, "Ann", b, a)], tmp_path / "out")
    assert (tmp_path / "out/Ann/IMG.jpg").read_text() == "one"
    assert (tmp_path / f"out/Ann/img ({digits}).JPG").read_text() == "two"
    export([album(1, "Ann", b)], tmp_path / "out")
    assert tree(tmp_path / "out") == {"Ann", f"Ann/img ({digits}).JPG"}


def test_people_whose_names_differ_in_case_keep_their_folders(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    export([album(2, "ann", b)], tmp_path / "out")
    export([album(1, "Ann", a), album(2, "ann", b)], tmp_path / "out")
    assert tree(tmp_path / "out") == {"ann", "ann/b.jpg", "Ann (2)", "Ann (2)/a.jpg"}


def test_a_second_export_adds_removes_and_renames(tmp_path: Path) -> None:
    a, b, c = (photo(tmp_path, f"{name}.jpg") for name in "abc")
    export([album(1, "Person 001", a, b), album(2, "Bob", c)], tmp_path / "out")
    result = export([album(1, "Ann", a, c)], tmp_path / "out")
    assert tree(tmp_path / "out") == {"Ann", "Ann/a.jpg", "Ann/c.jpg"}
    assert sorted(result.removed) == ["Bob/c.jpg", "Person 001/a.jpg", "Person 001/b.jpg"]


def test_foreign_files_are_never_touched(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    out = tmp_path / "out"
    (out / "Bob").mkdir(parents=True)
    for path in ("index.html", ".nomedia", "Bob/own.txt"):
        (out / path).write_text("mine")
    first = albums.plan([album(1, "Ann", a), album(2, "Bob", a)], out)
    assert [(c.wanted, c.chosen) for c in first.conflicts] == [
        ("index.html", "index (2).html"),
        ("Bob", "Bob (2)"),
    ]
    result = apply(first)
    (out / "Ann/own.txt").write_text("mine")
    export([], out)
    assert tree(out) == {"Ann", "Ann/own.txt", "Bob", "Bob/own.txt", "index (2).html"}
    assert result.sheet.name == "index (2).html"
    for path in ("index.html", ".nomedia", "Bob/own.txt", "Ann/own.txt"):
        assert (out / path).read_text() == "mine"


def test_a_foreign_file_in_the_way_gets_a_neighbour(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    export([album(1, "Ann", a)], tmp_path / "out")
    (tmp_path / "out/Ann/b.jpg").write_text("mine")
    plan = albums.plan([album(1, "Ann", a, b)], tmp_path / "out")
    [conflict] = plan.conflicts
    apply(plan)
    assert (tmp_path / "out/Ann/b.jpg").read_text() == "mine"
    assert (tmp_path / "out" / conflict.chosen).read_text() == "b.jpg"


@pytest.mark.parametrize("wanted", [True, False])
def test_an_edited_copy_is_kept(tmp_path: Path, wanted: bool) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    export(people, tmp_path / "out", COPY)
    copy = tmp_path / "out/Ann/a.jpg"
    times = copy.stat()
    copy.unlink()
    copy.write_text("b.jpg")  # of the same size, and dated as before
    os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))
    (copy.parent / "spare").touch()
    for _ in range(2):
        result = export(people if wanted else [], tmp_path / "out", COPY)
        assert [kept.path for kept in result.kept] == ["Ann/a.jpg"]
        assert copy.read_text() == "b.jpg"


def test_a_copy_edited_between_plan_and_apply_is_kept(tmp_path: Path) -> None:
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out", COPY)
    plan = albums.plan([], tmp_path / "out", COPY)
    (tmp_path / "out/Ann/a.jpg").write_text("mine")
    assert [kept.path for kept in apply(plan).kept] == ["Ann/a.jpg"]
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "mine"


def test_a_hard_link_to_a_photo_that_was_edited_is_still_ours(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    export([album(1, "Ann", a)], tmp_path / "out", HARD)
    a.write_text("edited in place")
    result = export([album(1, "Ann", a)], tmp_path / "out", HARD)
    assert (result.kept, result.added) == ([], ["Ann/a.jpg"])
    export([], tmp_path / "out", HARD)
    assert tree(tmp_path / "out") == set()
    assert a.read_text() == "edited in place"


def test_a_link_replaced_by_the_user_is_kept(tmp_path: Path) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    export(people, tmp_path / "out")
    (tmp_path / "out/Ann/a.jpg").unlink()
    (tmp_path / "out/Ann/a.jpg").write_text("mine")
    assert [kept.path for kept in export(people, tmp_path / "out").kept] == ["Ann/a.jpg"]
    export([], tmp_path / "out")
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "mine"


def test_a_copy_touched_but_not_edited_is_still_ours(tmp_path: Path) -> None:
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out", COPY)
    (tmp_path / "out/Ann/a.jpg").touch()
    export([], tmp_path / "out", COPY)
    assert tree(tmp_path / "out") == set()


@pytest.mark.parametrize("options", [COPY, HARD])
def test_the_last_copy_of_a_photo_is_never_removed(tmp_path: Path, options: ExportOptions) -> None:
    a = photo(tmp_path, "a.jpg")
    people = [album(1, "Ann", a)]
    export(people, tmp_path / "out", options)
    a.unlink()
    for again in (people, []):
        result = export(again, tmp_path / "out", options)
        assert (tmp_path / "out/Ann/a.jpg").read_text() == "a.jpg"
        assert [kept.path for kept in result.kept] == ["Ann/a.jpg"]


def test_hard_links_of_two_people_are_not_each_others_last_copy(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    export([album(1, "Ann", a), album(2, "Bob", a)], tmp_path / "out", HARD)
    a.unlink()
    result = export([], tmp_path / "out", HARD)
    assert [kept.path for kept in result.kept] == ["Ann/a.jpg", "Bob/a.jpg"]
    assert (tmp_path / "out/Bob/a.jpg").read_text() == "a.jpg"


@pytest.mark.parametrize("then", [ExportOptions(), HARD])
def test_the_copy_of_a_photo_overwritten_since_the_scan_is_kept(tmp_path: Path, then: ExportOptions) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    people = [album(1, "Ann", a), album(2, "Bob", b)]
    export(people, tmp_path / "out", COPY)
    a.write_text("quite another photo")
    for again in (people, people[1:]):
        result = export(again, tmp_path / "out", then)
        assert [kept.path for kept in result.kept] == ["Ann/a.jpg"]
        assert (tmp_path / "out/Ann/a.jpg").read_text() == "a.jpg"


def test_an_edited_photo_that_was_scanned_again_replaces_its_copy(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    export([album(1, "Ann", a)], tmp_path / "out", COPY)
    a.write_text("with a caption")
    assert export([album(1, "Ann", a)], tmp_path / "out", COPY).kept == []
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "with a caption"
    assert tree(tmp_path / "out") == {"Ann", "Ann/a.jpg"}


def test_copies_are_removed_although_the_destination_keeps_times_to_two_seconds(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    export([album(1, "Ann", a)], tmp_path / "out", COPY)
    os.utime(a, ns=(a.stat().st_atime_ns, a.stat().st_mtime_ns - 1_900_000_000))
    export([], tmp_path / "out", COPY)
    assert tree(tmp_path / "out") == set()


@pytest.mark.parametrize("options", [COPY, HARD])
def test_another_photo_at_the_path_is_not_put_into_the_album(tmp_path: Path, options: ExportOptions) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    people = [album(1, "Ann", a, b)]
    a.write_text("quite another photo")
    for _ in range(2):
        result = export(people, tmp_path / "out", options)
        assert result.failed == [("Ann/a.jpg", "it changed since the scan; scan again")]
        assert tree(tmp_path / "out") == {"Ann", "Ann/b.jpg"}
    assert (tmp_path / "out/Ann/b.jpg").read_text() == "b.jpg"
    assert a.read_text() == "quite another photo"


def test_a_copy_is_compared_by_content_even_if_size_and_time_are_the_same(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    people, times = [album(1, "Ann", a)], a.stat()
    a.write_text("b.jpg")
    os.utime(a, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert [path for path, _ in export(people, tmp_path / "out", COPY).failed] == ["Ann/a.jpg"]


def _refusing(real: Callable[..., Any], refused: Path) -> Callable[..., Any]:
    """``real``, a method of paths, with ``refused`` out of reach."""

    def act(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == refused:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    return act


def test_a_photo_out_of_reach_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    people = [album(1, "Ann", a, b)]
    export(people, tmp_path / "out", COPY)
    monkeypatch.setattr(Path, "stat", _refusing(Path.stat, a))
    result = export(people, tmp_path / "out", COPY)
    assert result.missing == [a]
    assert [kept.path for kept in result.kept] == ["Ann/a.jpg"]


def test_an_album_file_that_cannot_be_read_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out", COPY)
    copy = tmp_path / "out/Ann/a.jpg"
    copy.touch()
    monkeypatch.setattr(Path, "open", _refusing(Path.open, copy))
    assert [kept.path for kept in export([], tmp_path / "out", COPY).kept] == ["Ann/a.jpg"]


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = photo(tmp_path, "a.jpg")
    people = [album(1, "Ann", a, photo(tmp_path, "b.jpg"))]
    monkeypatch.setattr(Path, "open", _refusing(Path.open, a))
    result = export(people, tmp_path / "out", COPY)
    assert result.failed == [("Ann/a.jpg", "Permission denied")]
    assert result.added == ["Ann/b.jpg"]


def test_a_destination_out_of_reach_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    monkeypatch.setattr(Path, "stat", _refusing(Path.stat, tmp_path / "out"))
    with pytest.raises(UsageError, match="out cannot be read: Permission denied"):
        albums.plan(people, tmp_path / "out")


def test_only_abandoned_staging_folders_are_cleared(tmp_path: Path) -> None:
    for name in ("at-work", "abandoned"):
        (tmp_path / "out" / f".facecluster.parts-{name}").mkdir(parents=True)
        (tmp_path / "out" / f".facecluster.parts-{name}/0").touch()
    os.utime(tmp_path / "out/.facecluster.parts-abandoned", (0, 0))
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out")
    kept = {".facecluster.parts-at-work", ".facecluster.parts-at-work/0"}
    assert tree(tmp_path / "out") == {"Ann", "Ann/a.jpg"} | kept


def test_a_vanished_photo_is_reported_and_its_link_removed(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    people = [album(1, "Ann", a, b), album(2, "Bob", b)]
    export(people, tmp_path / "out")
    b.unlink()
    result = export(people, tmp_path / "out")
    assert result.missing == [b]
    assert tree(tmp_path / "out") == {"Ann", "Ann/a.jpg"}


def test_a_photo_that_vanishes_between_plan_and_apply(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg")
    plan = albums.plan([album(1, "Ann", a, b)], tmp_path / "out", COPY)
    a.unlink()
    result = apply(plan)
    assert result.missing == [a]
    assert tree(tmp_path / "out") == {"Ann", "Ann/b.jpg"}


def test_something_that_appears_between_plan_and_apply_is_left_alone(tmp_path: Path) -> None:
    plan = albums.plan([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out")
    (tmp_path / "out/Ann").mkdir(parents=True)
    (tmp_path / "out/Ann/a.jpg").write_text("mine")
    result = apply(plan)
    assert [path for path, _ in result.failed] == ["Ann/a.jpg"]
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "mine"
    export([], tmp_path / "out")
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"facecluster": "albums", "version": 99, "files": {}, "folders": {}}',
        '{"facecluster": "albums", "version": 1, "folders": {}, "files": {"../x": {"kind": "file"}}}',
        '{"facecluster": "albums", "version": 1, "folders": {"/etc": 1}, "files": {}}',
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ".facecluster.json").write_text(text)
    with pytest.raises(UsageError, match=r"\.facecluster\.json"):
        albums.plan([], tmp_path)


def test_a_persons_folder_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    export(people, tmp_path / "out", COPY)
    (tmp_path / "far").mkdir()
    (tmp_path / "out/Ann").rename(tmp_path / "far/away")
    (tmp_path / "out/Ann").symlink_to(tmp_path / "far/away")
    export([album(1, "Ann", photo(tmp_path, "b.jpg"))], tmp_path / "out", COPY)
    assert (tmp_path / "far/away/a.jpg").read_text() == "a.jpg"
    assert (tmp_path / "out/Ann (2)/b.jpg").read_text() == "b.jpg"


class PowerError(Exception):
    """The power went off."""


@pytest.mark.parametrize("options", [ExportOptions(crops=True), ExportOptions("copy", True), HARD])
def test_after_a_crash_anywhere_the_next_export_converges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: ExportOptions
) -> None:
    """Crash at the first, second, … write of any kind; each time go on from what is left."""
    a, b, c = (photo(tmp_path, f"{name}.jpg") for name in "abc")
    old = [album(1, "Ann", a, b), album(2, "Bob", b)]
    new = [album(1, "Anna", a, c), album(2, "Bob", c)]
    export(new, tmp_path / "fresh", options)
    for number in range(100):
        out = tmp_path / f"out{number}"
        export(old, out, ExportOptions())
        with monkeypatch.context() as patch:
            left = [number]
            for name in ("unlink", "rename", "replace", "mkdir", "rmdir"):
                patch.setattr(Path, name, _failing(getattr(Path, name), left))
            try:
                export(new, out, options)
                crashed = False
            except PowerError:
                crashed = True
        result = export(new, out, options)
        assert result.kept == []
        assert tree(out) == tree(tmp_path / "fresh")
        assert (out / "index.html").read_bytes() == (tmp_path / "fresh/index.html").read_bytes()
        export([], out)
        assert tree(out) == set()
        if not crashed:
            break
    assert 10 < number < 99


def _failing(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def act(*args: Any, **kwargs: Any) -> Any:
        if left[0] == 0:
            raise PowerError
        left[0] -= 1
        return real(*args, **kwargs)

    return act


def test_an_interrupted_export_keeps_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [album(1, "Ann", *(photo(tmp_path, f"{i}.jpg") for i in range(6)))]
    monkeypatch.setattr(importlib.import_module("facecluster.albums.apply"), "BATCH", 2)
    real, calls = staging.make, []

    def make(link: Link, part: Path, chip_of: ChipOf) -> Entry:
        calls.append(link.path)
        if len(calls) == 6:
            raise OSError(28, "No space left on device")
        return real(link, part, chip_of)

    with monkeypatch.context() as patch:
        patch.setattr(staging, "make", make)
        with pytest.raises(UsageError, match="No space left"):
            export(people, tmp_path / "out", COPY)
    result = export(people, tmp_path / "out", COPY)
    assert (result.unchanged, len(result.added)) == (4, 2)
    assert len(tree(tmp_path / "out")) == 7


def test_a_photo_moved_in_the_library_keeps_its_copy(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    export([album(1, "Ann", a)], tmp_path / "out", COPY)
    moved = a.rename(tmp_path / "library/moved.jpg")
    people = [album(1, "Anna", moved)]
    export(people, tmp_path / "out", COPY)
    assert tree(tmp_path / "out") == {"Anna", "Anna/moved.jpg"}
