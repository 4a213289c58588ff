"""Networks on a GPU, by torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from facecluster.records import Float32, UInt8


class Gpu:
    """A network on ``device``: in float16 where that is CUDA, unless ``exact``.

    Out of memory, it halves its batches, and at last moves to the processor. ``device`` may be ``cpu``, too.
    """

    def __init__(self, net: nn.Module, device: str, *, exact: bool = False) -> None:
        self.device = torch.device(device)
        self._net = net.eval().requires_grad_(False).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batch, self._half = 4096, not exact

    def __call__(self, given: Float32 | UInt8) -> list[Float32]:
        """The results for any number of inputs."""
        if not len(given):  # some networks cannot be asked about nothing
            return [result[:0] for result in self(np.zeros((1, *given.shape[1:]), given.dtype))]
        while True:
            batch = self.batch
            try:
                parts = [self._infer(given[i : i + batch]) for i in range(0, len(given), batch)]
                return [np.concatenate(part) for part in zip(*parts, strict=True)]
            except torch.OutOfMemoryError:
                self._make_do(min(batch, len(given)))

    def _infer(self, part: Float32 | UInt8) -> list[Float32]:
        on_cuda = self.device.type == "cuda"
        given = torch.from_numpy(np.ascontiguousarray(part))
        given = given.pin_memory() if on_cuda else given
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.float16, enabled=on_cuda and self._half),
        ):
            found = self._net(given.to(self.device, non_blocking=True).float())
        found = (found,) if isinstance(found, Tensor) else found
        return [each.float().cpu().numpy() for each in found]

    def _make_do(self, batch: int) -> None:
        """With half the batch, or on the processor when even one input was too much."""
        if batch > 1:
            self.batch = batch // 2
        else:
            self.device = torch.device("cpu")
            self._net = self._net.to(self.device)


def best_device() -> str:
    """``cuda``, ``mps`` or ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def is_here(device: str) -> bool:
    """Whether torch can compute on ``device``."""
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError):
        return False
    return True
