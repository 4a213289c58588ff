"""People are groups of faces: vectors and constraints in, labels out. Knows no photos on disk and no database.

Names are loaded when they are first used: HDBSCAN takes time to load, and only clustering needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facecluster.people.grouper import cluster
    from facecluster.people.grouping import ClusterOptions, Constraints, Grouping, Held, Reason, tightness
    from facecluster.people.identity import keep_ids
    from facecluster.people.linkage import average_linkage
    from facecluster.people.recognition import Gallery

__all__ = [
    "ClusterOptions",
    "Constraints",
    "Gallery",
    "Grouping",
    "Held",
    "Reason",
    "average_linkage",
    "cluster",
    "keep_ids",
    "tightness",
]

_HOMES = {"Gallery": "recognition", "average_linkage": "linkage", "cluster": "grouper", "keep_ids": "identity"}


def __getattr__(name: str) -> Any:
    """The public name, from its module; ``grouping`` is the default home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'grouping')}"), name)
