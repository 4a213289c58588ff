"""What an export makes, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from facecluster import albums
from facecluster.albums import ExportOptions
from facecluster.errors import UsageError
from facecluster.records import Album
from tests.albums_fakes import COPY, HARD, album, chip, export, face, photo, tree


def test_one_folder_per_person_one_relative_link_per_photo(tmp_path: Path) -> None:
    a, b = photo(tmp_path, "a.jpg"), photo(tmp_path, "2019/b.jpg")
    twice = Album(1, "Ann", (face(a, 1), face(a, 2), face(b, 3)))
    result = export([twice, album(2, "Bob", b)], tmp_path / "out")
    assert tree(result.dest) == {"Ann", "Ann/a.jpg", "Ann/b.jpg", "Bob", "Bob/b.jpg"}
    link = result.dest / "Ann/a.jpg"
    assert link.readlink() == Path("../../library/a.jpg")
    assert link.read_text() == "a.jpg"
    assert (result.dest / ".nomedia").exists()


def test_links_resolve_when_the_destination_and_the_library_are_behind_links(tmp_path: Path) -> None:
    a = photo(tmp_path, "deep/er/a.jpg")
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far/away")
    (tmp_path / "library/short").symlink_to(a.parent)
    export([album(1, "Ann", tmp_path / "library/short/a.jpg")], tmp_path / "near/out")
    link = tmp_path / "far/away/out/Ann/a.jpg"
    assert not link.readlink().is_absolute()
    assert link.read_text() == "deep/er/a.jpg"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    people = [album(1, "Ann", photo(tmp_path, "a.jpg"))]
    before = set(tmp_path.rglob("*"))
    plan = albums.plan(people, tmp_path / "out")
    assert [link.path for link in plan.add] == ["Ann/a.jpg"]
    assert set(tmp_path.rglob("*")) == before


def test_a_person_may_be_called_like_a_file_of_ours(tmp_path: Path) -> None:
    result = export([album(1, "index.html", photo(tmp_path, "a.jpg"))], tmp_path / "out")
    assert result.added == ["index.html (2)/a.jpg"]
    assert result.sheet == tmp_path / "out/index.html"


def test_copies_keep_their_time_and_links_share_their_inode(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    os.utime(a, ns=(1_000_000_000, 1_234_567_890_000_000_000))
    export([album(1, "Ann", a)], tmp_path / "out", COPY)
    assert (tmp_path / "out/Ann/a.jpg").stat().st_mtime_ns == a.stat().st_mtime_ns
    export([album(1, "Ann", a)], tmp_path / "out", HARD)
    assert (tmp_path / "out/Ann/a.jpg").samefile(a)
    assert (tmp_path / "out/Ann/a.jpg").stat().st_nlink == 2
    export([album(1, "Ann", a)], tmp_path / "out")
    assert (tmp_path / "out/Ann/a.jpg").is_symlink()
    assert a.read_text() == "a.jpg"


def test_a_hard_link_across_file_systems_becomes_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crosses(self: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", crosses)
    result = export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out", HARD)
    assert result.copied == ["Ann/a.jpg"]
    assert (tmp_path / "out/Ann/a.jpg").read_text() == "a.jpg"


def test_where_symbolic_links_are_impossible_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: Path, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuses)
    with pytest.raises(UsageError, match="--mode copy"):
        export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out")


def test_crops_have_the_shape_of_the_box(tmp_path: Path) -> None:
    result = export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out", ExportOptions(crops=True))
    with Image.open(result.dest / "Ann/faces/a-100.jpg") as crop:
        assert (crop.format, crop.size) == ("JPEG", (112, 224))
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out")
    assert tree(tmp_path / "out") == {"Ann", "Ann/a.jpg"}


def test_originals_stay_as_they_are(tmp_path: Path) -> None:
    a = photo(tmp_path, "a.jpg")
    a.chmod(0o444)
    before = (a.read_bytes(), a.stat().st_mtime_ns, a.stat().st_ino)
    for options in (COPY, ExportOptions(), HARD, COPY):
        export([album(1, "Ann", a)], tmp_path / "out", options)
        export([], tmp_path / "out", options)
    assert (a.read_bytes(), a.stat().st_mtime_ns, a.stat().st_ino) == before


@pytest.mark.parametrize("inside", ["", "2019"])
def test_a_folder_that_holds_originals_is_refused(tmp_path: Path, inside: str) -> None:
    a = photo(tmp_path, str(Path(inside, "a.jpg")))
    with pytest.raises(UsageError, match="holds photos of your library"):
        albums.plan([album(1, "Ann", a)], tmp_path / "library")
    assert list((tmp_path / "library").glob(".*")) == []


def test_originals_are_found_behind_links(tmp_path: Path) -> None:
    photo(tmp_path, "a.jpg")
    (tmp_path / "short").symlink_to(tmp_path / "library")
    with pytest.raises(UsageError, match="holds photos of your library"):
        albums.plan([album(1, "Ann", tmp_path / "short/a.jpg")], tmp_path / "library")


def test_a_destination_that_is_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        albums.plan([], photo(tmp_path, "a.jpg"))


def no_chip(face_id: int) -> None:
    """The chip of a face that has none."""


def test_progress_adds_up(tmp_path: Path) -> None:
    export([album(1, "Ann", photo(tmp_path, "a.jpg"))], tmp_path / "out")
    plan = albums.plan([album(1, "Bob", photo(tmp_path, "a.jpg"), photo(tmp_path, "b.jpg"))], tmp_path / "out")
    steps: list[tuple[int, int]] = []
    albums.apply(plan, no_chip, lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert plan.steps == 4


def test_chips_are_fetched_only_when_shown(tmp_path: Path) -> None:
    people = [album(1, "Ann", *(photo(tmp_path, f"{i}.jpg") for i in range(60)))]
    asked: list[int] = []

    def chip_of(face_id: int) -> bytes | None:
        asked.append(face_id)
        return chip()

    plan = albums.plan(people, tmp_path / "out")
    assert asked == []
    albums.apply(plan, chip_of)
    assert len(asked) == 23, "one for each tile of the contact sheet"
    albums.apply(albums.plan(people, tmp_path / "out"), chip_of)
    assert len(asked) == 23
    result = albums.apply(albums.plan(people, tmp_path / "out", ExportOptions(crops=True)), no_chip)
    assert result.failed[0] == ("Ann/faces/0-100.jpg", "the face's chip cannot be read")
    assert len(result.failed) == 60


def test_index_json_tells_it_all(tmp_path: Path) -> None:
    a, gone = photo(tmp_path, "a.jpg"), photo(tmp_path, "gone.jpg")
    people = [album(7, "Ann", a, gone)]
    gone.unlink()
    export(people, tmp_path / "out", ExportOptions(crops=True))
    data = json.loads((tmp_path / "out/index.json").read_text())
    assert data["version"] == 1
    [person] = data["people"]
    assert {key: person[key] for key in ("id", "title", "folder", "count")} == {
        "id": 7,
        "title": "Ann",
        "folder": "Ann",
        "count": 2,
    }
    assert person["photos"][0] == {
        "path": "Ann/a.jpg",
        "original": str(a),
        "sha256": hashlib.sha256(b"a.jpg").hexdigest(),
        "width": 400,
        "height": 300,
        "taken_at": "2019-05-12T00:00:00",
        "faces": [
            {
                "id": 700,
                "box": [10, 20, 110, 220],
                "distance": 0.41,
                "confirmed": False,
                "crop": "Ann/faces/a-700.jpg",
            }
        ],
    }
    assert person["photos"][1]["path"] is None
