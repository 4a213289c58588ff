"""Both runtimes on a tiny network, against torch itself; files made once, damaged ones made again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from torch import Tensor, nn

from facecluster.errors import UsageError, WeightsError
from facecluster.nets import catalogue, gpu, runtime
from facecluster.nets.gpu import Gpu
from facecluster.nets.graphs import Graph, graph_file
from facecluster.nets.quantise import observe, quantise, read_ranges, write_ranges
from facecluster.nets.specs import spec_of
from facecluster.records import Float32, UInt8


class Tiny(nn.Module):
    """(N, 8, 8, 3) → (N, 5) and (N,), by two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 5, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.second(self.first(x.permute(0, 3, 1, 2)).relu())[..., 0, 0]
        return y, y.sum(1)


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path))
    return Graph("tiny", "0", (4, 8, 8, 3), Tiny)


def given(count: int) -> Float32:
    return np.random.default_rng(1).random((count, 8, 8, 3), dtype=np.float32)


def expected(pixels: Float32) -> list[Float32]:
    with torch.inference_mode():
        return [each.numpy() for each in Tiny()(torch.from_numpy(pixels))]


def processor(graph: Graph) -> runtime.Network:
    return runtime.network(graph, "cpu", exact=True)


def on_torch(graph: Graph) -> runtime.Network:
    return Gpu(graph.build(), "cpu", exact=True)


def one_by_one(graph: Graph) -> runtime.Network:
    return runtime.network(replace(graph, slow=True), "cpu", exact=True)


@pytest.mark.parametrize("kind", [processor, one_by_one, on_torch])
@pytest.mark.parametrize("count", [0, 1, 4, 7])
def test_any_number_of_inputs(kind: Callable[[Graph], runtime.Network], count: int, graph: Graph) -> None:
    results = kind(graph)(given(count))
    assert [each.shape for each in results] == [(count, 5), (count,)]
    for result, right in zip(results, expected(given(count)), strict=True):
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, right, atol=1e-5)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many inputs each call had, and how many fit: filled while a network on the processor computes."""
    seen: list[tuple[int, int]] = []
    infer = runtime._Place.infer

    def watched(self: runtime._Place, part: Float32 | UInt8, into: list[Float32]) -> None:
        seen.append((len(part), len(self.results[0])))
        infer(self, part, into)

    monkeypatch.setattr(runtime._Place, "infer", watched)
    return seen


def test_a_slow_network_computes_no_zeros(graph: Graph, seen: list[tuple[int, int]]) -> None:
    one_by_one(graph)(given(6))
    processor(graph)(given(6))
    assert seen == [(4, 4), (1, 1), (1, 1), (4, 4), (2, 4)]


@pytest.mark.parametrize(
    ("wide", "slow", "there", "sizes"),
    [
        ((), False, True, [(4, 4), (4, 4), (3, 4)]),
        ((8, 2), False, True, [(8, 8), (2, 2), (1, 2)]),
        ((8, 2), True, True, [(8, 8), (2, 2), (1, 1)]),
        ((8, 2), True, False, [(4, 4), (4, 4), (1, 1), (1, 1), (1, 1)]),
    ],
)
def test_batches_are_as_wide_as_the_processor_likes(
    graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    seen: list[tuple[int, int]],
    wide: tuple[int, ...],
    slow: bool,
    there: bool,
    sizes: list[tuple[int, int]],
) -> None:
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: there)
    results = runtime.network(replace(graph, wide=wide, slow=slow), "cpu", exact=True)(given(11))
    assert seen == sizes
    for result, right in zip(results, expected(given(11)), strict=True):
        np.testing.assert_allclose(result, right, atol=1e-5)


def test_what_is_of_another_shape_or_kind_is_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match=r"takes \(8, 8, 3\)"):
        processor(graph)(np.zeros((2, 1, 1, 3), np.float32))
    with pytest.raises(TypeError, match="same_kind"):
        processor(replace(graph, whole=True))(given(1))


def test_several_threads_may_call_it(graph: Graph) -> None:
    net = processor(graph)
    inputs = [given(6) + i for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for pixels, (result, _) in zip(inputs, pool.map(net, inputs), strict=True):
            np.testing.assert_allclose(result, expected(pixels)[0], atol=1e-4)


def test_later_threads_take_over_what_earlier_ones_compiled(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: runtime.Processor, batch: int) -> None:
        raise AssertionError("compiled again")

    net = processor(graph)
    monkeypatch.setattr(runtime.Processor, "_place", refuse)
    for _ in range(3):
        with ThreadPoolExecutor(1) as pool:
            assert len(pool.submit(net, given(4)).result()[0]) == 4


def test_bytes_give_what_the_same_numbers_give(graph: Graph) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    wanted = expected(pixels.astype(np.float32))
    for net in (processor(replace(graph, whole=True)), on_torch(graph)):
        for mine, theirs in zip(net(pixels), wanted, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-2)


def test_a_network_is_converted_once_and_again_when_it_is_damaged(graph: Graph, tmp_path: Path) -> None:
    built: list[int] = []

    def build() -> nn.Module:
        built.append(1)
        return Tiny()

    counted = replace(graph, build=build)
    file = graph_file(counted)
    assert graph_file(counted) == file
    assert len(built) == 1
    weights = file.with_name("net.bin")
    weights.write_bytes(weights.read_bytes()[:-4])
    np.testing.assert_allclose(processor(counted)(given(1))[0], expected(given(1))[0], atol=1e-5)
    assert len(built) == 2
    assert graph_file(replace(counted, key="1")) != file
    assert not list((tmp_path / "graphs").glob(".part*"))


def test_a_cache_that_cannot_be_written_is_a_sentence(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "graphs").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="FACECLUSTER_CACHE"):
        graph_file(graph)


def test_ranges_are_what_convolutions_are_given_and_survive_a_file(graph: Graph, tmp_path: Path) -> None:
    model = openvino.Core().read_model(graph_file(graph))
    batches = [given(4), given(4) * 3 - 1]
    ranges = observe(model, batches)
    assert list(ranges) == ["first", "second"]
    low, high = min(b.min() for b in batches), max(b.max() for b in batches)
    np.testing.assert_allclose(ranges["first"], (low, high), rtol=1e-5)
    write_ranges(ranges, tmp_path / "ranges.json")
    for name, ends in read_ranges(tmp_path / "ranges.json").items():
        np.testing.assert_allclose(ends, ranges[name], rtol=1e-3, atol=1e-6)


def test_a_quantised_network_answers_nearly_the_same(graph: Graph, tmp_path: Path) -> None:
    model = openvino.Core().read_model(graph_file(graph))
    write_ranges(observe(model, [given(4)]), tmp_path / "ranges.json")
    quick = runtime.network(replace(graph, ranges=tmp_path / "ranges.json"), "cpu")
    right = expected(given(4))[0]
    assert np.abs(quick(given(4))[0] - right).max() < 0.05 * np.abs(right).max()


class Bright(nn.Module):
    """(N, 8, 8, 3) → (N, 16): sums over all pixels, as large as sums of that many can be."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 16, 6)
        for layer in (self.first, self.second):
            nn.init.constant_(layer.weight, 0.5)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.second(self.first(x.permute(0, 3, 1, 2)).relu())[..., 0, 0],)


