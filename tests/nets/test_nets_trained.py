from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from facecluster.errors import WeightsError
from facecluster.nets import card as cards
from facecluster.nets import tensors, trained
from facecluster.nets.trained import dequantise, quantise, read_card, read_model, write_model
from facecluster.records import Float32
from tests.trained_fakes import FAR, a_card, some_arrays

INT8 = {"conv.weight", "head.projection", "linear.weight"}


def quantised_slowly(array: Float32) -> tuple[np.ndarray, np.ndarray]:
    """Steps and scales of a (C, M) weight, number by number."""
    steps, scales = np.zeros(array.shape), np.zeros(len(array))
    for channel, row in enumerate(array):
        largest = max(abs(float(value)) for value in row)
        scales[channel] = largest / 127
        for i, value in enumerate(row):
            steps[channel, i] = round(float(value) / scales[channel]) if largest else 0
    return steps, scales


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 7), st.floats(1e-6, 1e3))
@settings(max_examples=50, deadline=None)
def test_quantised_as_slowly_number_by_number(seed: int, channels: int, values: int, size: float) -> None:
    numbers = np.random.default_rng(seed)
    array = (numbers.normal(size=(channels, values)) * size).astype(np.float32)
    array[numbers.random(channels) < 0.2] = 0
    steps, scale = quantise(array)
    slow_steps, slow_scale = quantised_slowly(array)
    assert steps.dtype == np.int8
    assert scale.dtype == np.float32
    assert scale.shape == (channels, 1)
    np.testing.assert_allclose(scale[:, 0], slow_scale, rtol=1e-6)
    assert np.abs(steps - slow_steps).max() <= 1  # a tie may go either way
    off = np.abs(dequantise(steps, scale) - array)
    assert (off <= 0.50001 * scale).all()
    assert np.abs(steps[np.abs(array).max(1) > 0]).max(initial=127) == 127


def test_channels_are_rows_unless_told_otherwise() -> None:
    array = np.array([[1, -2], [100, 50]], np.float32)
    assert quantise(array)[1].tolist() == [[np.float32(2 / 127)], [np.float32(100 / 127)]]
    steps, scale = quantise(array, axis=1)
    assert scale.tolist() == [[np.float32(100 / 127), np.float32(50 / 127)]]
    assert steps.tolist() == [[1, -5], [127, 127]]


@pytest.mark.parametrize("array", [np.zeros((3, 4, 1, 1)), np.full((1, 1), -0.25), np.zeros((0, 3))])
def test_zeros_one_value_and_none_come_back_exactly(array: Float32) -> None:
    steps, scale = quantise(array.astype(np.float32))
    again = dequantise(steps, scale)
    np.testing.assert_array_equal(again, array.astype(np.float32))
    assert again.dtype == np.float32


def test_a_model_comes_back_to_half_a_step(tmp_path: Path) -> None:
    arrays, card = some_arrays(), a_card(far=FAR)
    write_model(arrays, card, tmp_path / "new" / "family.safetensors")
    again, told = read_model(tmp_path / "new" / "family.safetensors")
    assert told == card
    assert again.keys() == arrays.keys()
    for name, array in again.items():
        assert array.dtype == np.float32
        assert array.shape == arrays[name].shape
        if name in INT8:
            axis = 0 if name == "head.projection" else tuple(range(1, array.ndim))
            steps = np.abs(arrays[name]).max(axis, keepdims=True) / 127
            assert (np.abs(array - arrays[name]) <= 0.50001 * steps).all()
            assert not np.array_equal(array, arrays[name])
        else:
            np.testing.assert_array_equal(array, arrays[name])
    stored, _ = tensors.read_tensors(tmp_path / "new" / "family.safetensors")
    assert {name for name, array in stored.items() if array.dtype == np.int8} == INT8
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["family.safetensors"]
    assert (tmp_path / "new" / "family.safetensors").stat().st_mode & 0o777 == 0o600


def test_the_card_is_read_alone_and_tells_the_content(tmp_path: Path) -> None:
    for name, card, seed in (("a", a_card(), 0), ("b", a_card("other", join_distance=0.5), 0), ("c", a_card(), 1)):
        write_model(some_arrays(seed), card, tmp_path / name)
    (card, content), (other, same), (_, another) = (read_card(tmp_path / name) for name in "abc")
    assert (card, other.name, other.join_distance) == (a_card(), "other", 0.5)
    assert content == same != another
    assert read_model(tmp_path / "a", content)[1] == card
    with pytest.raises(WeightsError, match="another model"):
        read_model(tmp_path / "c", content)


