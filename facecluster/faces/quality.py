"""How good a face is for recognition: is it sharp, and does it look at the camera?"""

from __future__ import annotations

import cv2
import numpy as np

from facecluster.records import CHIP_BOX, CHIP_SIZE, Float32, UInt8

GREY_SIDE = 112
"""The face is brought to this many pixels before its sharpness is measured, so that faces compare."""


def sharpness(chip: UInt8) -> float:
    """Variance of the Laplacian of the grey face inside the box (Pech-Pacheco et al., ICPR 2000).

    ``chip`` is (224, 224, 3) uint8 RGB. A face that was small in its photo has little detail at 112 pixels,
    so it counts as blurred too. Grey levels squared; from about 5 (blurred) to over 1,000 (crisp).
    """
    edge = (CHIP_SIZE - CHIP_BOX) // 2
    grey = cv2.cvtColor(chip[edge:-edge, edge:-edge], cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (GREY_SIDE, GREY_SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def frontality(landmarks: Float32) -> float:
    """1 where the nose is midway between the eyes and between the mouth's corners, 0 where it passes one.

    ``landmarks`` is (5, 2), in any pixels. The nose is projected on the line through the eyes' and the line
    through the mouth's ends; the worse of the two counts.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks.astype(np.float64)
    return min(_midway(nose, left_eye, right_eye), _midway(nose, left_mouth, right_mouth))


def _midway(point: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    line = right - left
    length = float(line @ line)
    if length == 0:
        return 0.0
    share = float((point - left) @ line) / length  # 0 at the left end, 1 at the right one
    return max(0.0, 1 - 2 * abs(share - 0.5))
