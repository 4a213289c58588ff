from __future__ import annotations

from pathlib import Path

import numpy as np

from facecluster.nets.tensorflow_graph import read_constants


def field(number: int, value: int | bytes | float) -> bytes:
    """One field of a protocol buffer: a varint, a message or string, or a 32-bit float."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + np.float32(value).tobytes()
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits[-1] |= 0x80
        digits.append(value & 0x7F)
    return bytes(digits)


def node(name: str, kind: int, shape: tuple[int, ...], content: bytes | float) -> bytes:
    sizes = b"".join(field(2, field(1, size)) for size in shape)
    last = field(4, content) if isinstance(content, bytes) else field(5, content)
    tensor = field(1, kind) + field(2, sizes) + last
    value = field(5, field(1, b"value") + field(2, field(8, tensor)))
    dtype = field(5, field(1, b"dtype") + field(2, field(6, kind)))
    return field(1, field(1, name.encode()) + field(2, b"Const") + dtype + value)


def test_float_constants_are_read_and_the_rest_is_passed_over(tmp_path: Path) -> None:
    weights = np.arange(2 * 3 * 50, dtype="<f4").reshape(2, 3, 50)
    (tmp_path / "graph.pb").write_bytes(
        node("a/weights", 1, weights.shape, weights.tobytes())
        + field(1, field(1, b"input") + field(2, b"Placeholder"))
        + node("shape", 3, (2,), np.array([1, 2], "<i4").tobytes())
        + node("scalar", 1, (), 0.5)
        + field(4, field(1, 440))
        + varint(9 << 3 | 1)  # fields that the reader does not know: of 8 bytes, and of 4
        + bytes(8)
        + field(9, 0.0)
        + node("b", 1, (1,), np.array([7], "<f4").tobytes())
    )
    constants = read_constants(tmp_path / "graph.pb")
    assert constants.keys() == {"a/weights", "b"}
    assert np.array_equal(constants["a/weights"], weights)
    assert constants["b"] == [7]
