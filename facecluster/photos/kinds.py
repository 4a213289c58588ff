"""Which files are photos: by content, because suffixes lie, and by suffix, for what to say of the others."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    *(".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs"),
    *(".png", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"),
}

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}

_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
"""Sizes in bytes of the info headers that follow ``BM``: two letters alone may begin a text."""

_AVIF_BRANDS = {b"avif", b"avis"}
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_ANY_CODEC_BRANDS = {b"mif1", b"mif2", b"msf1"}


def sniff(head: bytes) -> str | None:
    """The picture format that a file's first 64 bytes announce; None when they are no picture.

    AVIF, BMP, GIF, HEIF, JPEG (which an MPO is, too), PNG, TIFF or WEBP.
    """
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_ftyp(head)
    return None


def _sniff_ftyp(head: bytes) -> str | None:
    """HEIF and AVIF share a container; the codec is the major brand, else one of the compatible brands."""
    major = head[8:12]
    end = min(int.from_bytes(head[:4]), 64)
    brands = {major} if major not in _ANY_CODEC_BRANDS else {head[i : i + 4] for i in range(16, end, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEVC_BRANDS or major in _ANY_CODEC_BRANDS else None


def looks_like_photo(path: Path) -> bool:
    """Whether a file's name promises a photo, so that it is reported when the content is none."""
    return path.suffix.lower() in SUFFIXES
