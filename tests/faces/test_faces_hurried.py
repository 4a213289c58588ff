"""Which networks hurry, in which format, and how far they are trusted: by the processor and the device."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facecluster.faces import hurried
from facecluster.faces.odds import Hasty
from facecluster.nets import runtime
from facecluster.nets.graphs import Graph
from facecluster.nets.runtime import Network
from facecluster.records import Float32, UInt8

FINE = [("scout-fine", False, 0.3, math.inf), ("sieve-fine", False, 0.5, 0.5), ("onet", False, 0.3, 0.3)]
BYTES = [("scout", True, 0.3, math.inf), ("sieve", True, 1.05, math.inf), None]
SCOUT = [BYTES[0], None, None]


def nothing(pixels: Float32 | UInt8, /) -> list[Float32]:
    return []


@pytest.mark.parametrize(
    ("device", "bfloat16", "machine", "expected"),
    [
        ("cpu", True, "x86_64", FINE),
        ("cpu", True, "aarch64", FINE),
        ("cpu", False, "x86_64", BYTES),
        ("cpu", False, "aarch64", SCOUT),
        ("cuda", True, "x86_64", SCOUT),
        ("mps", False, "arm64", SCOUT),
    ],
)
def test_who_hurries_where(
    device: str, bfloat16: bool, machine: str, expected: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hurried, "has_bfloat16", lambda: bfloat16)
    monkeypatch.setattr("platform.machine", lambda: machine)
    asked: list[Graph] = []

    def quick(graph: Graph) -> Network:
        asked.append(graph)
        return nothing

    found = []
    for make in (hurried.scout, hurried.sieve, hurried.guess):
        hasty = make(quick, device)
        found.append(hasty and (asked[-1].name, asked[-1].ranges is not None, hasty.below, hasty.among))
    assert found == expected


@pytest.mark.parametrize(
    ("said", "features", "machine", "expected"),
    [
        (["FP32", "BF16"], {"amx-bf16": True}, "x86_64", True),
        (["FP32", "BF16"], {"avx512bf16": True, "amx-bf16": False}, "AMD64", True),
        (["FP32", "BF16"], {"avx512f": True, "avx512bf16": False}, "x86_64", False),
        (["FP32", "BF16"], {}, "aarch64", True),
        (["FP32", "INT8"], {"amx-bf16": True}, "x86_64", False),
    ],
)
def test_bfloat16_counts_where_it_is_no_imitation(
    said: list[str], features: dict[str, bool], machine: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            return said

    monkeypatch.setattr("openvino.Core", Core)
    monkeypatch.setattr(runtime, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert runtime.has_bfloat16() == expected


def test_bounds_hold_what_is_wrong_by_less() -> None:
    true = np.linspace(-5, 12, 300, dtype=np.float32)
    exact = 1 / (1 + np.exp(-true.astype(np.float64)))
    for wrong in (-0.29, 0.29):
        low, high = Hasty(nothing, 0.3, 0.3).bounds(true + np.float32(wrong))
        assert ((low <= exact) & (exact <= high)).all()
        assert (high - low).max() < 0.16
