"""The networks that can be trained: how to build each, and how to freeze its first blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import nn

from facecluster.errors import UsageError
from facecluster.nets import mobilefacenet, nn1, nn2
from facecluster.nets.facenet import FaceNet, Head
from facecluster.nets.layers import he

TRUNK = (
    *("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a", "conv2d_4b"),
    *("repeat_1", "mixed_6a", "repeat_2", "mixed_7a", "repeat_3", "block8"),
)
"""The blocks of InceptionResnetV1 before its last layer, by facenet-pytorch's names: ``repeat_1`` to ``repeat_3``
are the Inception-ResNet modules A, B and C."""


class Build(Protocol):
    """Makes a network with random weights whose embeddings have ``dimension`` numbers."""

    def __call__(self, dimension: int = 128) -> nn.Module:
        """The network, in training mode, float32."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network: (N, 3, size, size) RGB, (x - 127.5) / 128 → (N, dimension), both float32; unit vectors.

    ``blocks`` are what can be frozen, in the order in which they are computed: for each name the modules, by
    dotted name, that hold its parameters. Every parameter is in exactly one block.
    """

    name: str
    size: int
    build: Build
    blocks: Mapping[str, tuple[str, ...]] = field(hash=False)
    source: str


def build_facenet(dimension: int = 128) -> FaceNet:
    """A FaceNet with random weights; its head is a plain layer of them, and there is none for 512 dimensions.

    He initialisation; the head takes unit vectors, whose numbers it keeps at their size.
    """
    net = FaceNet(dimension)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            he(module)
        elif isinstance(module, Head):
            nn.init.normal_(module.projection, std=len(module.projection) ** -0.5)
    return net


def _alone(*names: str) -> dict[str, tuple[str, ...]]:
    """Blocks that are a module of the same name."""
    return {name: (name,) for name in names}


ARCHITECTURES: dict[str, Architecture] = {
    each.name: each
    for each in (
        Architecture(
            name="facenet",
            size=160,
            build=build_facenet,
            blocks={
                **{name: (f"trunk.{name}",) for name in TRUNK},
                "last": ("trunk.last_linear", "trunk.last_bn"),
                "head": ("head",),
            },
            source="Inception-ResNet v1 (Szegedy et al. 2017) and a linear head",
        ),
        Architecture("nn1", 220, nn1.NN1, _alone(*nn1.BLOCKS), "FaceNet (Schroff et al. 2015), table 1"),
        Architecture("nn2", 224, nn2.NN2, _alone(*nn2.BLOCKS), "FaceNet (Schroff et al. 2015), table 2"),
        Architecture(
            name="mobilefacenet",
            size=112,
            build=mobilefacenet.MobileFaceNet,
            blocks=_alone(*mobilefacenet.BLOCKS),
            source="MobileFaceNets (Chen et al. 2018), table 1",
        ),
    )
}


def architecture_of(name: str) -> Architecture:
    """The architecture called ``name``; raises :class:`UsageError` naming the known ones when there is none."""
    if name not in ARCHITECTURES:
        raise UsageError(f"There is no architecture called {name!r}; there are {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def freeze(net: nn.Module, architecture: Architecture, upto: str | None = None) -> list[nn.Parameter]:
    """The parameters of ``net`` that are left to train, in its own order, when those up to ``upto`` are frozen.

    Everything up to and including the block ``upto`` stops asking for gradients, everything behind it asks for
    them; None freezes nothing. Put the network into training mode with :func:`training_mode`, not with
    ``net.train()``, whose batch norm would go on learning the statistics of frozen blocks. Raises
    :class:`UsageError` naming the blocks when ``upto`` is none of them, or nothing is left behind it.
    """
    names = list(architecture.blocks)
    first = 0 if upto is None else names.index(upto) + 1 if upto in names else len(names)
    for index, name in enumerate(names):
        for module in architecture.blocks[name]:
            net.get_submodule(module).requires_grad_(index >= first)
    left = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if not left:
        blocks = ", ".join(names[:-1])
        raise UsageError(f"{architecture.name} cannot be frozen up to {upto!r}; choose one of {blocks}.")
    return left


def training_mode(net: nn.Module, *, batch_norm: bool = True) -> None:
    """``net.train()`` for all but frozen modules, which stay in evaluation mode; call it before every epoch.

    A module is frozen when it has parameters, its children's included, and none of them asks for a gradient: its
    batch norm keeps its statistics, its dropout drops nothing. Without ``batch_norm`` no batch norm learns
    statistics: what it adds and multiplies is still trained where it is not frozen.
    """
    net.train()
    for module in net.modules():
        parameters = list(module.parameters())
        frozen = bool(parameters) and not any(each.requires_grad for each in parameters)
        if frozen or (not batch_norm and isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)):
            module.eval()
