"""Networks that run: OpenVINO on a processor, torch on a GPU, called in the same way.

OpenVINO runs the networks of this project two to three times as fast as torch does on a processor, and is loaded
in a fraction of the time: there, torch is imported only once, to make the files that OpenVINO reads.
"""

from __future__ import annotations

import platform
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import openvino
from llvmlite.binding import get_host_cpu_features

from facecluster.errors import UsageError
from facecluster.nets.graphs import SAFE_STEPS, Graph, graph_file
from facecluster.nets.weights import cache_folder
from facecluster.records import Float32, UInt8

GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
"""One of these is there where Linux can use a GPU for computing."""


BFLOAT16 = "amx-bf16", "avx512bf16"
"""LLVM's names for what a processor of Intel's kind has that computes in it."""

ONE_CALL = {"NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}

COMPILING = Lock()
"""One at a time in a process: OpenVINO sets the locale to C meanwhile, and two at once may leave it so."""


class Network(Protocol):
    """A network on a device: (N, …) to its results, each (N, …) float32; may be called by many threads.

    It is given float32, or uint8 where its graph says so.
    """

    def __call__(self, given: Float32 | UInt8, /) -> list[Float32]: ...  # noqa: D102


class Processor:
    """A network on the processor. Each call uses ``threads`` cores: one, where several calls run at a time.

    It computes in float32 if ``exact``, else in what ``fastest`` says.

    Each call that runs at the same time as others has a compiled network of its own: what OpenVINO shares between
    threads it hands to threads of its own, and waking them up takes as long as a small network.
    """

    def __init__(self, graph: Graph, *, exact: bool = False, threads: int = 1) -> None:
        graph, precision = (replace(graph, ranges=None), "f32") if exact else fastest(graph)
        self._core = openvino.Core()
        self._core.set_property({"CACHE_DIR": str(cache_folder() / "compiled")})
        file = graph_file(graph)
        with COMPILING:
            self._model = self._core.read_model(file)
        self._options = ONE_CALL | {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        self._shape = graph.shape[1:]
        self._batches = _batches(graph)
        self._idle: dict[int, deque[_Place]] = {batch: deque() for batch in self._batches}
        first = self._place(self._batches[-1])  # an error should come now
        self._idle[self._batches[-1]].append(first)
        self._results = [result.shape[1:] for result in first.results]

    def __call__(self, given: Float32 | UInt8) -> list[Float32]:
        """The results for any number of inputs: as many at a time as it can, zeros filling up the last few."""
        count, done = len(given), 0
        results = [np.empty((count, *shape), np.float32) for shape in self._results]
        for batch in self._batches:
            least = batch == self._batches[-1]
            end = count if least else done + (count - done) // batch * batch
            if done < end:
                self._compute(batch, given[done:end], [result[done:end] for result in results])
            done = end
        return results

    def _compute(self, batch: int, given: Float32 | UInt8, into: list[Float32]) -> None:
        place = self._borrow(batch)
        try:
            for i in range(0, len(given), batch):
                place.infer(given[i : i + batch], [each[i : i + batch] for each in into])
        finally:
            self._idle[batch].append(place)

    def _borrow(self, batch: int) -> _Place:
        try:
            return self._idle[batch].pop()
        except IndexError:
            return self._place(batch)

    def _place(self, batch: int) -> _Place:
        with COMPILING:
            self._model.reshape([batch, *self._shape])
            compiled = self._core.compile_model(self._model, "CPU", self._options)
        return _Place(compiled)


class _Place:
    """A compiled network with memory of its own for a batch: to hand it over takes as long as a small layer."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._given, *self.results = (
            np.zeros(port.shape, port.element_type.to_dtype()) for port in (*compiled.inputs, *compiled.outputs)
        )
        self._request.set_input_tensor(openvino.Tensor(self._given, shared_memory=True))
        for i, result in enumerate(self.results):
            self._request.set_output_tensor(i, openvino.Tensor(result, shared_memory=True))

    def infer(self, part: Float32 | UInt8, into: list[Float32]) -> None:
        """The results for up to a batch; of what fills it up, anything comes out, and nobody asks."""
        if part.shape[1:] != self._given.shape[1:]:
            raise ValueError(f"the network takes {self._given.shape[1:]}, not {part.shape[1:]}")
        np.copyto(self._given[: len(part)], part, casting="same_kind")
        self._request.infer()
        for result, place in zip(self.results, into, strict=True):
            place[:] = result[: len(part)]


def _batches(graph: Graph) -> tuple[int, ...]:
    """How many inputs may be computed together on this processor, most first."""
    sizes = graph.wide if graph.wide and has_bfloat16() else graph.shape[:1]
    return tuple(sorted({*sizes, *([1] if graph.slow else [])}, reverse=True))


def network(graph: Graph, device: str, *, exact: bool = False, threads: int = 1) -> Network:
    """``graph`` on ``device``, a name that ``pick_device`` returned. Raises ``WeightsError``.

    ``threads`` are the cores of a processor that one call uses.

    Unless ``exact``, it computes in the fastest number format that serves: see ``Processor`` and ``Gpu``.
    """
    if device == "cpu":
        return Processor(graph, exact=exact, threads=threads)
    from facecluster.nets.gpu import Gpu

    return Gpu(graph.build(), device, exact=exact)


def pick_device(wanted: str) -> str:
    """A device's name: ``auto`` is CUDA, else Apple's MPS, else the CPU; any other name is the device itself.

    Raises ``UsageError`` when torch knows no such device or this machine has none.
    """
    if wanted == "cpu" or (wanted == "auto" and not _gpu_is_possible()):
        return "cpu"
    from facecluster.nets.gpu import best_device, is_here

    if wanted == "auto":
        return best_device()
    if not is_here(wanted):
        raise UsageError(f"There is no device {wanted!r} here; --device auto takes the best that there is.")
    return wanted


def fastest(graph: Graph) -> tuple[Graph, str]:
    """``graph`` as this processor runs it fastest, and OpenVINO's name for the number format of its layers.

    Where the network has ranges, its convolutions are in 8-bit integers, and the rest in bfloat16 where there are
    instructions for it, else in float32. Processors that have those have some for bytes, too. Others of Intel's
    kind may have none, so there weights have fewer steps (see ``nets.quantise``); on other kinds, float32 it is.
    """
    if has_bfloat16():
        return graph, "bf16"
    return replace(graph, weight_steps=SAFE_STEPS) if _is_x86() else replace(graph, ranges=None), "f32"


def bytes_are_quicker(device: str) -> bool:
    """Whether 8-bit integers are so much quicker there than float32 that asking in them first pays."""
    return device == "cpu" and _is_x86()


def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16.

    With AVX-512 alone, OpenVINO imitates it, in several times the time that float32 takes.
    """
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    return not _is_x86() or any(get_host_cpu_features().get(name) for name in BFLOAT16)


def _is_x86() -> bool:
    return platform.machine().lower() in {"x86_64", "amd64"}


def _gpu_is_possible() -> bool:
    """Whether it is worth importing torch, which takes seconds, to ask for a GPU."""
    return sys.platform != "linux" or any(Path(name).exists() for name in GPU_FILES)
