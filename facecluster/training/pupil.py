"""The network that is to learn: a kind of network, and what it knows already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast, get_args

import torch
from torch import nn

from facecluster.errors import UsageError
from facecluster.nets.architectures import Architecture, architecture_of
from facecluster.nets.card import Crop
from facecluster.nets.facenet import FaceNet, Head
from facecluster.nets.folding import fold_batch_norm, folded_arrays, unfolded_arrays
from facecluster.nets.specs import spec_of
from facecluster.nets.tensors import Arrays
from facecluster.nets.trainable import arrays_of, network_of

DIMENSION = 128

CROP: Crop = "box 36/160"
"""What a network is shown that begins with random weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Pupil:
    """A network to be trained: ``net`` maps (N, 3, S, S) to unit vectors (N, D), S being its ``kind``'s size.

    If it knows something already, its batch norm is folded away, since it would stay as it is; ``whole`` is then
    the network that it was.

    ``crop`` is what it is shown of a chip. ``start`` is the model that it was, None for
    random weights.
    """

    net: nn.Module
    kind: Architecture
    crop: Crop = CROP
    start: str | None = None
    whole: nn.Module | None = None


def pupil(arch: str, start: str | None, seed: int, device: str = "cpu", crop: str | None = None) -> Pupil:
    """The network of kind ``arch`` as the model ``start`` has it, or with random weights from ``seed``.

    Its crop is that of ``start``, or ``CROP``, unless ``crop`` names another. Raises ``UsageError`` for an unknown
    kind, model or crop, or when the model is of another kind; ``WeightsError``.
    """
    kind = architecture_of(arch)
    if crop is not None and crop not in get_args(Crop):
        raise UsageError(f"There is no crop called {crop}: choose one of {', '.join(get_args(Crop))}.")
    if start is None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = kind.build(DIMENSION)
    else:
        if spec_of(start).arch != arch:
            raise UsageError(
                f"The model {start} is no {arch}, so a {arch} cannot begin with its weights: "
                "give another --start, or --start none for random weights."
            )
        net = _with_head(network_of(arch, arrays_of(spec_of(start))))
    shown = crop or (spec_of(start).crop if start else CROP)
    if start is None:
        return Pupil(net.to(device), kind, cast(Crop, shown))
    learning = fold_batch_norm(net.eval()).requires_grad_(True)
    return Pupil(learning.to(device), kind, cast(Crop, shown), start, net)


def pupil_of(arrays: Arrays, like: Pupil, device: str) -> Pupil:
    """A pupil of the same kind with other tensors."""
    return replace(like, net=network_of(like.kind.name, arrays).to(device), whole=None)


def arrays_of_pupil(pupil: Pupil) -> Arrays:
    """The tensors of a pupil as its kind names them, its batch norm folded away."""
    return unfolded_arrays(pupil.net, pupil.whole) if pupil.whole is not None else folded_arrays(pupil.net)


def _with_head(net: nn.Module) -> nn.Module:
    """A network, with a head to 128-D where it is a FaceNet without one: it keeps the first 128 dimensions."""
    if isinstance(net, FaceNet) and isinstance(net.head, nn.Identity):
        net.head = Head(DIMENSION)
    return net
