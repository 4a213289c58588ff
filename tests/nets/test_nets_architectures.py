"""The architectures embed, train, and freeze."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from facecluster.errors import UsageError
from facecluster.nets import nn1, nn2
from facecluster.nets.architectures import ARCHITECTURES, architecture_of, build_facenet, freeze, training_mode
from facecluster.nets.facenet import FaceNet, load_facenet
from facecluster.nets.layers import L2Pool
from facecluster.nets.mobilefacenet import Bottleneck
from facecluster.nets.nn2 import NN2

BATCH = {"nn1": 1}  # half a gigabyte of weights are enough
SMALL = {"facenet": 96, "nn2": 64, "mobilefacenet": 112}  # sides that these accept as well, for speed


def photos(count: int, size: int) -> Tensor:
    """Noise, smooth as photos are, from -1 to 1."""
    torch.manual_seed(0)
    coarse = 2 * torch.rand(count, 3, 6, 6) - 1
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


def pull(embeddings: Tensor) -> Tensor:
    """A loss that asks something of every number of every embedding."""
    return (embeddings * torch.randn(embeddings.shape)).sum()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_unit_vectors_and_a_gradient_for_every_parameter(name: str) -> None:
    torch.manual_seed(0)
    architecture = architecture_of(name)
    net = architecture.build()
    embeddings = net(photos(BATCH.get(name, 3), architecture.size))
    assert embeddings.shape == (BATCH.get(name, 3), 128)
    assert embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(embeddings)))
    torch.autograd.backward(pull(embeddings))
    for parameter, tensor in net.named_parameters():
        assert tensor.grad is not None, parameter
        assert tensor.grad.isfinite().all(), parameter
        assert tensor.grad.any(), parameter


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("dimension", [64, 512])
def test_embeddings_have_the_dimension_asked_for(name: str, dimension: int) -> None:
    architecture = architecture_of(name)
    with torch.device("meta"):
        net = architecture.build(dimension).eval()
    embeddings = net(torch.zeros(2, 3, architecture.size, architecture.size, device="meta"))
    assert embeddings.shape == (2, dimension)


@pytest.mark.parametrize("name", SMALL)
def test_bfloat16_and_channels_last_change_little(name: str) -> None:
    torch.manual_seed(0)
    net, x = architecture_of(name).build().eval(), photos(2, SMALL[name])
    exact = net(x).detach()
    net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(net(x).detach(), exact, atol=1e-4, rtol=0)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = net(x)
    assert embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))
    assert (embeddings * exact).sum(1).min() > 0.98
    torch.autograd.backward(pull(embeddings))
    assert all(each.grad is not None and each.grad.isfinite().all() for each in net.parameters())


def test_embeddings_begin_apart_also_without_batch_norm() -> None:
    torch.manual_seed(0)
    embeddings = NN2()(photos(4, 64)).detach()
    assert torch.pdist(embeddings).square().min() > 0.1  # plain He initialisation: 0.01


def test_a_network_of_random_weights_learns() -> None:
    torch.manual_seed(0)
    net, x = architecture_of("nn2").build(), photos(4, 64)
    adam, distances = torch.optim.Adam(net.parameters(), lr=3e-4), []
    for _ in range(8):
        pairs = torch.pdist(net(x)).square()
        distances.append(float(pairs.detach()[0] / pairs.detach().mean()))
        adam.zero_grad()
        torch.autograd.backward(pairs[0] - pairs.mean())
        adam.step()
    assert distances[-1] < distances[0] / 3


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_blocks_hold_every_parameter_once_in_order(name: str) -> None:
    architecture = architecture_of(name)
    with torch.device("meta"):
        net = architecture.build()
    modules = [module for block in architecture.blocks.values() for module in block]
    held = [f"{m}.{p}" for m in modules for p, _ in net.get_submodule(m).named_parameters()]
    assert held == [parameter for parameter, _ in net.named_parameters()]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_freezing_leaves_what_is_behind(name: str) -> None:
    architecture = architecture_of(name)
    with torch.device("meta"):
        net = architecture.build()
    everything = len(list(net.parameters()))
    counts = [len(freeze(net, architecture, block)) for block in [None, *architecture.blocks][:-1]]
    assert counts[0] == everything
    assert counts == sorted(set(counts), reverse=True)  # fewer with every block
    assert counts[-1] > 0
    assert len(freeze(net, architecture)) == everything


@pytest.mark.parametrize("table", [nn1, nn2])
def test_layers_are_in_the_order_of_the_table(table: ModuleType) -> None:
    with torch.device("meta"):
        layers = dict(ARCHITECTURES[table.__name__.rpartition(".")[2]].build().named_children())
    layers.pop("concat", None)
    assert list(layers) == list(table.TABLE)
    norms = {name for name, layer in layers.items() if isinstance(layer, nn.LocalResponseNorm)}
    assert norms == {name for name in layers if "norm" in name}
    assert len(norms) == 2


def test_inception_pools_as_table_2_has_it() -> None:
    kinds = {
        name: [type(module) for module in layer.modules() if isinstance(module, L2Pool | nn.MaxPool2d)]
        for name, layer in NN2().named_children()
        if "inception" in name
    }
    l2 = {"inception3b", "inception4a", "inception4b", "inception4c", "inception4d", "inception5a"}
    assert {name for name, kind in kinds.items() if kind == [L2Pool]} == l2
    assert {name for name, kind in kinds.items() if kind != [L2Pool]} - {"inception2"} == {
        *("inception3a", "inception3c", "inception4e", "inception5b")
    }


@pytest.mark.parametrize(("outputs", "stride", "added"), [(4, 1, True), (4, 2, False), (6, 1, False)])
def test_a_bottleneck_adds_its_input_where_it_fits(outputs: int, stride: int, added: bool) -> None:
    torch.manual_seed(0)
    block, x = Bottleneck(4, outputs, 2, stride).eval(), torch.randn(2, 4, 6, 6)
    expand, depthwise, project = block
    assert isinstance(project, nn.Sequential)
    assert not [module for module in project.modules() if isinstance(module, nn.PReLU)]
    inside = project(depthwise(expand(x)))
    assert inside.shape == (2, outputs, 6 // stride, 6 // stride)
    torch.testing.assert_close(block(x), inside + x if added else inside)


def state(net: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def step(net: nn.Module, left: list[nn.Parameter], size: int) -> set[str]:
    """The names of the tensors that one step of an optimiser moved."""
    before = state(net)
    optimiser = torch.optim.SGD(left, lr=1.0)
    torch.autograd.backward(pull(net(photos(3, size))))
    optimiser.step()
    return {name for name, tensor in state(net).items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize(
    ("name", "upto"),
    [("facenet", "mixed_6a"), ("facenet", "last"), ("nn2", "inception4e"), ("mobilefacenet", "bottleneck3")],
)
def test_frozen_blocks_do_not_move_and_the_others_do(name: str, upto: str) -> None:
    torch.manual_seed(0)
    architecture = architecture_of(name)
    net = architecture.build()
    left = freeze(net, architecture, upto)
    training_mode(net)
    moved = step(net, left, SMALL[name])
    blocks = list(architecture.blocks)
    behind = [m for block in blocks[blocks.index(upto) + 1 :] for m in architecture.blocks[block]]
    expected = {f"{m}.{tensor}" for m in behind for tensor in net.get_submodule(m).state_dict()}
    assert moved == expected


def test_batch_norm_can_stay_as_it_is_everywhere() -> None:
    torch.manual_seed(0)
    architecture = architecture_of("mobilefacenet")
    net = architecture.build()
    left = freeze(net, architecture, "bottleneck4")
    net.train()
    assert any("running_mean" in name for name in step(net, left, 112) if name.startswith("conv1"))
    training_mode(net, batch_norm=False)
    moved = step(net, left, 112)
    assert "linear.1.weight" in moved
    assert not [name for name in moved if "running" in name or "num_batches" in name]
    training_mode(net)
    assert any("running_mean" in name for name in step(net, left, 112))


def test_dropout_rests_when_all_before_the_head_is_frozen() -> None:
    net, architecture = build_facenet(), architecture_of("facenet")
    freeze(net, architecture, "block8")
    training_mode(net)
    assert net.trunk.dropout.training
    freeze(net, architecture, "last")
    training_mode(net)
    assert not net.trunk.dropout.training


def test_weights_of_a_built_facenet_load_into_a_loaded_one() -> None:
    torch.manual_seed(0)
    net = build_facenet().eval()
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    x = photos(1, 96)
    with torch.inference_mode():
        torch.testing.assert_close(load_facenet(arrays)(x), net(x))


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'resnet'; there are facenet, nn1, nn2, mobilefacenet"):
        architecture_of("resnet")
    with torch.device("meta"):
        net = NN2()
    for wrong in ("conv9", "fc"):  # none of its blocks; the last
        with pytest.raises(UsageError, match=f"nn2 cannot be frozen up to '{wrong}'; choose one of conv1, ince"):
            freeze(net, architecture_of("nn2"), wrong)
    with torch.device("meta"):
        trunk = FaceNet(512)
    with pytest.raises(UsageError, match="'last'"):
        freeze(trunk, architecture_of("facenet"), "last")
