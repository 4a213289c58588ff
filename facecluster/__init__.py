"""Find the people in a photo library, on your own machine.

``photos`` hold ``faces``, faces become ``embeddings``, the ``store`` keeps them, ``people`` are groups of them,
``albums`` show them. ``Library`` joins it all::

    from pathlib import Path
    from facecluster import Library

    with Library(Path("family.db")) as library:
        library.scan([Path("~/Photos").expanduser()])
        for person in library.cluster().people:
            ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facecluster.pipeline import Library

__version__ = "0.1.0"
__all__ = ["Library", "__version__"]


def __getattr__(name: str) -> Any:
    """Load ``Library`` only when it is asked for."""
    if name == "Library":
        from facecluster.pipeline import Library

        return Library
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
