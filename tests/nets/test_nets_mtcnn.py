"""MTCNN's nets as we run them, against facenet-pytorch's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn

from facecluster.nets import mtcnn


def grey_levels(*shape: int) -> Tensor:
    """Random colours, and a fourth channel that says that they are a picture."""
    pixels = torch.rand(*shape, 4, generator=torch.Generator().manual_seed(1)) * 255
    pixels[..., 3] = 255
    return pixels


def normalised(pixels: Tensor) -> Tensor:
    return (pixels[..., :3].permute(0, 3, 1, 2) - 127.5) / 128


def test_judges_answer_as_the_original_nets() -> None:
    with torch.inference_mode():
        for judge, net, size in ((mtcnn.refine(), RNet(), 24), (mtcnn.output(), ONet(), 48)):
            pixels = grey_levels(7, size, size)
            *rest, both = net.eval()(normalised(pixels))
            *found, log_odds = judge(pixels)
            torch.testing.assert_close(
                (*found, torch.sigmoid(log_odds)), (*rest, both[:, 1]), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("shape", [(12, 12), (13, 12), (21, 34), (35, 33)])
def test_proposer_answers_as_p_net_on_a_picture_with_nothing_around(shape: tuple[int, int]) -> None:
    """Also at the end of odd sides, where the original takes the maximum of half a cell."""
    picture = grey_levels(1, *shape)
    around = torch.zeros(1, 40, 40, 4)
    around[:, : shape[0], : shape[1]] = picture
    with torch.inference_mode():
        offsets, both = PNet().eval()(normalised(picture))
        rows, columns = both.shape[2:]
        moved, face = mtcnn.propose().eval()(around)
    torch.testing.assert_close(moved[..., :rows, :columns], offsets, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.sigmoid(face[:, :rows, :columns]), both[:, 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", [mtcnn.scout, mtcnn.fine_scout])
def test_scout_answers_as_p_net(build: Callable[[], nn.Module]) -> None:
    picture = grey_levels(2, 34, 40)
    with torch.inference_mode():
        _, both = PNet().eval()(normalised(picture))
        (seen,) = build().eval()(picture)
    torch.testing.assert_close(torch.sigmoid(seen), both[:, 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", [mtcnn.sieve, mtcnn.fine_sieve])
def test_sieve_answers_as_r_net(build: Callable[[], nn.Module]) -> None:
    pixels = grey_levels(7, 24, 24)
    with torch.inference_mode():
        _, both = RNet().eval()(normalised(pixels))
        (seen,) = build().eval()(pixels)
    torch.testing.assert_close(torch.sigmoid(seen), both[:, 1], rtol=1e-4, atol=1e-4)


def test_what_lies_outside_is_further_away_than_any_value_of_the_first_map() -> None:
    net = PNet()
    with torch.no_grad():
        reach = net.conv1.weight.abs().sum((1, 2, 3)) + net.conv1.bias.abs()
        most = float(torch.maximum(reach, reach * net.prelu1.weight.abs()).max())
    assert most < 22
    assert 2 * most < 2 * mtcnn.OUTSIDE