def test_the_largest_sums_are_not_cut_off(graph: Graph, tmp_path: Path) -> None:
    write_ranges({"first": (0.0, 1.0), "second": (0.0, 13.5)}, tmp_path / "ranges.json")
    bright = replace(graph, name="bright", build=Bright, ranges=tmp_path / "ranges.json")
    (sums,) = runtime.network(bright, "cpu")(np.ones((4, 8, 8, 3), np.float32))
    np.testing.assert_allclose(sums, 13.5 * 0.5 * 32 * 36, rtol=0.01)


@pytest.mark.parametrize(
    ("bfloat16", "machine", "steps", "precision"),
    [(True, "x86_64", 127, "bf16"), (False, "AMD64", 64, "f32"), (False, "arm64", None, "f32")],
)
def test_the_number_format_is_the_processors(
    bfloat16: bool, machine: str, steps: int | None, precision: str, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: bfloat16)
    monkeypatch.setattr("platform.machine", lambda: machine)
    chosen, named = runtime.fastest(replace(graph, ranges=Path("ranges.json")))
    assert named == precision
    assert (chosen.weight_steps if chosen.ranges else None) == steps


def test_asking_in_bytes_first_pays_where_the_rest_is_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert runtime.bytes_are_quicker("cpu")
    assert not runtime.bytes_are_quicker("cuda")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not runtime.bytes_are_quicker("cpu")


def names_of(graph: Graph) -> set[str]:
    """Convolutions as ``quantise`` knows them."""
    model = openvino.Core().read_model(graph_file(replace(graph, ranges=None)))
    return set(observe(model, []))


QUANTISED = ("scout", "sieve", "facenet", "facenet-casia")


@pytest.mark.parametrize("name", QUANTISED)
def test_the_ranges_that_are_shipped_are_those_of_every_convolution_but_the_first_of_facenet(
    name: str, real_weights: Path
) -> None:
    hurried = {"scout": catalogue.scout, "sieve": catalogue.sieve}
    graph = hurried[name]() if name in hurried else catalogue.embedder(spec_of(name))
    assert graph.ranges is not None
    precise = {f"net.trunk.conv2d_{number}.conv" for number in ("1a", "2a", "2b", "3b")}
    assert read_ranges(graph.ranges).keys() == names_of(graph) - precise


def test_every_file_of_ranges_is_tested() -> None:
    files = Path(runtime.__file__).parent.glob("*_ranges.json")
    assert {file.name for file in files} == {f"{name}_ranges.json" for name in QUANTISED}


