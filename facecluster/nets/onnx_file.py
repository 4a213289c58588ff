"""Weights out of ONNX files, with those in block-wise 8-bit integers made float32 again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facecluster.records import Float32

Int8 = NDArray[np.int8]

Tensors = dict[str, NDArray[Any]]


def read_onnx(model: Path) -> tuple[Tensors, list[tuple[str, ...]]]:
    """The constant tensors by name, and the names of the weight and any bias of each convolution, in order.

    What is computed from constants alone, by DequantizeLinear and Reshape, counts as constant.
    """
    import onnx  # comes with the extra, and only the conversion needs it

    graph = onnx.load(model).graph
    tensors: Tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            options = {option.name: option.i for option in node.attribute}
            values, scale, zero = (tensors[name] for name in node.input)
            constant = dequantised(values, scale, zero, options["axis"], options["block_size"])
            tensors[node.output[0]] = tensors[node.output[0].removesuffix("_dequantized")] = constant
        elif node.op_type == "Reshape" and all(name in tensors for name in node.input):
            values, shape = (tensors[name] for name in node.input)
            tensors[node.output[0]] = values.reshape(shape)
        elif node.op_type == "Conv":
            convolutions.append(tuple(node.input[1:]))
    return tensors, convolutions


def dequantised(values: Int8, scale: Float32, zero: Int8, axis: int, block: int) -> Float32:
    """Undo block-wise quantisation: each run of ``block`` values along ``axis`` has its own scale and zero.

    ONNX operator DequantizeLinear, version 21: ``(values - zero) * scale``. The last block may be shorter.
    """
    block_of = np.arange(values.shape[axis]) // block
    steps = values.astype(np.float32) - zero.take(block_of, axis)
    return steps * scale.take(block_of, axis)
