"""Removing everything: exactly facecluster's own files go, whatever lies beside them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from facecluster.errors import StoreError, UsageError
from facecluster.nets.cache import own_files
from facecluster.nets.catalogue import refiner
from facecluster.nets.graphs import Graph
from facecluster.nets.install import install
from facecluster.nets.runtime import Processor
from facecluster.nets.specs import MODELS
from facecluster.pipeline.purge import purge
from facecluster.store import Store
from facecluster.store.schema import migrations
from tests.trained_fakes import a_card, some_arrays

HEX16, HEX40 = "0123456789abcdef", "0123456789abcdef" * 2 + "01234567"

OWN = (
    "facenet.safetensors",
    "sface.safetensors",
    "facenet-vggface2_head.safetensors",
    "facenet-vggface2_head.part",
    ".part-ab_1cd2e/sface.safetensors",
    ".part-ab_1cd2e/20180402-114759-vggface2.pt",
    f"graphs/facenet-{HEX16}-4x160x160x3-7-{HEX16}/net.xml",
    f"graphs/facenet-{HEX16}-4x160x160x3-7-{HEX16}/net.bin",
    f"graphs/scout-{HEX16}-1x266x266x4-7-bytes-{HEX16}/sha256",
    "graphs/.part-ab_1cd2e/new/net.xml",
    "graphs/.part-ab_1cd2e/old/sha256",
    f"graphs/Family-2.0-{HEX16}-4x112x112x3-7/net.xml",
    "compiled/17795694578029534632.blob",
    f"compiled/faces_{HEX40}/summed._average-109.py311.nbi",
    f"compiled/faces_{HEX40}/summed._average-109.py313t.12.nbc",
    f"compiled/faces_{HEX40}/summed._average-109.py311.1.nbc.tmp.0a1b",
)

FOREIGN = (
    "family.safetensors",
    "holiday.jpg",
    "graphs/notes.txt",
    "graphs/thesis/net.xml",
    f"graphs/facenet-{HEX16}-4x160x160x3-7/mine.bin",
    "compiled/letter.blob",
    "compiled/photos/1.blob",
    f"compiled/faces_{HEX40}/summed.py",
    ".part-ab_1cd2e/holiday.jpg",
    "Documents/facenet.safetensors",
)


def write(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("FACECLUSTER_CACHE", str(folder))
    write(folder, OWN)
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a lock file, beside a photo and an album."""
    path = tmp_path / "data" / "library.db"
    with Store(path) as store, store.alone():
        pass
    write(path.parent, ("photo.jpg", "albums/Anna/photo.jpg", "library.db-old", "library.db.bak"))
    return path


BESIDE = {"photo.jpg", "albums/Anna/photo.jpg", "library.db-old", "library.db.bak"}


def test_everything_of_facecluster_goes_and_nothing_else(database: Path, cache: Path) -> None:
    found = purge(database, dry_run=True)
    assert {path.name for path in found.database} == {"library.db", "library.db.lock"}
    size = sum(path.stat().st_size for path in [*found.database, *found.cached])
    assert (found.size, found.others, len(found.cached)) == (size, 0, len(OWN))
    assert names_in(cache) == set(OWN)
    assert purge(database) == found
    assert names_in(database.parent) == BESIDE
    assert not cache.exists()


def test_the_cache_can_be_kept(database: Path, cache: Path) -> None:
    found = purge(database, keep_cache=True)
    assert (found.cache, found.cached, found.others) == (None, [], 0)
    assert names_in(cache) == set(OWN)
    assert names_in(database.parent) == BESIDE


def test_foreign_files_in_the_cache_stay_and_are_counted(database: Path, cache: Path) -> None:
    write(cache, FOREIGN)
    (cache / "empty").mkdir()
    (cache / "sface_head.safetensors").symlink_to(database.parent / "photo.jpg")
    found = purge(database)
    assert names_in(cache) == {*FOREIGN, "sface_head.safetensors"}
    assert (cache / "empty").is_dir()
    assert found.others == len(FOREIGN) + 2


