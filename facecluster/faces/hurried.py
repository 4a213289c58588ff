"""MTCNN's nets in a hurry, in the number format in which a processor is quick, and how far to trust them.

In bfloat16 they are nearly right, and as quick as in 8-bit integers where a processor has both. Of 8-bit integers
less is known: they sort out what is clearly no face. ``benchmarks/hurry.py`` measures how wrong they are, on
photos on which nothing else is measured.
"""

from __future__ import annotations

from collections.abc import Callable

from facecluster.faces.odds import Hasty
from facecluster.nets import catalogue
from facecluster.nets.graphs import Graph
from facecluster.nets.runtime import Network, bytes_are_quicker, has_bfloat16

Quick = Callable[[Graph], Network]
"""A graph to a network in the quickest format, quantised where the graph has ranges."""


def scout(quick: Quick, device: str) -> Hasty:
    """P-Net's judgement of all places."""
    return Hasty(quick(catalogue.fine_scout() if _is_fine(device) else catalogue.scout()), 0.3)


def sieve(quick: Quick, device: str) -> Hasty | None:
    """R-Net's judgement, where asking in a hurry first pays."""
    if _is_fine(device):
        return Hasty(quick(catalogue.fine_sieve()), 0.5, 0.5)
    return Hasty(quick(catalogue.sieve()), 1.05) if bytes_are_quicker(device) else None


def guess(quick: Quick, device: str) -> Hasty | None:
    """O-Net, where there is a format that is quicker and nearly right."""
    return Hasty(quick(catalogue.outputter()), 0.3, 0.3) if _is_fine(device) else None


def _is_fine(device: str) -> bool:
    return device == "cpu" and has_bfloat16()
