"""The contact sheet: self-contained, escaped, bounded."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from facecluster import albums
from facecluster.albums import PersonFolder
from facecluster.albums.crops import ChipOf, thumbnail
from facecluster.albums.sheet import budget, digest, render
from facecluster.records import Album, AlbumFace, Box


def chip() -> bytes:
    """A chip of a box twice as high as wide: red above and below the middle half, blue there."""
    image = Image.new("RGB", (224, 224), "red")
    image.paste("blue", (0, 56, 224, 168))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def face(number: int, year: int = 2019, **changes: object) -> AlbumFace:
    made = AlbumFace(
        number,
        Path(f"/p/{number}.jpg"),
        f"{number:064x}",
        400,
        300,
        Box(0, 0, 100, 200),
        datetime(year, 5, 12),
        0.41,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def person(title: str, *faces: AlbumFace, number: int = 1) -> PersonFolder:
    photos = {f.sha256: f"{title}/{f.photo.name}" for f in faces}
    return PersonFolder(Album(number, title, faces), title, photos, {})


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, *people: PersonFolder, chip_of: ChipOf = lambda face_id: chip()) -> None:
        super().__init__()
        self.source = b"".join(render(people, chip_of)).decode()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_nothing_is_asked_of_a_network() -> None:
    page = Page(person("Ann", face(1)))
    assert not re.search(r"https?:|//\w", page.source)
    [policy] = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data: file:;")
    assert all("src" not in script for script in page.all("script"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]


def test_names_are_escaped_everywhere() -> None:
    evil = '<script>alert(1)</script>"&'
    page = Page(person(evil, face(1, photo=Path("/p/<b>\"'.jpg"))))
    assert len(page.all("script")) == 1
    assert page.all("b") == []
    assert page.all("img")[0]["alt"] == f"{evil}, 12 May 2019"
    assert str(page.all("li")[0]["title"]).startswith("<b>\"'.jpg\n")
    assert evil in page.text


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_links_lead_to_photos_whatever_their_names() -> None:
    names = [b"100% #1?.jpg", "zo\u00eb \u65e5.jpg".encode(), b"latin-\xe9.jpg", b"a:b&c.jpg"]
    faces = [face(i, photo=Path("/p") / os.fsdecode(name)) for i, name in enumerate(names)]
    page = Page(person("Ann", *faces))
    links = [str(a["href"]) for a in page.all("a")]
    assert links[0] == "Ann/"
    assert all(re.fullmatch(r"[\w./%~-]+", link, re.ASCII) for link in links)
    assert [unquote_to_bytes(link) for link in links[1:]] == [b"Ann/" + name for name in names]
    assert "latin-�.jpg" in page.source


def test_a_heading_counts_photos_and_years() -> None:
    page = Page(person("Ann", face(1, 2011), face(2, 2024), face(3, 2024, sha256=f"{2:064x}")))
    assert "Ann 2 photos · 2011–2024" in page.text
    assert "1 person · 2 photos · 2011–2024" in page.text
    alone = Page(person("Bob", face(1, taken_at=None)))
    assert "Bob 1 photo " in alone.text
    assert alone.all("img")[0]["alt"] == "Bob"


def test_a_face_tells_its_state() -> None:
    page = Page(person("Ann", face(1, confirmed=True), face(2, distance=None)))
    sure, plain = page.all("li")
    assert (sure["class"], sure["title"]) == ("sure", "1.jpg\n12 May 2019 · distance 0.41 · confirmed")
    assert ("class" in plain, plain["title"]) == (False, "2.jpg\n12 May 2019")


def test_a_vanished_photo_has_a_face_but_no_link() -> None:
    page = Page(PersonFolder(Album(1, "Ann", (face(1),)), None, {}, {}))
    assert page.all("a") == []
    assert len(page.all("img")) == 1
    assert page.all("li")[0]["class"] == "gone"


def test_a_missing_or_damaged_chip_leaves_an_empty_tile() -> None:
    page = Page(person("Ann", face(1), face(2)), chip_of={2: b"no picture"}.get)
    assert page.all("img") == []
    assert [span["aria-label"] for span in page.all("span") if "role" in span] == ["Ann, 12 May 2019"] * 2


def test_thumbnails_are_the_middle_square_in_true_proportions() -> None:
    data = thumbnail(chip(), face(1).box, 96)
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (96, 96))
        for x, y in ((48, 2), (2, 48), (93, 48), (48, 93)):
            pixel = image.getpixel((x, y))
            assert isinstance(pixel, tuple)
            assert pixel[2] > 150 > pixel[0]


def test_thumbnails_are_in_the_page_and_have_their_size() -> None:
    [image] = Page(person("Ann", face(1))).all("img")
    kind, _, data = str(image["src"]).partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (160, 160) == (int(str(image["width"])), int(str(image["height"])))


def test_a_person_of_many_faces_shows_a_few_of_all_years_and_a_way_to_the_rest() -> None:
    faces = [face(i, 2000 + i // 10) for i in range(100)]
    page = Page(person("Ann & Co", *faces))
    assert len(page.all("img")) == 23
    shown = [int(str(item["title"]).split(".")[0]) for item in page.all("li")[:-1] if item.get("title")]
    assert (shown[0], shown[-1]) == (0, 99)
    assert max(b - a for a, b in pairwise(shown)) <= 5
    more = page.all("a")[-1]
    assert (more["href"], more["aria-label"]) == ("Ann%20%26%20Co/", "77 more of Ann & Co: open the folder")
    assert page.all("section")[0]["style"] == "--n:24"


@pytest.mark.parametrize(
    ("people", "faces", "tiles", "side"),
    [(1, 5, 24, 160), (166, 24, 24, 160), (167, 24, 24, 96), (1000, 30, 12, 96), (8000, 30, 2, 96)],
)
def test_the_page_has_a_budget(people: int, faces: int, tiles: int, side: int) -> None:
    limits = budget([person("Ann", *[face(1)] * faces)] * people)
    assert (limits.tiles, limits.side) == (tiles, side)


def test_the_digest_changes_with_what_is_shown() -> None:
    ann = person("Ann", face(1))
    changed = [
        person("Anna", face(1)),
        person("Ann", face(1, confirmed=True)),
        person("Ann", face(1, box=Box(0, 0, 100, 100))),
        person("Ann", face(1), face(2)),
        replace(ann, photos={}),
    ]
    digests = [digest([one]) for one in [ann, *changed]]
    assert len(set(digests)) == len(digests)
    assert digest([person("Ann", face(1))]) == digests[0]


def test_an_empty_library_says_so(tmp_path: Path) -> None:
    result = albums.apply(albums.plan([], tmp_path / "out"), lambda face_id: None)
    assert "Nobody yet" in result.sheet.read_text()
