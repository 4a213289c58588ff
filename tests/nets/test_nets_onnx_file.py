"""Constants of ONNX files, some of them in 8-bit integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from facecluster.nets.onnx_file import dequantised, read_onnx


@pytest.mark.parametrize(("axis", "block"), [(1, 4), (1, 3), (0, 2), (0, 3)])
def test_dequantised_equals_the_definition(axis: int, block: int) -> None:
    numbers = np.random.default_rng(0)
    values = numbers.integers(-128, 128, (5, 8)).astype(np.int8)
    blocks = [5, 8]
    blocks[axis] = -(-blocks[axis] // block)
    scale = numbers.uniform(0.1, 1, blocks).astype(np.float32)
    zero = numbers.integers(-128, 128, blocks).astype(np.int8)
    expected = np.zeros((5, 8), np.float32)
    for row in range(5):
        for column in range(8):
            place = (row // block, column) if axis == 0 else (row, column // block)
            expected[row, column] = (int(values[row, column]) - int(zero[place])) * scale[place]
    np.testing.assert_allclose(dequantised(values, scale, zero, axis, block), expected, rtol=1e-6)


def test_what_is_computed_of_constants_alone_is_constant(tmp_path: Path) -> None:
    values = np.arange(-4, 4, dtype=np.int8).reshape(2, 4)
    scale, zero = np.array([[0.5], [2.0]], np.float32), np.array([[1], [0]], np.int8)
    constants: dict[str, NDArray[Any]] = {
        "w_quantized": values,
        "s": scale,
        "z": zero,
        "shape": np.array([2, 1, 2, 2]),
        "b": np.ones(2),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w_quantized", "s", "z"], ["w_dequantized"], axis=1, block_size=4),
        helper.make_node("Reshape", ["w_dequantized", "shape"], ["w_reshaped"]),
        helper.make_node("Reshape", ["given", "shape"], ["other"]),
        helper.make_node("Conv", ["other", "w_reshaped", "b"], ["out"]),
    ]
    given = helper.make_tensor_value_info("given", onnx.TensorProto.FLOAT, [1, 8])
    out = helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "small", [given], [out], tensors)), tmp_path / "a.onnx")
    read, convolutions = read_onnx(tmp_path / "a.onnx")
    assert convolutions == [("w_reshaped", "b")]
    assert "other" not in read
    expected = [[[[-2.5, -2.0], [-1.5, -1.0]]], [[[0.0, 2.0], [4.0, 6.0]]]]
    np.testing.assert_array_equal(read["w_reshaped"], expected)
    np.testing.assert_array_equal(read["w"], read["w_dequantized"])
