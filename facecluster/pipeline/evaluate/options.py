"""What is measured with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facecluster.faces import DetectOptions
from facecluster.faces.options import DetectorName
from facecluster.pipeline import networks
from facecluster.pipeline.portraits import Portrayer


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """The ``models``, by name, each once, and where they run.

    With ``flip``, an embedding is the mean of those of the crop and of its mirror image, of unit length again.
    ``attributes`` is a CSV file of what is known of the people; see ``labels``. ``detector``: see
    ``faces.DetectOptions``.
    """

    models: tuple[str, ...]
    device: str = "auto"
    flip: bool = False
    attributes: Path | None = None
    detector: DetectorName = "mtcnn"

    def load(self) -> Portrayer:
        """The networks. Raises ``UsageError`` for an unknown model or device, ``WeightsError``."""
        return networks.portrayer(
            self.models, self.device, flip=self.flip, options=DetectOptions(detector=self.detector)
        )
