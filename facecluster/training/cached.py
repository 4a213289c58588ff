"""The gradient of a batch that does not fit into memory, in two passes over chunks of it.

L. Gao, Y. Zhang, J. Han, J. Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
RepL4NLP 2021. A loss of triplets looks at all embeddings of a batch, but at nothing else of the network: with
dL/d(embedding) of every face, each chunk's share of the gradient can be had by itself. The price is embedding
everything twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm


class Inputs(Protocol):
    """What a network is given, (N, …), read by slices, each twice with the same result; a tensor is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Inputs that are made when they are needed: ``read`` gets a slice of ``count`` faces, and is asked twice.

    What it draws from torch's own random numbers is the same both times.
    """

    count: int
    read: Callable[[slice], Tensor]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, part: slice) -> Tensor:
        return self.read(part)


def backward(net: nn.Module, inputs: Inputs, loss: Callable[[Tensor], Tensor], chunk: int) -> tuple[float, Tensor]:
    """Add the gradient of a whole batch to the parameters' ``grad``; returns the loss, and the vectors (N, D).

    As ``loss(net(inputs)).backward()`` would, while only ``chunk`` faces at a time are in the network. ``loss``
    is called once, with (N, D) vectors; its own parameters get their gradients, too. Both passes draw the same
    random numbers (dropout), and leave torch's where one pass would. Autocast may be on. Raises ValueError for
    batch norm that is training, because its result would depend on the chunk: set it to evaluation. A batch that
    is one chunk is embedded once, and may have such.
    """
    if len(inputs) <= chunk:
        return _at_once(net, inputs, loss)
    _refuse_batch_statistics(net)
    parts = [slice(start, min(start + chunk, len(inputs))) for start in range(0, len(inputs), chunk)]
    devices = list({p.device for p in net.parameters() if p.device.type != "cpu"})
    states, embedded = [], []
    with torch.no_grad():
        for part in parts:
            states.append(_random_states(devices))
            embedded.append(net(inputs[part]))
    vectors = torch.cat(embedded).requires_grad_()
    value = loss(vectors)
    torch.autograd.backward(value)
    torch.clear_autocast_cache()  # older torch keeps weights that were cast without a gradient
    after = _random_states(devices)
    for part, state in zip(parts, states, strict=True):
        if vectors.grad is not None and vectors.grad[part].any():
            _set_random_states(devices, state)
            torch.autograd.backward(net(inputs[part]), vectors.grad[part])
    _set_random_states(devices, after)
    return value.item(), vectors.detach()


def _at_once(net: nn.Module, inputs: Inputs, loss: Callable[[Tensor], Tensor]) -> tuple[float, Tensor]:
    vectors = net(inputs[0 : len(inputs)])
    value = loss(vectors)
    torch.autograd.backward(value)
    return value.item(), vectors.detach()


def _refuse_batch_statistics(net: nn.Module) -> None:
    for name, module in net.named_modules():
        batch = isinstance(module, _BatchNorm) and (module.training or module.running_mean is None)
        kept = isinstance(module, _InstanceNorm) and module.training and module.track_running_stats
        if batch or kept:
            raise ValueError(f"{name or 'the network'} keeps or uses statistics of a batch: set it to evaluation.")


def _random_states(devices: list[torch.device]) -> list[Tensor]:
    """Where the random numbers of the processor and of each GPU are."""
    gpus = [torch.mps.get_rng_state() if gpu.type == "mps" else torch.cuda.get_rng_state(gpu) for gpu in devices]
    return [torch.get_rng_state(), *gpus]


def _set_random_states(devices: list[torch.device], states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    for gpu, state in zip(devices, states[1:], strict=True):
        if gpu.type == "mps":
            torch.mps.set_rng_state(state)
        else:
            torch.cuda.set_rng_state(state, gpu)
