from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from facecluster.nets.facenet import FaceNet, load_facenet
from facecluster.nets.folding import fold_batch_norm, folded_arrays, unfolded_arrays
from facecluster.nets.trained import read_model, write_model
from tests.trained_fakes import a_card, uneven


@pytest.fixture(scope="module")
def net() -> FaceNet:
    torch.manual_seed(0)
    return uneven(FaceNet(128)).eval()


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 3, 96, 96) * 2 - 1


def embed(net: nn.Module, crops: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(net(crops))


def test_a_facenet_with_any_statistics_is_folded_and_can_be_trained_on(net: FaceNet, crops: torch.Tensor) -> None:
    arrays = folded_arrays(net)
    norms = {name.removesuffix(".running_var") for name in arrays if name.endswith("running_var")}
    assert len(norms) == 112
    for norm in norms:
        np.testing.assert_array_equal(arrays[f"{norm}.running_mean"], 0)
        np.testing.assert_array_equal(arrays[f"{norm}.running_var"], 1)
        np.testing.assert_allclose(arrays[f"{norm}.weight"], np.sqrt(1.001), rtol=1e-6)
    again = load_facenet(arrays)
    np.testing.assert_allclose(embed(again, crops), embed(net, crops), atol=2e-6)
    assert sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in again.modules()) == 112
    assert all(parameter.requires_grad for parameter in again.parameters())


def test_a_whole_facenet_is_at_most_25_megabytes_and_nearly_the_same(
    net: FaceNet, crops: torch.Tensor, tmp_path: Path
) -> None:
    write_model(folded_arrays(net), a_card(arch="facenet", dimension=128, size=160), tmp_path / "a")
    assert 23_000_000 < (tmp_path / "a").stat().st_size <= 25_000_000
    again = load_facenet(read_model(tmp_path / "a")[0])
    off = (embed(again, crops) - embed(net, crops)) ** 2
    assert 0 < off.sum(1).max() < 1e-3


def test_layers_with_a_bias_and_linear_ones_are_folded_and_the_net_is_left_alone() -> None:
    torch.manual_seed(2)
    layers = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, eps=0.1), nn.Flatten(), nn.Linear(20, 7), nn.BatchNorm1d(7)
    net = uneven(nn.Sequential(*layers)).eval()
    before = copy.deepcopy(net.state_dict())
    given = torch.rand(4, 3, 4, 4)
    arrays = folded_arrays(net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    np.testing.assert_array_equal(arrays["0.bias"], 0)
    np.testing.assert_allclose(arrays["1.weight"], np.sqrt(1.1), rtol=1e-6)
    np.testing.assert_allclose(arrays["4.weight"], np.sqrt(1 + 1e-5), rtol=1e-6)
    expected, folded = embed(net, given), fold_batch_norm(net)
    assert [type(module) for module in folded if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)] == []
    np.testing.assert_allclose(embed(folded, given), expected, atol=1e-6)
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)
    np.testing.assert_allclose(embed(net, given), expected, atol=1e-6)


def test_batch_norm_of_no_layer_stays_as_it_is() -> None:
    net = uneven(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 5, 1), nn.PReLU(), nn.BatchNorm2d(5)))
    for name, array in folded_arrays(net).items():
        np.testing.assert_array_equal(array, net.state_dict()[name])


def test_what_a_folded_copy_has_learnt_since_is_what_the_network_gets(net: FaceNet, crops: torch.Tensor) -> None:
    folded = fold_batch_norm(net)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in folded.parameters():
            parameter.add_(0.01 * parameter.abs().mean() * torch.randn_like(parameter))
    arrays = unfolded_arrays(folded, net)
    assert arrays.keys() == folded_arrays(net).keys()
    np.testing.assert_allclose(embed(load_facenet(arrays), crops), embed(folded, crops), atol=2e-6)
    assert np.abs(embed(folded, crops) - embed(net, crops)).max() > 1e-3


def test_a_layer_keeps_a_bias_of_nothing_when_it_has_one() -> None:
    torch.manual_seed(4)
    layers = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, eps=0.1), nn.PReLU(), nn.Conv2d(5, 2, 1)
    net = uneven(nn.Sequential(*layers)).eval()
    folded, given = fold_batch_norm(net), torch.rand(4, 3, 4, 4)
    with torch.no_grad():
        folded.get_parameter("0.bias").add_(1)
    arrays = unfolded_arrays(folded, net)
    np.testing.assert_array_equal(arrays["0.bias"], 0)
    net.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)
    np.testing.assert_allclose(embed(net, given), embed(folded, given), atol=1e-6)
