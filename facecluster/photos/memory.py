"""Memory for pixels that is used again: to be handed new pages by the system takes longer than to fill them."""

from __future__ import annotations

import numpy as np

from facecluster.records import UInt8


class Memory:
    """Blocks of bytes for photos that are looked at together, and then no more; for one thread at a time."""

    def __init__(self) -> None:
        self._blocks: list[UInt8] = []
        self.taken = 0
        """How many blocks are, in order."""

    def take(self, size: int) -> UInt8:
        """A block (N,) of at least ``size`` bytes, which nobody else is given before it is given back."""
        if self.taken == len(self._blocks):
            self._blocks.append(np.empty(size, np.uint8))
        elif self._blocks[self.taken].size < size:
            self._blocks[self.taken] = np.empty(size, np.uint8)
        self.taken += 1
        return self._blocks[self.taken - 1]

    def give_back(self, taken: int = 0) -> None:
        """The blocks that were taken since ``taken`` of them were: whatever lies there may be written over."""
        self.taken = taken
