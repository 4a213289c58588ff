from __future__ import annotations

import hashlib
import random
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from facecluster.errors import UnreadablePhotoError
from facecluster.photos import (
    MAX_PIXELS,
    Memory,
    OpenPhoto,
    RawPhoto,
    decode,
    decoding,
    jpeg,
    open_photo,
    read_file,
)
from facecluster.photos import pixels as pixels_of_modes
from facecluster.photos.pixels import to_rgb

SHARED = Path(__file__).parents[2] / "../shared/data"
KINDS = ["AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"]
EXIF_KINDS = ["AVIF", "JPEG", "PNG", "WEBP", "TIFF"]
ORIENTATION = 0x0112


def pattern(width: int = 96, height: int = 64) -> Image.Image:
    """Red grows to the right, green grows down, and the top left corner is blue: no two turns look alike."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    pixels[: height // 4, : width // 4, 2] = 255
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(file, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def raw(data: bytes) -> RawPhoto:
    return RawPhoto(Path("some.jpg"), data, hashlib.sha256(data).hexdigest())


def picture(opened: OpenPhoto) -> Image.Image:
    assert opened.pixels.dtype == np.uint8
    return Image.fromarray(opened.pixels)


def far(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(raw(data))
    return caught.value.reason


# --- what is decoded


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"  # suffixes lie
    path.write_bytes(encoded(pattern(), kind))
    opened = open_photo(path)
    assert (opened.photo.format, opened.photo.width, opened.photo.height, opened.scale) == (kind, 96, 64, 1)
    assert opened.photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (picture(opened).mode, picture(opened).size) == ("RGB", (96, 64))
    assert far(picture(opened), pattern()) < (12 if kind == "GIF" else 4)


def sideways(upright: Image.Image, orientation: int) -> Image.Image:
    """What a sensor stores for EXIF orientation n, said by where row 0 and column 0 go (Exif 2.32, 4.6.4)."""
    pixels = np.asarray(upright)
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[::-1],
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: pixels.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    return Image.fromarray(np.ascontiguousarray(stored))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", EXIF_KINDS)
@pytest.mark.parametrize("max_side", [None, 40])
def test_orientations(kind: str, orientation: int, max_side: int | None) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(sideways(pattern(), orientation), kind, exif=exif.tobytes())
    opened = decode(raw(data), max_side)
    assert (opened.photo.width, opened.photo.height) == (96, 64)
    expected = pattern() if max_side is None else pattern().reduce(2)
    assert picture(opened).size == expected.size
    assert far(picture(opened), expected) < 6


def test_heif_is_turned_once() -> None:
    heif = pillow_heif.from_pillow(sideways(pattern(), 6))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    file = BytesIO()
    heif.save(file, exif=exif.tobytes())
    assert pillow_heif.open_heif(file).size == (96, 64)  # the container says so, too
    opened = decode(raw(file.getvalue()))
    assert (opened.photo.width, opened.photo.height) == (96, 64)
    assert far(picture(opened), pattern()) < 4


def test_facts_of_exif() -> None:
    exif = Image.Exif()
    exif[0x0110] = "X100"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    for kind in [*EXIF_KINDS, "HEIF"]:
        photo = decode(raw(encoded(pattern(), kind, exif=exif.tobytes()))).photo
        assert (photo.taken_at, photo.camera, photo.has_gps) == (datetime(2020, 1, 2, 3, 4, 5), "X100", False)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_broken_exif_does_not_lose_the_photo(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = "X100"
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    good = encoded(pattern(), kind, exif=exif.tobytes())
    bad = good.replace(block, b"I\x01" + bytes(len(block) - 2))
    assert bad != good
    opened = decode(raw(bad))
    assert opened.photo.camera is None
    assert far(picture(opened), pattern()) < 4


# --- how much of it


@pytest.mark.parametrize(
    ("max_side", "size", "scale"),
    [
        (None, (400, 300), 1),
        (1000, (400, 300), 1),
        (201, (400, 300), 1),
        (200, (200, 150), 0.5),
        (100, (100, 75), 0.25),
        (50, (50, 38), 0.125),
        (25, (25, 19), 1 / 16),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_reduced_sizes(kind: str, max_side: int | None, size: tuple[int, int], scale: float) -> None:
    opened = decode(raw(encoded(pattern(400, 300), kind)), max_side)
    assert (opened.photo.width, opened.photo.height) == (400, 300)
    assert (picture(opened).size, opened.scale) == (size, scale)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (799, 601), (1023, 1), (257, 255), (640, 640)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_long_side_is_kept_between_once_and_twice(kind: str, size: tuple[int, int]) -> None:
    data = raw(encoded(pattern(*size), kind))
    for max_side in (1, 2, 7, 100, 128, 129, 450, 800):
        opened = decode(data, max_side)
        long_side, full = max(picture(opened).size), max(size)
        assert long_side == full if full < max_side else max_side <= long_side < 2 * max_side + 1
        assert picture(opened).size == tuple(-(-side // round(1 / opened.scale)) for side in size)


def test_jpegs_are_shrunk_by_both_of_their_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    decoded: list[tuple[int, int]] = []

    def none(data: bytes, size: tuple[int, int], memory: Memory | None) -> None:
        asked.append(size)

    def spy(image: Image.Image) -> Image.Image:
        decoded.append(image.size)
        return to_rgb(image)

    data, sides = raw(encoded(pattern(400, 300), "JPEG")), (401, 201, 200, 100, 50, 25)
    quick = [decode(data, side) for side in sides]
    monkeypatch.setattr(jpeg, "pixels", none)
    monkeypatch.setattr(pixels_of_modes, "to_rgb", spy)
    patient = [decode(data, side) for side in sides]
    assert asked == [(400, 300), (400, 300), (200, 150), (100, 75), (50, 38), (50, 38)]
    assert decoded == [*asked[:-1], (25, 19)]
    for one, other in zip(quick, patient, strict=True):
        assert (one.scale, one.photo) == (other.scale, other.photo)
        np.testing.assert_allclose(one.pixels, other.pixels, atol=0 if one.scale >= 1 / 8 else 1)


def test_coordinates_survive_the_reduction() -> None:
    image = Image.new("RGB", (1600, 1200))
    image.paste("white", (800, 400, 960, 480))
    for kind in ("JPEG", "PNG"):
        opened = decode(raw(encoded(image, kind)), 200)
        ys, xs = np.nonzero(opened.pixels[..., 0] > 128)
        box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / opened.scale
        assert np.abs(box - (800, 400, 960, 480)).max() <= 1 / opened.scale


def test_the_same_bytes_may_be_decoded_again() -> None:
    data = raw(encoded(pattern(400, 300), "JPEG"))
    assert [decode(data, side).pixels.shape[1] for side in (100, None, 200)] == [100, 400, 200]


# --- which picture, and which pixels


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "PNG", "MPO", "TIFF"])
def test_first_picture(kind: str) -> None:
    data = encoded(pattern(), kind, save_all=True, append_images=[Image.new("RGB", (96, 64), "white")])
    opened = decode(raw(data))
    assert opened.photo.format == ("JPEG" if kind == "MPO" else kind)
    assert far(picture(opened), pattern()) < 12


def test_primary_picture_of_heif() -> None:
    heif = pillow_heif.from_pillow(Image.new("RGB", (32, 32), "white"))
    heif.add_from_pillow(pattern())
    file = BytesIO()
    heif.save(file, primary_index=1)
    assert far(picture(decode(raw(file.getvalue()))), pattern()) < 4


def test_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 4, 8))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    for image in (clear, clear.convert("P"), clear.convert("LA")):
        pixels = decode(raw(encoded(image, "PNG"))).pixels
        assert (pixels[:, 4:] == 255).all(), image.mode
        assert (pixels[:, :4, 0] < 80).all(), image.mode
    assert decode(raw(encoded(half, "PNG"))).pixels[0, 0].tolist() == [127] * 3
    index = Image.new("P", (8, 8), 1)
    index.putpalette([255, 0, 0, 0, 0, 255])
    assert decode(raw(encoded(index, "GIF", transparency=1))).pixels[0, 0].tolist() == [255] * 3


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    for kind in ("PNG", "TIFF"):
        pixels = decode(raw(encoded(Image.fromarray(ramp), kind))).pixels
        assert (pixels == np.arange(256)[None, :, None]).all(), kind


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_32_bit_greys_are_stretched(dtype: type) -> None:
    ramp: NDArray[Any] = (np.arange(256) * 1000 + 7).astype(dtype)[None, :].repeat(4, axis=0)
    pixels = decode(raw(encoded(Image.fromarray(ramp), "TIFF"))).pixels
    assert (pixels == np.arange(256)[None, :, None]).all()


def test_greys_bits_and_cmyk() -> None:
    grey = pattern().convert("L")
    for image, kind in (
        (grey, "JPEG"),
        (grey, "PNG"),
        (grey.convert("1"), "PNG"),
        (grey.convert("1"), "TIFF"),
    ):
        assert far(picture(decode(raw(encoded(image, kind)))), image.convert("RGB")) < 2
    cmyk = pattern().convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        assert far(picture(decode(raw(encoded(cmyk, kind)))), pattern()) < 4
        assert far(picture(decode(raw(encoded(cmyk, kind)), 48)), pattern().reduce(2)) < 4


# --- what is not


def test_empty_missing_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(UnreadablePhotoError, match=r"empty\.jpg: the file is empty"):
        read_file(tmp_path / "empty.jpg")
    with pytest.raises(UnreadablePhotoError, match="the file is gone"):
        read_file(tmp_path / "missing.jpg")
    with pytest.raises(UnreadablePhotoError, match="this is a folder"):
        read_file(tmp_path)
    for error, sentence in (
        (PermissionError(13, "Permission denied"), "no permission"),
        (OSError(5, "Input/output error"), r"cannot be read \(Input/output error\)"),
        (MemoryError(), "memory"),
    ):
        monkeypatch.setattr(Path, "read_bytes", lambda self, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(UnreadablePhotoError, match=sentence):
            read_file(tmp_path / "empty.jpg")


def test_not_a_picture() -> None:
    assert reason(b"Dear diary") == "not a picture, although its name says so"


@pytest.mark.parametrize("kind", ["GIF", "HEIF", "JPEG", "PNG", "TIFF"])
def test_truncated(kind: str) -> None:
    data = encoded(Image.effect_noise((96, 64), 60).convert("RGB"), kind)
    assert reason(data[: len(data) // 2]).startswith("the picture data ends early")


def test_damaged() -> None:
    data = encoded(pattern(), "PNG")
    assert reason(data[:20] + b"????" + data[24:]).startswith("the picture data is damaged")


def test_unsupported() -> None:
    data = encoded(pattern(), "TIFF")
    rgb, of_no_kind = (b"\x06\x01\x03\0\x01\0\0\0" + bytes([value]) for value in (2, 99))  # its colour space
    assert rgb in data
    assert reason(data.replace(rgb, of_no_kind)) == "a variety of TIFF that cannot be read; save it as JPEG"


def claiming(width: int, height: int) -> bytes:
    """A JPEG whose header claims another size."""
    data = encoded(Image.new("L", (16, 8)), "JPEG")
    size = (8).to_bytes(2) + (16).to_bytes(2)
    return data.replace(size, height.to_bytes(2) + width.to_bytes(2), 1)


def test_too_many_pixels() -> None:
    assert MAX_PIXELS < 20_000 * 15_001
    assert "20000 × 15001 pixels: a picture too large" in reason(claiming(20_000, 15_001))


def test_a_200_megapixel_phone_is_no_bomb() -> None:
    opened = decode(raw(encoded(Image.new("L", (16_320, 12_240)), "JPEG")), 1000)
    assert (opened.photo.width, opened.photo.height) == (16_320, 12_240)
    assert picture(opened).size == (1020, 765)


@pytest.mark.parametrize(
    ("kind", "what"), [("JPEG", "simplejpeg.decode_jpeg"), ("PNG", "PIL.ImageFile.ImageFile.load")]
)
def test_out_of_memory(kind: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(what, starved)
    assert reason(encoded(pattern(), kind)) == "not enough memory to decode the picture"


def damaged(good: bytes, dice: random.Random) -> bytes:
    bad = bytearray(good)
    for _ in range(dice.randint(0, 4)):
        bad[dice.randrange(dice.choice([len(bad), 200]))] = dice.choice([0, 255, dice.randrange(256)])
    return bytes(bad[: dice.randrange(1, len(bad))]) if dice.random() < 0.4 else bytes(bad)


def fuzz(kind: str) -> int:
    """Decode 150 damaged files; how many of them were still good."""
    dice, exif = random.Random(kind), Image.Exif()
    exif[ORIENTATION] = 6
    options = {} if kind in ("BMP", "GIF") else {"exif": exif.tobytes()}
    good, survivors = encoded(Image.effect_noise((24, 20), 60).convert("RGB"), kind, **options), 0
    for _ in range(150):
        try:
            opened = decode(raw(damaged(good, dice)), dice.choice([None, 10]))
        except UnreadablePhotoError:
            continue
        survivors += 1
        assert picture(opened).mode == "RGB"
        factor = round(1 / opened.scale)
        assert picture(opened).size == tuple(-(-s // factor) for s in (opened.photo.width, opened.photo.height))
    return survivors


@pytest.mark.parametrize("kind", KINDS)
def test_damage_raises_one_error_only_and_no_warning(kind: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        survivors = fuzz(kind)
    assert [str(warning.message) for warning in said] == []
    assert 0 < survivors < 150


def test_threads_share_nothing() -> None:
    photos = [raw(encoded(pattern(200 + 8 * i, 160), kind)) for i, kind in enumerate(KINDS)] * 6
    alone = [decode(photo, 50).pixels for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: decode(photo, 50).pixels, photos))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


# --- real photos


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the measuring photos are not beside the checkout")
    return SHARED


@pytest.mark.shared
@pytest.mark.parametrize("scene", ["Landscape", "Portrait"])
@pytest.mark.parametrize("max_side", [None, 300])
def test_eight_orientations_look_alike(shared: Path, scene: str, max_side: int | None) -> None:
    first = open_photo(shared / "exif" / f"{scene}_1.jpg", max_side)
    assert (first.photo.width > first.photo.height) == (scene == "Landscape")
    for orientation in range(9):
        opened = open_photo(shared / "exif" / f"{scene}_{orientation}.jpg", max_side)
        assert picture(opened).size == picture(first).size
        assert far(picture(opened), picture(first)) < 4, orientation


@pytest.mark.shared
def test_a_small_library_opens(shared: Path) -> None:
    files = sorted((shared / "photos").rglob("*.*"))
    photos = [open_photo(path, 100) for path in files if path.suffix != ".csv"]
    assert len(photos) > 250
    broken = open_photo(shared / "photos" / "sports" / "broken-exif.jpg")
    assert min(picture(broken).size) > 100


def test_rgb_is_not_copied() -> None:
    image = pattern()
    assert to_rgb(image) is image


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LARGE_PIXELS", 100)
    held: list[bool] = []

    def spy(image: Image.Image) -> Image.Image:
        held.append(decoding._one_at_a_time.locked())
        return to_rgb(image)

    monkeypatch.setattr(pixels_of_modes, "to_rgb", spy)
    decode(raw(encoded(pattern(), "PNG")))
    decode(raw(encoded(pattern(8, 8), "PNG")))
    assert held == [True, False]


def test_a_picture_decoded_in_full_may_be_less_large_than_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FULL_PIXELS", 96 * 64 - 1)
    with pytest.raises(UnreadablePhotoError, match="too large"):
        decode(raw(encoded(pattern(), "PNG")))
    assert decode(raw(encoded(pattern(), "JPEG")), 50).photo.width == 96


def test_a_large_file_that_is_no_picture_is_refused_by_its_first_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "film.jpg").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(1000))
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("read whole"))
    with pytest.raises(UnreadablePhotoError, match="not a picture"):
        read_file(tmp_path / "film.jpg")
    monkeypatch.setattr("facecluster.photos.raw.MAX_BYTES", 100)
    (tmp_path / "huge.png").write_bytes(encoded(pattern(), "PNG"))
    with pytest.raises(UnreadablePhotoError, match="too much for a photo"):
        read_file(tmp_path / "huge.png")


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_greys_are_stretched_alike_in_bands_and_without_copies(mode: str) -> None:
    dice = np.random.default_rng(0)
    values = dice.integers(-40_000, 90_000, (1501, 1000)).astype(np.int32 if mode == "I" else np.float32)
    if mode == "F":
        values[700, :3] = np.nan, np.inf, -np.inf
    image = Image.fromarray(values)
    assert image.mode == mode
    tracemalloc.start()
    found = to_rgb(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grey = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    expected = np.rint((grey - grey.min()) * (255 / (grey.max() - grey.min())))
    np.testing.assert_array_equal(np.asarray(found)[..., 0], expected)
    assert peak < 11 * values.size
