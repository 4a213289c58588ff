"""Networks as OpenVINO's files: made from torch's modules once, then kept in the cache folder.

A network is a folder of three files: ``net.xml`` (layers), ``net.bin`` (weights) and ``sha256`` (of both), so a
damaged one is noticed and made again. Folders are named after the network and the ``key`` of its weights.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facecluster.errors import WeightsError
from facecluster.nets.weights import cache_folder, sha256_of

if TYPE_CHECKING:
    from torch import nn

MOST_STEPS, SAFE_STEPS = 127, 64
"""The largest weight of a quantised layer in steps: as a byte has it, and as sums fit into 16 bits."""

LAYOUT = "10"
"""Version of the modules' inputs, outputs and layers; networks of another version are made again."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A network that can be had: ``build`` makes torch's module, ``key`` names its weights (letters and digits).

    The module maps (N, …) float32 to one or several (N, …) float32. ``shape`` is that of its input on a
    processor: how many are computed together is a matter of speed alone. ``whole`` says that what it is given is
    in bytes, uint8; ``slow`` that it takes milliseconds for each, too long to fill a batch up with zeros.
    ``wide`` are the sizes of a batch on processors with bfloat16.
    ``ranges`` is the file by which it can be quantised, then with weights of up to
    ``weight_steps``; see ``nets.quantise``.
    """

    name: str
    key: str
    shape: tuple[int, ...]
    build: Callable[[], nn.Module]
    whole: bool = False
    slow: bool = False
    wide: tuple[int, ...] = ()
    ranges: Path | None = None
    weight_steps: int = MOST_STEPS

    @property
    def label(self) -> str:
        """Another one for every file that can be made of the network."""
        parts = [self.name, self.key, "x".join(map(str, self.shape)), LAYOUT]
        parts += ["bytes"] * self.whole
        if self.ranges:
            parts += [sha256_of(self.ranges)[:16]] + [f"s{self.weight_steps}"] * (self.weight_steps < MOST_STEPS)
        return "-".join(parts)


def graph_file(graph: Graph, cache: Path | None = None) -> Path:
    """The network's ``net.xml``, made first if it is not there or damaged: quantised if ``graph`` has ranges.

    Raises ``WeightsError``.
    """
    folder = (cache or cache_folder()) / "graphs" / graph.label
    if not _is_whole(folder):
        _store(graph, folder)
    return folder / "net.xml"


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / "sha256").read_text("ascii") == _checksum(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _checksum(folder: Path) -> str:
    both = sha256_of(folder / "net.xml") + sha256_of(folder / "net.bin")
    return hashlib.sha256(both.encode()).hexdigest()


def _store(graph: Graph, folder: Path) -> None:
    """Write the folder whole or not at all: several processes may do so at once, and the last one wins."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as place:
            part = Path(place) / "new"
            part.mkdir()
            _convert(graph, part)
            (part / "sha256").write_text(_checksum(part), "ascii")
            if folder.exists():
                folder.rename(Path(place) / "old")
            part.rename(folder)
    except OSError as error:
        if not _is_whole(folder):
            raise WeightsError(
                f"Networks cannot be stored in {folder.parent} ({error}); "
                "set FACECLUSTER_CACHE to a folder that can be written."
            ) from error


def _convert(graph: Graph, folder: Path) -> None:
    import openvino  # these are needed only the first time, and take seconds
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    module = graph.build().eval().requires_grad_(False)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch's tracer remarks on shapes that are constant here by design
        reader = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(module, example_input=torch.zeros(graph.shape))
        model = reader.convert(reader.load(decoder))
    model.reshape(list(graph.shape))
    if graph.whole:
        bytewise = openvino.preprocess.PrePostProcessor(model)
        bytewise.input().tensor().set_element_type(openvino.Type.u8)
        model = bytewise.build()
    if graph.ranges:
        from facecluster.nets.quantise import quantise, read_ranges

        quantise(model, read_ranges(graph.ranges), graph.weight_steps)
    else:
        _pool_maxima_alone(model)
    openvino.save_model(model, folder / "net.xml", compress_to_fp16=False)


def _pool_maxima_alone(model: Any) -> None:
    """Let maximum pooling no longer say where the maxima were, which nobody asks: in float32 that costs time."""
    from openvino import opset1

    for node in model.get_ordered_ops():
        how = node.get_attributes()
        if node.get_type_name() == "MaxPool" and not any(how["pads_begin"] + how["pads_end"]):
            ends = how["rounding_type"].removesuffix("_torch")  # which is about padding
            sizes = (how[name] for name in ("strides", "pads_begin", "pads_end", "kernel"))
            alone = opset1.max_pool(node.input_value(0), *sizes, ends, how["auto_pad"])
            for place in node.output(0).get_target_inputs():
                place.replace_source_output(alone.output(0))
    model.validate_nodes_and_infer_types()
