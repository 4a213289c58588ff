"""``index.html``: a contact sheet of everyone, in one file that opens from disk and needs no network.

Its weight is bounded. A person shows at most 24 tiles, fewer when all together would be more than 12,000
thumbnails; up to 4,000 thumbnails are 160 pixels wide (about 6 KB each in the page), more are 96 pixels wide
(about 3 KB). So the page stays below about 40 MB, whatever the library.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib import resources
from string import Template
from urllib.parse import quote

from facecluster.albums.crops import ChipOf, thumbnail
from facecluster.albums.index import render as render_index
from facecluster.albums.layout import PersonFolder
from facecluster.records import AlbumFace

TILES = 24
MOST_THUMBNAILS = 12_000
LARGE, LARGE_UP_TO = 160, 4_000
SMALL = 96


@dataclass(frozen=True, slots=True)
class Budget:
    """``tiles`` per person, the one that says how many more included; thumbnails are ``side`` pixels wide."""

    tiles: int
    side: int


def budget(people: Sequence[PersonFolder]) -> Budget:
    """The most tiles, and the larger thumbnails, that keep the page light."""
    counts = [len(person.album.faces) for person in people]
    tiles = next((n for n in range(TILES, 2, -1) if sum(min(n, c) for c in counts) <= MOST_THUMBNAILS), 2)
    total = sum(min(tiles, count) for count in counts)
    return Budget(tiles, LARGE if total <= LARGE_UP_TO else SMALL)


def digest(people: Sequence[PersonFolder]) -> str:
    """Of everything that the page is made from, hex: the same digest, the same page."""
    made_from = hashlib.sha256(render_index(people))
    for name in ("sheet.html", "sheet.css", "sheet.js"):
        made_from.update(_packaged(name).encode())
    made_from.update(repr(budget(people)).encode())
    return made_from.hexdigest()


def render(people: Sequence[PersonFolder], chip_of: ChipOf) -> Iterator[bytes]:
    """The page, UTF-8, piece by piece; chips are asked for one at a time."""
    page = Template(_packaged("sheet.html")).substitute(
        css=_packaged("sheet.css"),
        js=_packaged("sheet.js"),
        summary=_summary(people),
        people="\0",
        empty="" if people else '<p class="nobody">Nobody yet. Scan a folder of photos first.</p>\n',
    )
    before, after = page.split("\0")
    yield before.encode()
    yield b'<div class="people">\n'
    limits = budget(people)
    for person in people:
        yield _person(person, limits, chip_of).encode()
    yield b"</div>\n"
    yield after.encode()


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _summary(people: Sequence[PersonFolder]) -> str:
    faces = [face for person in people for face in person.album.faces]
    photos = len({face.sha256 for face in faces})
    return " · ".join(filter(None, (_count(len(people), "person", "people"), _photos(photos), _years(faces))))


def _person(person: PersonFolder, limits: Budget, chip_of: ChipOf) -> str:
    faces = person.album.faces
    shown = _shown(faces, limits.tiles)
    title = _text(person.album.title)
    heading = f'<a href="{_url(person.folder)}/">{title}</a>' if person.folder else title
    facts = " · ".join(filter(None, (_photos(len({face.sha256 for face in faces})), _years(faces))))
    tiles = [_tile(person, face, limits.side, chip_of(face.face_id)) for face in shown]
    if len(shown) < len(faces):
        tiles.append(_more(person, len(faces) - len(shown)))
    return (
        f'<section class="person" style="--n:{len(tiles)}">\n'
        f'<header><h2 dir="auto">{heading}</h2><p>{facts}</p></header>\n'
        f'<ul class="faces">\n{"".join(tiles)}</ul>\n</section>\n'
    )


def _shown(faces: Sequence[AlbumFace], tiles: int) -> Sequence[AlbumFace]:
    """All faces, or so many that one tile is left, evenly spread over the years."""
    if len(faces) <= tiles:
        return faces
    last = max(tiles - 2, 1)
    return [faces[i * (len(faces) - 1) // last] for i in range(tiles - 1)]


def _tile(person: PersonFolder, face: AlbumFace, side: int, chip: bytes | None) -> str:
    path = person.photos.get(face.sha256)
    kinds = " ".join(filter(None, ("sure" if face.confirmed else "", "" if path else "gone")))
    image = _image(person, face, side, chip)
    if path:
        image = f'<a href="{_url(path)}" target="_blank" rel="noopener">{image}</a>'
    mark = f' class="{kinds}"' if kinds else ""
    return f'<li{mark} title="{_hint(face, path)}">{image}</li>\n'


def _image(person: PersonFolder, face: AlbumFace, side: int, chip: bytes | None) -> str:
    when = f", {_day(face.taken_at)}" if face.taken_at else ""
    alt = _text(person.album.title) + when + (", confirmed" if face.confirmed else "")
    data = thumbnail(chip, face.box, side)
    if data is None:
        return f'<span class="none" role="img" aria-label="{alt}"></span>'
    source = base64.b64encode(data).decode("ascii")
    size = f'width="{side}" height="{side}"'
    return f'<img src="data:image/jpeg;base64,{source}" alt="{alt}" {size} loading="lazy" decoding="async">'


def _hint(face: AlbumFace, path: str | None) -> str:
    facts = (
        _day(face.taken_at) if face.taken_at else "",
        "" if face.distance is None else f"distance {face.distance:.2f}",
        "confirmed" if face.confirmed else "",
        "" if path else "the photo is not there any more",
    )
    return _text(face.photo.name) + "&#10;" + " · ".join(filter(None, facts))


def _more(person: PersonFolder, count: int) -> str:
    text = f"<b>+{count:,}</b> more"
    if person.folder is None:
        return f'<li><span class="more none">{text}</span></li>\n'
    label = f"{count:,} more of {_text(person.album.title)}: open the folder"
    return f'<li><a class="more" href="{_url(person.folder)}/" aria-label="{label}">{text}</a></li>\n'


def _photos(count: int) -> str:
    return _count(count, "photo", "photos")


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _years(faces: Sequence[AlbumFace]) -> str:
    years = sorted({face.taken_at.year for face in faces if face.taken_at})
    if not years:
        return ""
    return f"{years[0]}" if years[0] == years[-1] else f"{years[0]}–{years[-1]}"


def _day(when: datetime) -> str:
    return f"{when.day} {when:%B} {when.year}"


def _url(path: str) -> str:
    return quote(os.fsencode(path), safe="/")


def _text(name: str) -> str:
    """``name`` for the page; bytes that are no UTF-8 show as �."""
    return escape(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
