"""Faces in a picture: OpenCV's YuNet from a local file, or InsightFace where it is installed.

Nothing is downloaded: YuNet is `face_detection_yunet_2023mar.onnx` of OpenCV's model zoo (MIT), and
InsightFace finds its models where its own tools have put them.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.core.errors import MissingTool, ModelError, UsageError
from studio.runtime.weights import find_weights, weights_folder

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

YUNET, INSIGHTFACE = "yunet", "insightface"
YUNET_FILE = "face_detection_yunet_2023mar.onnx"
# YuNet looks at a picture in steps of this many pixels.
_STEP = 32
_OVERLAP = 0.3
_LIMIT = 5000
_WHERE = (
    "Give its path with --face-model, or put {file} of OpenCV's model zoo into {folder}; nothing "
    "is downloaded unasked."
)


@dataclass(frozen=True, eq=False)
class Face:
    """box: (4,) float64 x1, y1, x2, y2 in pixels of the picture. score: 0..1. points: (5, 2) the
    person's right eye, left eye, nose, right and left corner of the mouth.
    """

    box: Floats
    score: float
    points: Floats

    @property
    def area(self) -> float:
        """Of the box, in pixels."""
        x1, y1, x2, y2 = self.box
        return float((x2 - x1) * (y2 - y1))


class FaceDetector(Protocol):
    """Finds the faces of a picture."""

    name: str

    def find(self, frame: Picture) -> tuple[Face, ...]:
        """The faces of (H, W, 3) uint8 BGR, the largest first."""
        ...


def open_face_detector(
    method: str = "auto", model: Path | None = None, *, size: int = 640, conf: float = 0.6
) -> FaceDetector:
    """The detector of that name. "auto": YuNet where its file is there, else InsightFace.

    model: YuNet's file; without it the one in the folder of weights. size: the longer side of a
    picture as it is looked at. Raises MissingTool, ModelError, UsageError.
    """
    if method not in ("auto", YUNET, INSIGHTFACE):
        raise UsageError(f"There is no face detector called {method!r}.")
    file = model if model is not None else find_weights(YUNET_FILE)
    if method == YUNET or (method == "auto" and file is not None):
        return YuNet(file or Path(YUNET_FILE), size=size, conf=conf)
    if method == "auto" and importlib.util.find_spec("insightface") is None:
        raise MissingTool(
            "There is no face detector here.",
            hint=_WHERE.format(file=YUNET_FILE, folder=weights_folder()),
        )
    return InsightFace(size=size, conf=conf)


class YuNet:
    """https://github.com/opencv/opencv_zoo, run by OpenCV itself."""

    name = YUNET

    def __init__(self, model: Path, *, size: int = 640, conf: float = 0.6) -> None:
        import cv2

        if not model.is_file():
            raise MissingTool(
                "The face detector's file is not there.",
                where=model,
                hint=_WHERE.format(file=YUNET_FILE, folder=weights_folder()),
            )
        try:
            self._net: Any = cv2.FaceDetectorYN.create(
                str(model), "", (size, size), conf, _OVERLAP, _LIMIT
            )
        except cv2.error as error:
            raise ModelError(
                "OpenCV cannot open this as a face detector.",
                where=model,
                hint=f"It should be YuNet, such as {YUNET_FILE}.",
            ) from error
        self._model = model
        self._size = size

    def find(self, frame: Picture) -> tuple[Face, ...]:
        """See `FaceDetector.find`. Raises ModelError where the file is another network."""
        import cv2

        height, width = frame.shape[:2]
        scale = self._size / max(height, width)
        small = max(1, round(width * scale)), max(1, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen = cv2.resize(frame, small, interpolation=method)
        padded = cv2.copyMakeBorder(
            seen, 0, -small[1] % _STEP, 0, -small[0] % _STEP, cv2.BORDER_CONSTANT
        )
        self._net.setInputSize((padded.shape[1], padded.shape[0]))
        try:
            _, rows = self._net.detect(padded)
        except cv2.error as error:
            raise ModelError("This network finds no faces.", where=self._model) from error
        shrunk = np.array([small[0] / width, small[1] / height])
        return _by_size(_face(row, shrunk) for row in (rows if rows is not None else ()))


def _face(row: npt.NDArray[np.float32], scale: Floats) -> Face:
    values = row.astype(np.float64)
    low = values[:2] / scale
    high = (values[:2] + values[2:4]) / scale
    points = values[4:14].reshape(5, 2) / scale
    return Face(np.concatenate([low, high]), float(values[14]), points)


class InsightFace:
    """https://github.com/deepinsight/insightface, where a person has installed it. Its licence
    for the ready-made models excludes commercial use.
    """

    name = INSIGHTFACE

    def __init__(self, *, size: int = 640, conf: float = 0.6) -> None:
        try:
            from insightface.app import (  # pyright: ignore[reportMissingImports]
                FaceAnalysis,
            )
        except ImportError as error:
            raise MissingTool(
                f"InsightFace cannot be used: {error}.",
                hint="Install it with: pip install insightface; or take --face-detect-method "
                "yunet with --face-model.",
            ) from error
        # InsightFace fetches what it lacks by itself: it is asked only where its models are there.
        models = Path("~/.insightface/models/buffalo_l").expanduser()
        if not any(models.glob("*.onnx")):
            raise MissingTool(
                "InsightFace's models are not there; nothing is downloaded unasked.",
                where=models,
                hint="Let InsightFace fetch buffalo_l once, or take --face-detect-method yunet.",
            )
        self._app: Any = FaceAnalysis(name="buffalo_l", allowed_modules=["detection"])
        self._app.prepare(ctx_id=-1, det_size=(size, size), det_thresh=conf)

    def find(self, frame: Picture) -> tuple[Face, ...]:
        """See `FaceDetector.find`."""
        return _by_size(
            Face(
                np.asarray(found.bbox, np.float64),
                float(found.det_score),
                np.asarray(found.kps, np.float64),
            )
            for found in self._app.get(frame)
        )


def _by_size(faces: Any) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: face.area, reverse=True))
