from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from facecluster.photos import looks_like_photo, sniff


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"])
def test_what_pillow_writes(kind: str) -> None:
    file = BytesIO()
    Image.new("RGB", (9, 9)).save(file, kind)
    assert sniff(file.getvalue()[:64]) == ("JPEG" if kind == "MPO" else kind)


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return (len(body) + 4).to_bytes(4) + body + b"avif" * 10  # what follows the box is no brand


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "HEIF"),
        (ftyp(b"mif1", b"mif1", b"heic"), "HEIF"),
        (ftyp(b"mif1", b"miaf", b"avif"), "AVIF"),
        (ftyp(b"msf1", b"hevc"), "HEIF"),
        (ftyp(b"avif", b"mif1"), "AVIF"),
        (ftyp(b"isom", b"mp41"), None),
        (b"II+\0\x08\0\0\0", "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"BMW is a maker of cars in Munich", None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_heads(head: bytes, kind: str | None) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.jfif", "a.HEIC", "b.tar.webp", "ü.AVIF", "a.mpo", "a.tif"])
def test_photo_names(name: str) -> None:
    assert looks_like_photo(Path(name))


@pytest.mark.parametrize("name", ["notes.txt", "jpg", ".jpg", "a.jpg.xmp", "a.mp4", "Thumbs.db"])
def test_other_names(name: str) -> None:
    assert not looks_like_photo(Path(name))