@pytest.mark.parametrize("steps", [20, 64, 127])
def test_the_largest_weight_is_so_many_steps_from_0(steps: int, graph: Graph) -> None:
    model = openvino.Core().read_model(graph_file(graph))
    node = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"][-1]
    largest = np.abs(node.input_value(1).get_node().data).max((1, 2, 3))
    quantise(model, {"second": (0.0, 2.0)}, steps)
    end = node.input_value(1).get_node().input_value(2).get_node().data.ravel()
    np.testing.assert_allclose(end, largest * 127 / steps, rtol=1e-6)


def test_ranges_of_other_layers_are_refused(graph: Graph) -> None:
    model = openvino.Core().read_model(graph_file(graph))
    with pytest.raises(WeightsError, match="no convolutions called third: "):
        quantise(model, {"second": (0.0, 2.0), "third": (0.0, 1.0)})


def test_a_convolution_without_a_range_is_left_alone(graph: Graph) -> None:
    model = openvino.Core().read_model(graph_file(graph))
    quantise(model, {"second": (0.0, 2.0)})
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert kinds.count("FakeQuantize") == 2


def test_out_of_memory_halves_the_batch_and_at_last_moves_to_the_processor(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, sizes = Gpu(Tiny(), "cpu"), []
    infer = Gpu._infer

    def short_of_memory(self: Gpu, part: Float32) -> list[Float32]:
        sizes.append(len(part))
        if len(sizes) < 5:
            raise torch.OutOfMemoryError
        return infer(self, part)

    monkeypatch.setattr(Gpu, "_infer", short_of_memory)
    np.testing.assert_allclose(net(given(9))[0], expected(given(9))[0], atol=1e-5)
    assert sizes[:5] == [9, 4, 2, 1, 1]
    assert net.device.type == "cpu"


def test_device_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.pick_device("cpu") == "cpu"
    assert gpu.best_device() == ("cuda" if torch.cuda.is_available() else "cpu")
    monkeypatch.setattr(runtime, "GPU_FILES", ("/dev/null",))
    assert runtime.pick_device("auto") == gpu.best_device()
    monkeypatch.setattr(runtime, "GPU_FILES", ())
    monkeypatch.setattr(sys, "platform", "linux")
    assert runtime.pick_device("auto") == "cpu"
    with pytest.raises(UsageError, match="no device 'tpu' here"):
        runtime.pick_device("tpu")


def test_openvino_does_not_report_to_its_makers() -> None:
    code = (
        "import sys; from facecluster.nets import runtime; from openvino.tools.ovc import telemetry_utils;"
        "sys.exit(telemetry_utils.tm.__name__ != 'openvino.tools.ovc.telemetry_stub')"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_given_may_lie_in_memory_in_any_order(real_weights: Path) -> None:
    net = runtime.network(catalogue.embedder(spec_of("facenet")), "cpu", exact=True)
    crops = np.random.default_rng(0).integers(0, 256, (8, 160, 160, 3)).astype(np.float32)
    (mirrored,) = net(crops[:, :, ::-1])
    (copied,) = net(np.ascontiguousarray(crops[:, :, ::-1]))
    assert np.array_equal(mirrored, copied)


class Pooled(nn.Module):
    """(N, 8, 8, 3) → maxima over windows whose last ones reach over the end, are cut off there, or are padded."""

    def __init__(self) -> None:
        super().__init__()
        self.over, self.cut = nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(3, 2)
        self.padded, self.both = nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(3, 3, 1, ceil_mode=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = x.permute(0, 3, 1, 2)
        return self.over(x), self.cut(x), self.padded(x), self.both(x)


def test_maxima_are_those_of_torch(graph: Graph) -> None:
    pooled, pixels = replace(graph, name="pooled", build=Pooled), given(4)
    with torch.inference_mode():
        wanted = [each.numpy() for each in Pooled()(torch.from_numpy(pixels))]
    assert [each.shape[2] for each in wanted] == [4, 3, 8, 3]
    for found, each in zip(runtime.network(pooled, "cpu", exact=True)(pixels), wanted, strict=True):
        np.testing.assert_array_equal(found, each)


def test_networks_are_compiled_one_at_a_time(real_weights: Path) -> None:
    """OpenVINO sets the process's locale meanwhile."""
    processors = [runtime.Processor(graph(), exact=True) for graph in (catalogue.refiner, catalogue.outputter)]
    inside: list[int] = []

    class Slow:
        def compile_model(self, *arguments: object) -> object:
            inside.append(1)
            together.append(len(inside))
            time.sleep(0.1)
            inside.pop()
            return openvino.Core().compile_model(*arguments)

    together: list[int] = []
    for processor in processors:
        processor._core = Slow()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: processors[i % 2]._place(2), range(4)))
    assert together == [1] * 4
