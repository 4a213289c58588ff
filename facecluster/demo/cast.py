"""The people of the demo library: faces by chance, of which those least alike were kept.

Out of 300 seeds these are the ones whose embeddings (FaceNet, CASIA-WebFace) lay farthest apart. Between the
photos of two people the squared distance is at the median at least 1.2 for the first 8, 1.05 for the first 12
and 0.8 for all 24; between two photos of one person it is 0.3. Because they were picked so, a demo that goes
well says nothing about accuracy.
"""

from __future__ import annotations

import numpy as np

from facecluster.demo.head import Looks
from facecluster.errors import UsageError

_SEEDS = {
    "Anna": 81, "Bella": 195, "Clara": 12, "David": 219, "Emil": 199, "Faris": 40, "Georg": 64, "Hana": 295,
    "Idris": 146, "Jonas": 82, "Kira": 239, "Leila": 266, "Marco": 120, "Nora": 143, "Olga": 171, "Pavel": 21,
    "Quentin": 63, "Rosa": 48, "Sara": 165, "Tomas": 299, "Ulrich": 159, "Vera": 73, "Wanda": 49, "Xaver": 216,
}  # fmt: skip
NAMES = tuple(_SEEDS)

_SKINS = (
    (250, 214, 198),
    (236, 184, 160),
    (226, 182, 130),
    (186, 132, 98),
    (150, 98, 70),
    (112, 72, 53),
    (84, 57, 45),
)
_HAIRS = (
    (20, 18, 18),
    (52, 36, 26),
    (96, 62, 38),
    (150, 78, 36),
    (206, 162, 96),
    (206, 204, 200),
    (120, 116, 112),
)
_CLOTHS = ((150, 30, 40), (40, 70, 140), (30, 110, 90), (220, 200, 170), (90, 50, 110))
_WOMENS = ("long", "wavy", "fringe", "curly", "afro", "back", "scarf")
_MENS = ("short", "parted", "buzz", "receding", "bald", "curly", "afro", "back")


def stranger(rng: np.random.Generator) -> Looks:
    """A person by chance."""
    woman = rng.random() < 0.5
    age = float(np.clip(rng.normal(0.3, 0.4), 0, 1))
    dark = int(rng.integers(len(_SKINS)))
    skin = _SKINS[dark]
    hair = _HAIRS[int(rng.integers(len(_HAIRS)))] if dark < 3 else _HAIRS[int(rng.integers(2))]
    if age > 0.75:
        hair = _HAIRS[5]
    red = 0.75 if woman and rng.random() < 0.5 else 1.0
    beards = ("", "", "full", "full", "goatee", "moustache", "stubble")
    frames = ("", "", "", "round", "square", "thin", "thin")
    return Looks(
        width=rng.uniform(0.86, 1.17),
        length=rng.uniform(0.88, 1.14),
        jaw=rng.uniform(-0.5, 0.1) if woman else rng.uniform(-0.2, 0.7),
        chin=rng.uniform(-0.5, 0.8),
        cheeks=rng.uniform(0, 0.8),
        fat=rng.uniform(-1.0, 1.2),
        brow_ridge=0.0 if woman else rng.uniform(0, 0.8),
        nose_length=rng.uniform(0.78, 1.2),
        nose_width=rng.uniform(0.75, 1.6),
        nose_height=rng.uniform(0.65, 1.25),
        nose_bridge=rng.uniform(-0.8, 0.8),
        eye_distance=rng.uniform(0.9, 1.12),
        eye_size=rng.uniform(0.75, 1.35),
        eye_tilt=rng.uniform(-0.6, 0.8),
        lips=rng.uniform(0.5, 1.8),
        mouth_width=rng.uniform(0.8, 1.2),
        skin=skin,
        lip_colour=(int(skin[0] * 0.82), int(skin[1] * 0.60 * red), int(skin[2] * 0.66 * red)),
        iris=((60, 38, 24), (80, 120, 150), (96, 120, 80), (40, 26, 18))[int(rng.integers(4)) if dark < 3 else 0],
        brow_thickness=rng.uniform(0.4, 1.1) if woman else rng.uniform(0.8, 2.2),
        brow_arch=rng.uniform(-0.5, 1.1),
        hair=str(rng.choice(_WOMENS if woman else _MENS)),
        hair_colour=hair,
        beard="" if woman else str(rng.choice(beards)),
        beard_colour=hair,
        glasses=str(rng.choice(frames)),
        glasses_colour=((20, 18, 18), (120, 30, 40), (150, 120, 60))[int(rng.integers(3))],
        scarf_colour=_CLOTHS[int(rng.integers(len(_CLOTHS)))],
        age=age,
        freckles=0.6 if dark == 0 and rng.random() < 0.4 else 0.0,
        makeup=rng.uniform(0, 1.2) if woman else 0.0,
        texture_seed=int(rng.integers(1 << 30)),
    )


def people_of(count: int) -> dict[str, Looks]:
    """The first ``count`` people by name. Raises UsageError for fewer than one or more than there are."""
    if not 1 <= count <= len(NAMES):
        raise UsageError(f"The demo library has between 1 and {len(NAMES)} people, not {count}.")
    return {name: stranger(np.random.default_rng(_SEEDS[name])) for name in NAMES[:count]}
