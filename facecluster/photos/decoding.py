"""Upright RGB pixels of a photo, no larger than they are needed, or a sentence that says why not.

Pillow's decoders are called by name, not through ``Image.open``: the kind is known from the content, no other
decoder may guess, an MPO is its first picture, and ``Image.open`` would refuse phones of 200 megapixels.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import cast

from PIL.ImageFile import ImageFile

from facecluster.errors import UnreadablePhotoError
from facecluster.photos import jpeg
from facecluster.photos.exif import read_exif
from facecluster.photos.kinds import sniff
from facecluster.photos.memory import Memory
from facecluster.photos.pixels import reduced, rgb, upright
from facecluster.photos.raw import NO_PICTURE, RawPhoto, read_file
from facecluster.records import Photo, UInt8

# Without a handler of its own, Pillow's rare remarks on odd TIFFs would be printed to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

MAX_PIXELS = 300_000_000
"""The largest JPEG that is decoded, at an eighth to a half: room for 200-megapixel phones."""

MAX_FULL_PIXELS = 100_000_000
"""The most pixels that are decoded in full, an end to decompression bombs: at up to 12 bytes a pixel, 1.2 GB.

The header is compared with the limit before anything is decoded. Pillow's own guard stays on as it is.
"""

LARGE_PIXELS = 25_000_000
"""Of pictures with more pixels than this one is decoded at a time, whatever the number of workers."""

_one_at_a_time = threading.Lock()

_DECODERS = {
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
}
_UPRIGHT_DECODERS = {"HEIF", "TIFF"}
"""Kinds whose decoder has already applied the orientation."""

_DAMAGED = "the picture data is damaged; copy the file again from its source"
_ENDS_EARLY = "the picture data ends early; copy the file again from its source"
_TOO_LARGE = "a picture too large to be decoded safely; save it smaller"
_UNSUPPORTED = "a variety of {kind} that cannot be read; save it as JPEG"
_REASONS = (
    (r"truncated|end of file|premature|not enough", _ENDS_EARLY),
    (r"decompression bomb", _TOO_LARGE),
    (r"not supported|unsupported (feature|codec)|not installed|unknown pixel mode|no module", _UNSUPPORTED),
)


@dataclass(frozen=True, slots=True)
class OpenPhoto:
    """A decoded photo.

    ``pixels`` are (H, W, 3) uint8, upright RGB; there are ``scale`` of them per full-size pixel (1/n for a whole
    n): a point of them divided by ``scale`` is a point of the photo, to within one of these pixels.
    """

    photo: Photo
    pixels: UInt8
    scale: float


def open_photo(path: Path, max_side: int | None = None) -> OpenPhoto:
    """Read, hash and decode one file; see ``read_file`` and ``decode``."""
    return decode(read_file(path), max_side)


def decode(raw: RawPhoto, max_side: int | None = None, memory: Memory | None = None) -> OpenPhoto:
    """Decode to upright RGB; may be called again, at another size and from several threads.

    With ``max_side`` (pixels) the picture is reduced by a whole factor, so that its longer side is at least
    ``max_side`` and less than twice that, or its full size if that is smaller; without it, it is decoded in
    full. Of an animation or a sequence the first (HEIF: the primary) picture counts. With ``memory`` the pixels
    may lie in a block of it, until the block is given back.

    Raises UnreadablePhotoError, and nothing else, for whatever is wrong with the bytes.
    """
    kind = sniff(raw.data[:64])
    if kind is None:
        raise UnreadablePhotoError(raw.path, NO_PICTURE)
    _ignore_pillow_warnings()
    try:
        return _decode(raw, kind, max_side, memory)
    except UnreadablePhotoError:
        raise
    except Exception as error:  # on damaged bytes a decoder may raise anything
        raise UnreadablePhotoError(raw.path, _reason(error, kind)) from error


def _decode(raw: RawPhoto, kind: str, max_side: int | None, memory: Memory | None) -> OpenPhoto:
    image = _open(raw.data, kind)
    width, height = image.size
    limit = MAX_PIXELS if kind == "JPEG" else MAX_FULL_PIXELS
    if width * height > limit:
        raise UnreadablePhotoError(raw.path, f"{width} × {height} pixels: {_TOO_LARGE}")
    shrunk = _draft(image, max_side) if kind == "JPEG" and max_side else 1
    with _one_at_a_time if image.width * image.height > LARGE_PIXELS else nullcontext():
        quick = kind == "JPEG" and image.mode in jpeg.MODES
        pixels = jpeg.pixels(raw.data, image.size, memory) if quick else None
        return _finish(raw, kind, image, pixels, (width, height), shrunk, max_side)


def _finish(
    raw: RawPhoto,
    kind: str,
    image: ImageFile,
    pixels: UInt8 | None,
    size: tuple[int, int],
    shrunk: int,
    max_side: int | None,
) -> OpenPhoto:
    """Decode the pixels, if they are not yet; ``size`` is the full size in the header, ``shrunk`` its divisor."""
    if pixels is None:
        image.load()
    width, height = size if shrunk > 1 else image.size  # a HEIF's true size is known only now
    facts = read_exif(raw.data if kind == "TIFF" else image.info.get("exif", b""))
    factor = max(1, max(image.size) // max_side) if max_side else 1
    pixels = rgb(image, factor) if pixels is None else reduced(pixels, factor)
    if kind not in _UPRIGHT_DECODERS:
        pixels = upright(pixels, facts.orientation)
        if facts.orientation >= 5:
            width, height = height, width
    photo = Photo(raw.sha256, kind, width, height, facts.taken_at, facts.camera, facts.has_gps)
    return OpenPhoto(photo, pixels, 1 / (shrunk * factor))


def _open(data: bytes, kind: str) -> ImageFile:
    """Read the header. A bad EXIF block makes the AVIF decoder refuse the picture, so then it is hidden."""
    try:
        return _decoder(kind)(BytesIO(data))
    except Exception:
        if kind != "AVIF" or b"Exif" not in data:
            raise
        return _decoder(kind)(BytesIO(data.replace(b"Exif", b"none")))


@cache
def _decoder(kind: str) -> type[ImageFile]:
    module, name = _DECODERS[kind]
    return cast("type[ImageFile]", getattr(import_module(module), name))


def _draft(image: ImageFile, max_side: int) -> int:
    """Let the JPEG decoder shrink by 2, 4 or 8, which skips most of the inverse DCT; the factor it chose."""
    width, height = image.size
    wanted = next((n for n in (8, 4, 2) if -(-max(width, height) // n) >= max_side), 1)
    done = image.draft("RGB", (max(1, width // wanted), max(1, height // wanted)))
    return round(width / done[1][2]) if done else 1


def _ignore_pillow_warnings() -> None:
    """Keep Pillow's remarks on odd tags off stderr.

    They come through ``warnings``, and ``catch_warnings`` around each picture is not safe with several
    threads, so one filter is set and stays. It is put back when someone (a test) has reset the filters.
    """
    wanted = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
    if not warnings.filters or warnings.filters[0] != wanted:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _reason(error: Exception, kind: str) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory to decode the picture"
    text = "truncated" if isinstance(error, EOFError) else str(error).lower()
    reason = next((reason for pattern, reason in _REASONS if re.search(pattern, text)), _DAMAGED)
    return reason.format(kind=kind)
