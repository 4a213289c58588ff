"""Teachers who are asked during the training, because they are shown pictures that were not there before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np

from facecluster.embeddings import embed
from facecluster.errors import UsageError
from facecluster.pipeline.portraits import in_parallel
from facecluster.records import Float32
from facecluster.training.scenes import Scene, Scenes
from facecluster.training.targets import Space, Teacher

ASKED = 4000
"""Faces that the space of the teachers is fitted to."""

BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Teachers, and the space in which what they say is brought together."""

    teachers: tuple[Teacher, ...]
    space: Space

    @classmethod
    def fit(
        cls,
        teachers: Sequence[Teacher],
        scenes: Scenes,
        dimension: int,
        seed: int,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Self:
        """A panel whose space of ``dimension`` suits up to 4,000 of the scenes' faces, none mixed with another."""
        generator = np.random.default_rng(seed)
        rows, done = generator.permutation(scenes.rows)[:ASKED], 0
        parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        generators = generator.spawn(len(parts))

        def asked(number: int) -> list[Float32]:
            """What the teachers say of a part of the faces."""
            shown = [scenes.of(int(row), generators[number], alone=True) for row in parts[number]]
            return _ask(teachers, shown, scenes.given.sides[parts[number]])

        said: list[list[Float32]] = []
        with closing(in_parallel(asked, range(len(parts)))) as answers:
            for part, answer in zip(parts, answers, strict=True):
                said.append(answer)
                done += len(part)
                on_progress(done, len(rows))
        each = [np.concatenate(vectors) for vectors in zip(*said, strict=True)]
        return cls(tuple(teachers), Space.fit(each, [teacher.weight for teacher in teachers], dimension))

    def say(self, scenes: Sequence[Scene], sides: Float32) -> Float32:
        """Where the teachers together see N faces: (N, E) float32, unit length. ``sides`` (N, 2) are as in
        `TrainingFaces`."""
        return self.space.project(_ask(self.teachers, scenes, sides))

    def save(self, file: Path) -> None:
        """Keep the space, whole or not at all; readable by its owner alone."""
        arrays = {f"mean{i}": mean for i, mean in enumerate(self.space.means)}
        part = file.with_name(f".{file.name}.part")
        with part.open("wb") as opened:
            part.chmod(0o600)
            np.savez(opened, components=self.space.components, **arrays)  # type: ignore[arg-type]
        part.replace(file)

    @classmethod
    def load(cls, file: Path, teachers: Sequence[Teacher]) -> Self:
        """The panel of these teachers whose space was kept. Raises ``UsageError`` when the file is damaged."""
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
                means = tuple(kept[f"mean{i}"] for i in range(len(teachers)))
                space = Space(means, tuple(teacher.weight for teacher in teachers), kept["components"])
        except (OSError, ValueError, LookupError, BadZipFile, EOFError) as error:
            raise UsageError(f"{file} is damaged: begin the training anew.") from error
        return cls(tuple(teachers), space)


def _ask(teachers: Sequence[Teacher], scenes: Sequence[Scene], sides: Float32) -> list[Float32]:
    """What each teacher says of the scenes: (N, D)."""
    chips, landmarks = np.stack([each.chip for each in scenes]), np.stack([each.landmarks for each in scenes])
    return [embed(chips, landmarks, sides, teacher.embedder) for teacher in teachers]
