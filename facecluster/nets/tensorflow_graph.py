"""Read the constants of a frozen TensorFlow graph, without TensorFlow.

The file is a protocol buffer, and of the whole format only a few fields are needed: tensorflow/core/framework,
``graph.proto``, ``node_def.proto``, ``attr_value.proto``, ``tensor.proto``. OpenCV reads such graphs too, but
of its recent versions some crash on FaceNet's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facecluster.records import Float32

# Field numbers of the messages above.
GRAPH_NODE = 1
NODE_NAME, NODE_ATTRIBUTE = 1, 5
ENTRY_KEY, ENTRY_VALUE = 1, 2
VALUE_TENSOR = 8
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT = 1, 2, 4
SHAPE_DIMENSION = 2
DIMENSION_SIZE = 1

FLOAT32 = 1
"""``DT_FLOAT`` of ``types.proto``."""


def read_constants(graph: Path) -> dict[str, Float32]:
    """The float32 arrays of a frozen graph by node name, in TensorFlow's order of axes.

    Constants of other types, and those written as a single repeated number, are left out.
    """
    constants = {}
    for node in _messages(memoryview(graph.read_bytes()), GRAPH_NODE):
        for entry in _messages(node, NODE_ATTRIBUTE):
            if bytes(_first(entry, ENTRY_KEY)) == b"value":
                for tensor in _messages(_first(entry, ENTRY_VALUE), VALUE_TENSOR):
                    if (array := _array(tensor)) is not None:
                        constants[bytes(_first(node, NODE_NAME)).decode()] = array
    return constants


def _array(tensor: memoryview) -> Float32 | None:
    content = next(_messages(tensor, TENSOR_CONTENT), None)
    if content is None or _number(tensor, TENSOR_TYPE) != FLOAT32:
        return None
    dimensions = _messages(_first(tensor, TENSOR_SHAPE), SHAPE_DIMENSION)
    shape = [_number(dimension, DIMENSION_SIZE) for dimension in dimensions]
    return np.frombuffer(content, "<f4").reshape(shape)


def _messages(message: memoryview, field: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == field and isinstance(value, memoryview):
            yield value


def _first(message: memoryview, field: int) -> memoryview:
    return next(_messages(message, field))


def _number(message: memoryview, field: int) -> int:
    return next(value for number, value in _fields(message) if number == field and isinstance(value, int))


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    # Each field is a key (number and wire type) and a value: a varint, 8 bytes, a length and bytes, or 4 bytes.
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == 2:
            length, place = _varint(message, place)
        else:
            length = {1: 8, 5: 4}[wire]
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    # Seven bits a byte, lowest first; the eighth bit says that more follow.
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
