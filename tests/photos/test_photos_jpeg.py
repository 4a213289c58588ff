"""The quick decoder of JPEG files against Pillow, which is the patient one."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from facecluster.photos import jpeg
from facecluster.records import UInt8


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(data: bytes, shrunk: int) -> UInt8:
    image = Image.open(BytesIO(data))
    image.draft("RGB", (image.width // shrunk, image.height // shrunk))
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("shrunk", [1, 2, 4, 8])
@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}, {"subsampling": 2, "restart_marker_rows": 1}],
)
@pytest.mark.parametrize("mode", sorted(jpeg.MODES))
def test_its_pixels_are_those_of_pillow(mode: str, options: dict[str, object], shrunk: int) -> None:
    data = encoded(noise(1003, 717).convert(mode), **options)
    expected = by_pillow(data, shrunk)
    found = jpeg.pixels(data, (expected.shape[1], expected.shape[0]))
    assert found is not None
    assert found.shape == (-(-717 // shrunk), -(-1003 // shrunk), 3)
    np.testing.assert_array_equal(found, expected)


def test_damaged_files_and_other_sizes_are_left_to_a_patient_decoder() -> None:
    data = encoded(noise(320, 240))
    middle = len(data) // 2
    assert jpeg.pixels(data, (320, 240)) is not None
    for damaged in (
        data[:middle],
        data[:middle] + b"\xff\xd8" * 20 + data[middle + 40 :],
        data[:30],
        b"",
        b"\xff\xd8\xff",
    ):
        assert jpeg.pixels(damaged, (320, 240)) is None
    assert jpeg.pixels(data, (319, 240)) is None
