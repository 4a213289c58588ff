"""What the detector looks for; apart from it, so that to say so loads no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from facecluster.errors import UsageError

DetectorName = Literal["mtcnn", "yunet"]


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """What the detector looks for. Two scans with different options may find different faces."""

    max_side: int = 1000
    """A photo of up to 4 · ``max_side``² pixels, four megapixels, is searched as it is. A larger one is searched
    at a half, a third, a quarter … of its size where its longer side has 2, 3, 4 … times ``max_side`` pixels: one
    of 12 megapixels at 1000 × 750."""

    min_face: int = 20
    """Shortest side of a face, in pixels of the photo as it is searched."""

    min_score: float = 0.7
    """Least probability of a face; O-Net's threshold in MTCNN's published code."""

    detector: DetectorName = "mtcnn"
    """What proposes faces to O-Net: P- and R-Net of MTCNN, or YuNet, which is about twice as quick, misses some
    small and doubtful ones, and needs the extra ``sface``."""

    def __post_init__(self) -> None:
        if self.detector not in get_args(DetectorName):
            raise UsageError(
                f"There is no detector {self.detector!r}; there are {' and '.join(get_args(DetectorName))}."
            )

    def key(self) -> str:
        """The options as the library remembers them: the same text for the same search, in every version."""
        detector = "" if self.detector == "mtcnn" else f" detector={self.detector}"
        return f"max_side={self.max_side} min_face={self.min_face} min_score={self.min_score:g}{detector}"
