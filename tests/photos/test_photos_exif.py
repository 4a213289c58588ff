from __future__ import annotations

import logging
from datetime import datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facecluster.photos import ExifFacts, read_exif

MAKE, MODEL, ORIENTATION, DATE_TIME = 0x010F, 0x0110, 0x0112, 0x0132
EXIF_IFD, ORIGINAL, DIGITIZED = 0x8769, 0x9003, 0x9004
GPS_IFD = 0x8825


def block(
    tags: dict[int, object] | None = None,
    times: dict[int, str] | None = None,
    gps: dict[int, object] | None = None,
) -> bytes:
    exif = Image.Exif()
    exif.update(tags or {})
    exif.get_ifd(EXIF_IFD).update(times or {})
    exif.get_ifd(GPS_IFD).update(gps or {})
    return exif.tobytes()


def test_all_the_facts() -> None:
    data = block(
        {MAKE: "Canon", MODEL: "EOS 5D", ORIENTATION: 6},
        {ORIGINAL: "2020:01:02 03:04:05"},
        {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)},
    )
    assert read_exif(data) == ExifFacts(datetime(2020, 1, 2, 3, 4, 5), "Canon EOS 5D", True, 6)
    assert read_exif(data.removeprefix(b"Exif\0\0")) == read_exif(data)


def test_no_exif() -> None:
    assert read_exif(b"") == read_exif(b"Exif\0\0") == read_exif(block()) == ExifFacts(None, None, False, 1)


def test_whole_files() -> None:
    data = block({MODEL: "X100"}, {ORIGINAL: "2020:01:02 03:04:05"})
    for kind in ("JPEG", "TIFF"):
        file = BytesIO()
        Image.new("RGB", (8, 8)).save(file, kind, exif=data)
        assert read_exif(file.getvalue()) == ExifFacts(datetime(2020, 1, 2, 3, 4, 5), "X100"), kind


def test_times_by_precedence() -> None:
    times = {ORIGINAL: "2001:01:01 01:01:01", DIGITIZED: "2002:01:01 01:01:01"}
    tags: dict[int, object] = {DATE_TIME: "2003:01:01 01:01:01"}
    for year in (2001, 2002, 2003):
        facts = read_exif(block(tags, times))
        assert facts.taken_at == datetime(year, 1, 1, 1, 1, 1)
        times[ORIGINAL if year == 2001 else DIGITIZED] = "0000:00:00 00:00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020:01:02 03:04:05", datetime(2020, 1, 2, 3, 4, 5)),
        ("2020-01-02T03:04:05.678+01:00", datetime(2020, 1, 2, 3, 4, 5)),
        ("2020/01/02 03:04", datetime(2020, 1, 2, 3, 4)),
        ("0000:00:00 00:00:00", None),
        ("0001:01:01 00:00:00", None),
        ("2020:13:02 03:04:05", None),
        ("2020:02:30 03:04:05", None),
        ("2020:01:02 24:04:05", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    assert read_exif(block(times={ORIGINAL: text})).taken_at == expected


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("SONY  ", " DSC-H9\n", "SONY DSC-H9"),
        ("Canon", "", "Canon"),
        ("", "X100", "X100"),
        ("  ", "", None),
    ],
)
def test_camera(make: str, model: str, expected: str | None) -> None:
    assert read_exif(block({MAKE: make, MODEL: model})).camera == expected


def test_camera_that_is_no_utf8() -> None:
    data = block({MODEL: "Kamera abcde"}).replace(b"abcde", b"\xe4bcde")
    assert read_exif(data).camera == "Kamera äbcde"


@pytest.mark.parametrize("value", [0, 9, 60000])
def test_nonsense_orientation_is_upright(value: int) -> None:
    assert read_exif(block({ORIENTATION: value})).orientation == 1


def test_position_needs_both_coordinates() -> None:
    assert not read_exif(block(gps={1: "N", 2: (48.0, 8.0, 0.0)})).has_gps


@settings(deadline=None)  # a wrong count of tags can keep exifread busy for 0.3 s
@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6))
def test_damage_is_never_raised_nor_logged(cut: int, flips: list[tuple[int, int]]) -> None:
    good = block({MAKE: "Canon", ORIENTATION: 6}, {ORIGINAL: "2020:01:02 03:04:05"}, {2: (1.0, 2.0, 3.0)})
    bad = bytearray(good[: 6 + cut % len(good)])
    for at, value in flips:
        bad[at % len(bad)] = value
    facts = read_exif(bytes(bad))
    assert 1 <= facts.orientation <= 8


def test_exifread_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read_exif(b"no EXIF at all")
        read_exif(block({MODEL: "X"})[:-9])
        read_exif(b"\xff\xd8 a JPEG without EXIF")
    assert [record.name for record in caplog.records if record.name.startswith("exifread")] == []
