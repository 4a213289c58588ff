"""A page of questions with pictures of the faces: one file that opens from disk and needs no network."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template
from typing import Any

from facecluster.albums.crops import thumbnail
from facecluster.records import Box

SIDE = 128


@dataclass(frozen=True, slots=True)
class Card:
    """A question: its ``text``, a ``note``, what the answer has to be saved with, and faces on two sides.

    Each side has a caption and the numbers of its faces.
    """

    text: str
    note: str
    saved: dict[str, Any]
    sides: tuple[tuple[str, tuple[int, ...]], tuple[str, tuple[int, ...]]]


def render_questions(cards: Sequence[Card], face_of: Callable[[int], tuple[bytes, Box] | None]) -> bytes:
    """The page, UTF-8; ``face_of`` gives the chip (JPEG) and the box of a face. Answers are saved as JSON."""
    page = Template(resources.files(__package__).joinpath("questions.html").read_text("utf-8"))
    heading = f"{len(cards)} question{'' if len(cards) == 1 else 's'}" if cards else "No questions"
    hint = "Keys: y yes, n no, s skip, arrows up and down. Nothing is changed before the answers are read in."
    return page.substitute(
        heading=heading, hint=hint, questions="\n".join(_card(card, face_of) for card in cards)
    ).encode()


def _card(card: Card, face_of: Callable[[int], tuple[bytes, Box] | None]) -> str:
    saved = escape(json.dumps(card.saved), quote=True)
    sides = "".join(_side(caption, faces, face_of) for caption, faces in card.sides)
    buttons = "".join(
        f'<button type="button" class="{said.lower()}" aria-pressed="false">{said}</button> '
        for said in ("Yes", "No")
    )
    title = f"<h2>{escape(card.text)} <small>{escape(card.note)}</small></h2>"
    return f'<li data-question="{saved}">{title}<div class="faces">{sides}</div>{buttons}</li>'


def _side(caption: str, faces: tuple[int, ...], face_of: Callable[[int], tuple[bytes, Box] | None]) -> str:
    images = "".join(_image(face, caption, face_of(face)) for face in faces)
    return f'<figure><div class="side">{images}</div><figcaption>{escape(caption)}</figcaption></figure>'


def _image(face: int, caption: str, found: tuple[bytes, Box] | None) -> str:
    data = thumbnail(*found, SIDE) if found else None
    if data is None:
        return ""
    source = base64.b64encode(data).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{source}" alt="{escape(caption)}, face {face}" loading="lazy">'
