"""File names that Linux, macOS and Windows all accept, and what to call the second of two alike."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePath

FOLDER_BYTES = 120
"""A person's folder name is cut here; it leaves room in the 260 characters of a Windows path."""

FILE_BYTES = 255
"""The longest file name that common file systems take."""

FORBIDDEN = '<>:"/\\|?*'
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
JOINERS = "\u200c\u200d\ufe0f"


def safe_name(title: str) -> str:
    """``title`` as a folder name that every system accepts: never empty, hidden, reserved or too long."""
    text = unicodedata.normalize("NFC", title)
    text = "".join("_" if c in FORBIDDEN or unicodedata.category(c) in UNPRINTABLE else c for c in text)
    text = cut(text.strip(), FOLDER_BYTES).rstrip(" .")
    if text.startswith(".") or DEVICES.match(text):
        text = "_" + text
    return text or "_"


def cut(name: str, limit: int) -> str:
    """The longest start of ``name`` within ``limit`` bytes that splits no character from its accents."""
    size = end = 0
    for i, char in enumerate(name):
        size += len(char.encode("utf-8", "surrogatepass"))
        if size > limit:
            break
        end = i + 1
    while 0 < end < len(name) and _joined(name, end):
        end -= 1
    return name[:end]


def _joined(name: str, at: int) -> bool:
    return bool(unicodedata.combining(name[at])) or name[at] in JOINERS or name[at - 1] == "\u200d"


def name_key(name: str) -> str:
    """Equal for names that some file system takes for one: differing in case or in Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def numbered(name: str) -> Iterator[str]:
    """``name``, then ``name (2)``, ``name (3)``, …"""
    yield name
    for number in itertools.count(2):
        yield f"{name} ({number})"


def numbered_file(name: str) -> Iterator[str]:
    """``index.html``, then ``index (2).html``, …"""
    path = PurePath(name)
    return (again + path.suffix for again in numbered(path.stem))


def photo_names(name: str, sha256: str) -> Iterator[str]:
    """``IMG_1.jpg``, then ``IMG_1 (a1b2c3).jpg`` by the photo's content, then with more of its digits."""
    yield name
    path = PurePath(name)
    for digits in (6, 12, 24, 64):
        tail = f" ({sha256[:digits]}){path.suffix}"
        yield cut(path.stem, FILE_BYTES - len(tail.encode("utf-8", "surrogatepass"))) + tail
    yield from numbered_file(f"{sha256}{path.suffix}")


def remembered_form(name: str, candidates: Iterator[str]) -> bool:
    """Whether ``name``, given by an earlier export, is among the first hundred ``candidates``."""
    return name in itertools.islice(candidates, 100)
