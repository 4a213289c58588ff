"""NN1: FaceNet's first network, that of Zeiler and Fergus with 1 × 1 convolutions between its layers.

F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
CVPR 2015, section 3.3 and table 1; after M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional
Networks", ECCV 2014, and M. Lin, Q. Chen, S. Yan, "Network in Network", ICLR 2014.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.nets.cost import Printed
from facecluster.nets.layers import (
    Maxout,
    convolution,
    first_convolution,
    last_layer,
    local_response_norm,
    max_pool,
)

TABLE = {
    "conv1": Printed((110, 110, 64), "9K", "115M"),
    "pool1": Printed((55, 55, 64)),
    "rnorm1": Printed((55, 55, 64)),
    "conv2a": Printed((55, 55, 64), "4K", "13M"),
    "conv2": Printed((55, 55, 192), "111K", "335M"),
    "rnorm2": Printed((55, 55, 192)),
    "pool2": Printed((28, 28, 192)),
    "conv3a": Printed((28, 28, 192), "37K", "29M"),
    "conv3": Printed((28, 28, 384), "664K", "521M"),
    "pool3": Printed((14, 14, 384)),
    "conv4a": Printed((14, 14, 384), "148K", "29M"),
    "conv4": Printed((14, 14, 256), "885K", "173M"),
    "conv5a": Printed((14, 14, 256), "66K", "13M"),
    "conv5": Printed((14, 14, 256), "590K", "116M"),
    "conv6a": Printed((14, 14, 256), "66K", "13M"),
    "conv6": Printed((14, 14, 256), "590K", "116M"),
    "pool4": Printed((7, 7, 256)),
    "fc1": Printed((1, 32, 128), "103M", "103M"),
    "fc2": Printed((1, 32, 128), "34M", "34M"),
    "fc7128": Printed((1, 1, 128), "524K", "0.5M"),
}
"""Table 1 by the names of the layers; its concatenation between pool4 and fc1 changes nothing."""

TOTAL = Printed((1, 1, 128), "140M", "1.6B")

BLOCKS = tuple(name for name, row in TABLE.items() if row.parameters)


class NN1(nn.Sequential):
    """(N, 3, 220, 220) RGB, (x - 127.5) / 128 → (N, dimension) float32, unit length."""

    def __init__(self, dimension: int = 128) -> None:
        super().__init__(OrderedDict([*_convolutions(), *_fully_connected(dimension)]))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of a batch of normalised crops."""
        for layer in self:
            x = layer(x)
        return normalize(x.float())


def _convolutions() -> list[tuple[str, nn.Module]]:
    return [
        ("conv1", first_convolution()),
        ("pool1", max_pool(2)),
        ("rnorm1", local_response_norm()),
        ("conv2a", convolution(64, 64, 1)),
        ("conv2", convolution(64, 192, 3)),
        ("rnorm2", local_response_norm()),
        ("pool2", max_pool(2)),
        ("conv3a", convolution(192, 192, 1)),
        ("conv3", convolution(192, 384, 3)),
        ("pool3", max_pool(2)),
        ("conv4a", convolution(384, 384, 1)),
        ("conv4", convolution(384, 256, 3)),
        ("conv5a", convolution(256, 256, 1)),
        ("conv5", convolution(256, 256, 3)),
        ("conv6a", convolution(256, 256, 1)),
        ("conv6", convolution(256, 256, 3)),
        ("pool4", max_pool(2)),
    ]


def _fully_connected(dimension: int) -> list[tuple[str, nn.Module]]:
    return [
        ("concat", nn.Flatten()),
        ("fc1", Maxout(7 * 7 * 256, 32 * 128)),
        ("fc2", Maxout(32 * 128, 32 * 128)),
        ("fc7128", last_layer(32 * 128, dimension)),
    ]