def test_a_copy_has_the_same_tensors_bit_by_bit(tmp_path: Path) -> None:
    write_model(some_arrays(), a_card(), tmp_path / "a")
    assert trained.copy_model(tmp_path / "a", tmp_path / "b" / "c", a_card("copy")) == tmp_path / "b" / "c"
    (card, content), (_, original) = read_card(tmp_path / "b" / "c"), read_card(tmp_path / "a")
    assert (card, content) == (a_card("copy"), original)
    trained.copy_model(tmp_path / "a", tmp_path / "d")
    assert read_card(tmp_path / "d") == (a_card(), original)


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    file = tmp_path / "family.safetensors"
    write_model(some_arrays(), a_card(), file)
    whole = file.read_bytes()
    for position in [*range(0, len(whole), 331), *range(8, 1600, 31)]:
        damaged = bytearray(whole)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"family\.safetensors"):
            read_model(file)
    file.write_bytes(whole[:-10])
    with pytest.raises(WeightsError, match="cannot be read as a trained model"):
        read_card(file)
    file.write_bytes(whole)
    read_model(file)


def test_a_damaged_card_is_noticed_without_the_tensors(tmp_path: Path) -> None:
    file = tmp_path / "family.safetensors"
    write_model(some_arrays(), a_card(join_distance=0.9), file)
    file.write_bytes(file.read_bytes().replace(b'join_distance\\": 0.9', b'join_distance\\": 0.8'))
    with pytest.raises(WeightsError, match="is damaged: take it from a backup, or train the model again"):
        read_card(file)


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file(some_arrays(), tmp_path / "plain")
    with pytest.raises(WeightsError, match="not a model made by `facecluster train`"):
        read_card(tmp_path / "plain")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_model(tmp_path / "none")
    with monkeypatch.context() as patch:
        patch.setattr(trained, "LAYOUT", "2")
        write_model(some_arrays(), a_card(), tmp_path / "newer")
    with pytest.raises(WeightsError, match="newer facecluster"):
        read_model(tmp_path / "newer")
    trained._write({"weight": np.zeros((2, 2), np.int8)}, a_card(), tmp_path / "odd")
    with pytest.raises(WeightsError, match="is damaged"):
        read_model(tmp_path / "odd")


def test_numbers_that_are_not_finite_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"conv\.bias holds numbers that are not finite"):
        write_model(some_arrays() | {"conv.bias": np.array([1, np.nan], np.float32)}, a_card(), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match="cannot be stored"):
        write_model(some_arrays(), a_card(), tmp_path / "file" / "a")


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_half(arrays: Any, path: Path, metadata: dict[str, str]) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("No space left on device")

    write_model(some_arrays(), a_card(), tmp_path / "a")
    monkeypatch.setattr(tensors, "save_file", write_half)
    with pytest.raises(WeightsError, match="No space left"):
        write_model(some_arrays(1), a_card(), tmp_path / "a")
    np.testing.assert_array_equal(read_model(tmp_path / "a")[0]["conv.bias"], some_arrays()["conv.bias"])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_newer_card_says_beyond_is_passed_over() -> None:
    told = json.loads(cards.to_json(a_card())) | {"colour": "red"}
    assert cards.from_json(json.dumps(told)) == a_card()
    for wrong in ("[]", "1", "{", json.dumps({**told, "size": None}), json.dumps({"name": "x"})):
        with pytest.raises(ValueError, match=r"card|Expecting|size|missing"):
            cards.from_json(wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"dimension": 0},
        {"dimension": 128.0},
        {"dimension": True},
        {"size": 100_000},
        {"crop": "chin"},
        {"normalisation": "x / 255"},
        {"join_distance": float("nan")},
        {"join_distance": -1},
        {"join_distance": "1"},
        {"figures": ["LFW"]},
        {"figures": {"LFW": [98]}},
        {"far": {"rates": [0.1]}},
        {"far": {**FAR, "face": [1.9, 1.5, 1.6, 0.9]}},
        {"far": {**FAR, "face": [1.9, None, None, None]}},
        {"far": {**FAR, "face": [1.9, 1.5]}},
        {"far": {**FAR, "face": "1234"}},
        {"far": {**FAR, "rates": [0.5, 0.1, 0.01, 0]}},
    ],
)
def test_a_card_that_cannot_be_used_says_what_is_wrong(change: dict[str, Any], tmp_path: Path) -> None:
    (name,) = change
    with pytest.raises(ValueError, match=f"its (figure of )?{'LFW' if 'figure' in name else name}|figures"):
        replace(a_card(), **change)
    told = json.dumps({**asdict(a_card()), **change})
    labels = {"card": told, "content": "", "layout": "1", "checksum": trained._checksum(told, "")}
    save_file({}, tmp_path / "a", metadata=labels)
    with pytest.raises(WeightsError, match=r"/a holds a model that this version cannot use: "):
        read_card(tmp_path / "a")
