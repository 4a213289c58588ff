"""A trained model as one file: the network's tensors in 8 bits, and its card.

Weights of convolutions and linear layers are int8, symmetric per output channel (Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2.1): a weight is
``steps * scale``, with the scales beside it under ``NAME.scale``. Everything else is float32. The file is
safetensors, with the card, the SHA-256 of the tensors as stored, and one of both as labels, so that damage is
noticed. Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import WeightsError
from facecluster.nets.card import Card, from_json, to_json
from facecluster.nets.tensors import (
    TROUBLE,
    Arrays,
    Tensors,
    content_sha256,
    read_labels,
    read_tensors,
    write_tensors,
)
from facecluster.records import Float32

Int8 = NDArray[np.int8]

LAYOUT = "1"
"""Version of how tensors are stored; files of another one are refused."""

SCALE = ".scale"

SMALL = 512
"""Tensors of up to so many values stay float32: it is not worth the loss."""

COLUMNS = ("head.projection",)
"""Weights whose output channels are their columns, not their rows."""


def quantise(array: Float32, axis: int = 0) -> tuple[Int8, Float32]:
    """A weight as steps of -127..127 and the size of a step for each output channel, its index on ``axis``.

    The scale has the weight's number of axes, all of length 1 but ``axis``. A channel of zeros has the scale 0.
    A weight is off by half a step of its channel at most.
    """
    others = tuple(i for i in range(array.ndim) if i != axis)
    scale = (np.abs(array).max(axis=others, keepdims=True, initial=0) / 127).astype(np.float32)
    steps = np.rint(array / np.where(scale > 0, scale, 1))
    return np.clip(steps, -127, 127).astype(np.int8), scale


def dequantise(steps: Int8, scale: Float32) -> Float32:
    """The weight that :func:`quantise` made steps of, to half a step."""
    return steps.astype(np.float32) * scale


def write_model(arrays: Arrays, card: Card, file: Path) -> None:
    """Store a network's tensors by ``state_dict`` name, with its card: whole, or not at all.

    Raises :class:`WeightsError` when a number is not finite, or the file cannot be written.
    """
    stored: Tensors = {}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{card.name} is not stored: {name} holds numbers that are not finite.")
        stored |= _stored(name, np.asarray(array, np.float32, order="C"))
    _write(stored, card, file)


def copy_model(file: Path, to: Path, card: Card | None = None) -> Path:
    """Store a model's file, checked, at another place, its tensors bit by bit the same; returns the place.

    ``card`` replaces the model's. Raises :class:`WeightsError`.
    """
    stored, own, _ = _read(file)
    _write(stored, card or own, to)
    return to


def read_model(file: Path, content: str | None = None) -> tuple[Arrays, Card]:
    """The float32 tensors by ``state_dict`` name, and the card.

    Raises :class:`WeightsError` when the file is not a trained model, is damaged, or is not the one with the
    SHA-256 ``content``.
    """
    stored, card, found = _read(file)
    if content not in (None, found):
        raise WeightsError(f"{file} is another model than the one that was asked for: it was changed meanwhile.")
    arrays = {
        name: dequantise(array, stored[name + SCALE]) if array.dtype == np.int8 else array.astype(np.float32)
        for name, array in stored.items()
        if not (name.endswith(SCALE) and name.removesuffix(SCALE) in stored)
    }
    return arrays, card


def read_card(file: Path) -> tuple[Card, str]:
    """The card, and the SHA-256 of the tensors as the file tells it; quick, because these are not read.

    Raises :class:`WeightsError` as ``read_model`` does.
    """
    try:
        labels = read_labels(file)
    except TROUBLE as error:
        raise _unreadable(file, error) from error
    return _card(labels, file), labels["content"]


def _read(file: Path) -> tuple[Tensors, Card, str]:
    """What is stored, the card, and the SHA-256 of the tensors, which was compared."""
    try:
        stored, labels = read_tensors(file)
    except TROUBLE as error:
        raise _unreadable(file, error) from error
    card = _card(labels, file)
    whole = all(name + SCALE in stored for name, array in stored.items() if array.dtype == np.int8)
    if not whole or content_sha256(stored) != labels["content"]:
        raise _damaged(file)
    return stored, card, labels["content"]


def _card(labels: dict[str, str], file: Path) -> Card:
    if "card" not in labels:
        raise WeightsError(f"{file} is not a model made by `facecluster train`: it has no card.")
    if labels.get("layout") != LAYOUT:
        raise WeightsError(f"{file} was made by a newer facecluster: update this one.")
    if labels.get("checksum") != _checksum(labels["card"], labels.get("content", "")):
        raise _damaged(file)
    try:
        return from_json(labels["card"])
    except ValueError as error:
        raise WeightsError(f"{file} holds a model that this version cannot use: {error}.") from error


def _stored(name: str, array: Float32) -> Tensors:
    if array.ndim < 2 or array.size <= SMALL:
        return {name: array}
    steps, scale = quantise(array, axis=1 if name in COLUMNS else 0)
    return {name: steps, name + SCALE: scale}


def _write(stored: Tensors, card: Card, file: Path) -> None:
    labels = {"card": to_json(card), "content": content_sha256(stored), "layout": LAYOUT}
    labels["checksum"] = _checksum(labels["card"], labels["content"])
    try:
        write_tensors(stored, file, labels)
    except TROUBLE as error:
        raise WeightsError(f"The model cannot be stored in {file.parent} ({error}).") from error


def _checksum(card: str, content: str) -> str:
    return hashlib.sha256(f"{LAYOUT} {content} {card}".encode()).hexdigest()


def _unreadable(file: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{file} cannot be read as a trained model ({error}).")


def _damaged(file: Path) -> WeightsError:
    return WeightsError(f"{file} is damaged: take it from a backup, or train the model again.")