def test_links_are_not_followed(database: Path, cache: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, ("1.blob", f"faces_{HEX40}/x.py311.nbi"))
    for path in sorted((cache / "compiled").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (cache / "compiled").rmdir()
    (cache / "compiled").symlink_to(elsewhere)
    (cache / "facenet-vggface2.safetensors").symlink_to(elsewhere / "1.blob")
    assert purge(database).others == 2
    assert len(names_in(elsewhere)) == 2
    assert (cache / "compiled").is_symlink()


def test_own_models_stay_unless_asked_for(database: Path, cache: Path, own_models: Path) -> None:
    install(some_arrays(), a_card("Family-2.0"))
    write(own_models, ("broken.safetensors", "note.txt", ".part-ab/half.safetensors"))
    own = {"Family-2.0.safetensors", ".part-ab/half.safetensors"}
    found = purge(database, dry_run=True)
    assert {path.relative_to(own_models).as_posix() for path in found.models} == own
    assert purge(database).with_models is False
    assert names_in(own_models) == {*own, "broken.safetensors", "note.txt"}
    Store(database).close()
    small, large = (purge(database, models=models, dry_run=True).size for models in (False, True))
    assert large - small == sum((own_models / name).stat().st_size for name in own)
    purge(database, models=True)
    assert names_in(own_models) == {"broken.safetensors", "note.txt"}
    assert not (own_models / ".part-ab").exists()


def test_what_was_made_of_own_models_goes_with_them(database: Path, cache: Path, own_models: Path) -> None:
    install(some_arrays(), a_card("Family-2.0"))
    purge(database, keep_cache=True, models=True)
    gone = {path for path in OWN if "Family" in path or path.endswith(".blob")}
    assert len(gone) == 2
    assert names_in(cache) == set(OWN) - gone
    assert not own_models.exists()


def test_a_cache_that_was_never_made_is_no_error(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "none"))
    assert purge(database).cached == []
    assert not database.exists()


def test_what_the_networks_write_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    Processor(refiner())
    files, folders, others = own_files(tmp_path / "cache")
    assert others == 0
    assert {path.name for path in files} > {"net.xml", "net.bin", "sha256"}
    assert any(path.suffix == ".blob" for path in files)
    assert set(files) | set(folders) == set((tmp_path / "cache").rglob("*"))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("steps", [64, 127])
def test_labels_of_all_models_are_known(name: str, ranges: bool, steps: int, tmp_path: Path) -> None:
    file = tmp_path / "ranges.json"
    file.write_text("{}")
    asked = file if ranges else None
    graph = Graph(
        name, HEX16, (4, 160, 160, 3), lambda: pytest.fail("built"), ranges, ranges=asked, weight_steps=steps
    )
    write(tmp_path / "cache", (f"graphs/{graph.label}/net.xml",))
    files, _, others = own_files(tmp_path / "cache")
    assert (len(files), others) == (1, 0)


def test_a_log_goes_with_its_database(database: Path, cache: Path) -> None:
    with Store(database) as reader:
        reader.db.execute("CREATE TABLE more (x)")
        found = purge(database)
        assert {path.name[10:] for path in found.database} == {"", "-wal", "-shm", ".lock"}
        assert names_in(database.parent) == BESIDE


def test_a_linked_database_goes_where_it_is(database: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(database)
    purge(tmp_path / "link.db")
    assert names_in(database.parent) == BESIDE


@pytest.mark.parametrize("content", [b"", b"notes", b"not a database, and long" * 50])
def test_files_that_are_no_database_stay(content: bytes, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(UsageError, match="not a database of facecluster, so nothing was removed"):
        purge(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_bytes() == content
    assert names_in(cache) == set(OWN)


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 1", "CREATE TABLE recipes (name TEXT)"])
def test_databases_of_others_stay(statement: str, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "recipes.db"
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="not a database of facecluster"):
        purge(path)
    assert path.read_bytes() == before
    assert names_in(cache) == set(OWN)


def test_there_has_to_be_a_database(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no database at .*none\.db, so nothing was removed"):
        purge(tmp_path / "none.db")
    with pytest.raises(UsageError, match="is not a database of facecluster"):
        purge(tmp_path)
    assert not (tmp_path / "none.db").exists()
    assert names_in(cache) == set(OWN)


def test_a_library_at_work_or_of_a_newer_version_stays(database: Path, cache: Path) -> None:
    with Store(database) as store:
        with store.alone(), pytest.raises(UsageError, match="Another facecluster"):
            purge(database)
        newer = {"migration_set": migrations.name, "name": "m999_future", "applied_at": "2030"}
        store.db["_sqlite_migrations"].insert(newer)  # type: ignore[union-attr]
    with pytest.raises(StoreError, match="newer facecluster"):
        purge(database)
    assert names_in(database.parent) >= {*BESIDE, "library.db", "library.db.lock"}
    assert names_in(cache) == set(OWN)
