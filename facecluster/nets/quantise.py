"""Convolutions in 8-bit integers: what a processor with instructions for them does twice as fast.

Weights are quantised symmetrically per output channel, what a convolution is given by one range per convolution
(Jacob et al., CVPR 2018, section 2.1). Ranges are observed on example faces (``benchmarks/fit_ranges.py``) and
kept beside this module; here they are only written into the graph, and OpenVINO does the rest.

Processors without instructions of their own for it (AVX2 without VNNI) add two products of an unsigned and a
signed byte in 16 bits, and what does not fit is cut off: 2 · 255 · 127 > 32,767. Weights of up to 64 steps always
fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

from facecluster.errors import WeightsError
from facecluster.nets.graphs import MOST_STEPS
from facecluster.records import Float32, UInt8

LEVELS, WEIGHT_LEVELS = 256, 255
"""Values of an unsigned and of a symmetric signed byte."""

Ranges = dict[str, tuple[float, float]]
"""Least and greatest value that each convolution is given, by the convolution's name."""


def observe(model: Any, batches: Iterable[Float32 | UInt8]) -> Ranges:
    """The ranges of what the convolutions of ``model`` (an ``openvino.Model``) are given for some inputs."""
    watched, first = model.clone(), len(model.outputs)
    sources = {name: node.input_value(0) for name, node in _convolutions(watched)}
    places = {_place(source): source for source in sources.values()}
    watched.add_outputs(list(places.values()))
    request = (
        openvino.Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    )
    ends = np.tile([np.inf, -np.inf], (len(places), 1))
    for batch in batches:
        request.infer([batch])
        for i, tensor in enumerate(request.output_tensors[first:]):
            ends[i] = min(ends[i, 0], tensor.data.min()), max(ends[i, 1], tensor.data.max())
    known = dict(zip(places, ends.tolist(), strict=True))
    return {name: tuple(known[_place(source)]) for name, source in sources.items()}


def quantise(model: Any, ranges: Ranges, weight_steps: int = MOST_STEPS) -> None:
    """Let the convolutions of ``model`` compute in 8 bits; one without a range stays as it is.

    The largest weight of an output channel is ``weight_steps`` steps from 0, up to 127. Raises ``WeightsError``
    for ranges of what is no convolution of the model.
    """
    room = MOST_STEPS / weight_steps
    done: dict[tuple[str, int], Any] = {}
    convolutions = list(_convolutions(model))
    if unknown := ranges.keys() - {name for name, _ in convolutions}:
        raise WeightsError(
            f"The network has no convolutions called {', '.join(sorted(unknown))}: this version of openvino names "
            "them otherwise; install the one before it."
        )
    for name, node in convolutions:
        if name in ranges:
            source = node.input_value(0)
            place = _place(source)
            if place not in done:
                done[place] = _quantised(source, *ranges[name], LEVELS)
            node.input(0).replace_source_output(done[place].output(0))
            weights = node.input_value(1)
            largest = room * _largest(weights.get_node())
            node.input(1).replace_source_output(_quantised(weights, -largest, largest, WEIGHT_LEVELS).output(0))
    model.validate_nodes_and_infer_types()


def read_ranges(file: Path) -> Ranges:
    """Ranges as ``write_ranges`` stored them."""
    return {name: (low, high) for name, (low, high) in json.loads(file.read_text("utf-8")).items()}


def write_ranges(ranges: Ranges, file: Path) -> None:
    """Store ranges as JSON, four significant digits."""
    rounded = {name: [float(f"{end:.4g}") for end in ends] for name, ends in ranges.items()}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(ends)}" for name, ends in rounded.items())
    file.write_text(f"{{\n{lines}\n}}\n", "utf-8")


def _convolutions(model: Any) -> Iterator[tuple[str, Any]]:
    """Name and node of each convolution; names are those of torch's modules."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution":
            yield node.get_friendly_name().split("/")[0].removeprefix("__module."), node


def _place(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _quantised(source: Any, low: Any, high: Any, levels: int) -> Any:
    ends = [ops.constant(np.asarray(end, np.float32)) for end in (low, high)]
    return ops.fake_quantize(source, *ends, *ends, levels)


def _largest(weights: Any) -> Float32:
    """The largest absolute weight of each output channel, (N, 1, 1, 1)."""
    largest: Float32 = np.abs(weights.data).max((1, 2, 3), keepdims=True)
    return np.maximum(largest, np.finfo(np.float32).tiny)
