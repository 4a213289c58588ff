from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from facecluster.photos import Memory, decode, read_file


def test_blocks_are_nobody_elses_until_they_are_given_back() -> None:
    memory = Memory()
    first, second = memory.take(10), memory.take(20)
    assert (first.size, second.size, memory.taken) == (10, 20, 2)
    assert not np.shares_memory(first, second)
    memory.give_back(1)
    assert np.shares_memory(memory.take(15), second)
    assert memory.take(5).size == 5
    memory.give_back()
    assert np.shares_memory(memory.take(4), first)
    larger = memory.take(100)
    assert (larger.size, np.shares_memory(larger, second)) == (100, False)


def test_photos_decoded_into_memory_are_the_same_and_stay_until_it_is_given_back(tmp_path: Path) -> None:
    """The second round decodes into blocks that hold other, larger photos."""
    memory, files = Memory(), []
    for i, size in enumerate([(64, 48), (40, 30), (8, 100), (120, 90)]):
        pixels = np.random.default_rng(i).integers(0, 256, (*size, 3), dtype=np.uint8)
        files.append(tmp_path / f"{i}.{'png' if i == 2 else 'jpg'}")
        Image.fromarray(pixels).save(files[-1])
    for order in (files, files[::-1]):
        opened = [decode(read_file(file), memory=memory) for file in order]
        for file, one in zip(order, opened, strict=True):
            np.testing.assert_array_equal(one.pixels, np.asarray(Image.open(file).convert("RGB")))
        assert memory.taken == 3  # the PNG takes none
        memory.give_back()
