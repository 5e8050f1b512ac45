"""Finding and cutting out the heads of a conversion."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError
from studio.core.requests.convert_heads import ConvertHeadsOptions
from studio.io.headpose_set import HeadSample
from studio.runtime.faces import FaceDetector, open_face_detector
from studio.vision.head_crop import (
    FEWEST_POINTS,
    centre_box,
    crop_of,
    cropped,
    enlarged,
    head_in,
    reaching,
    whole_pixels,
)
from studio.vision.head_drawing import draw_cube

Picture = npt.NDArray[np.uint8]
Box = npt.NDArray[np.float64]

KEYPOINT = "keypoint"
# Crops in the preview: so many in a row, so many rows, pixels of a crop, the cube's part of it.
_ROW, _ROWS, _TILE = 6, 3, 128
_CUBE = 0.55


@dataclass
class HeadFinder:
    """Says where a sample's head is. margin: as the options ask, or what is usual for the set.

    unfound: how many heads were not found, by what became of them.
    """

    options: ConvertHeadsOptions
    margin: float
    unfound: int = 0
    _detector: FaceDetector | None = None
    _before: dict[str, Box] = field(default_factory=dict[str, Box])

    def box(self, sample: HeadSample, frame: Picture) -> Box | None:
        """(4,) x1, y1, x2, y2, or None where the picture is to be left out.

        Raises DataError where no head is found and that was asked to be an error; MissingTool,
        ModelError where there is no detector.
        """
        found = self._found(sample, frame)
        if found is None:
            self.unfound += 1
            return self._instead(sample, frame)
        self._before[sample.video] = found
        return found

    def _found(self, sample: HeadSample, frame: Picture) -> Box | None:
        if sample.face is not None and sample.reach is not None:
            return reaching(sample.face, self.options.landmark_k, sample.reach)
        if sample.box is not None:
            return sample.box
        if not sample.loose:
            return np.array([0.0, 0.0, frame.shape[1], frame.shape[0]])
        method = self.options.face_detect_method
        if method == KEYPOINT or (method == "auto" and len(sample.joints) >= FEWEST_POINTS):
            return head_in(sample.joints, self.margin)
        faces = self._faces().find(frame)
        return enlarged(faces[0].box, self.margin) if faces else None

    def _faces(self) -> FaceDetector:
        if self._detector is None:
            options = self.options
            self._detector = open_face_detector(
                options.face_detect_method, options.face_model, size=options.det_size
            )
        return self._detector

    def _instead(self, sample: HeadSample, frame: Picture) -> Box | None:
        asked = self.options.on_no_face
        if asked == "error":
            raise DataError(
                "No head is found in this picture.",
                where=sample.picture,
                hint="Take another --on-no-face to leave such pictures out or take their middle.",
            )
        if asked == "center":
            return centre_box((frame.shape[1], frame.shape[0]))
        if asked == "previous":
            return self._before.get(sample.video)
        return None


class Preview:
    """Some of the crops with their rotation drawn as a cube, for a person to look at."""

    def __init__(self, total: int) -> None:
        count = min(total, _ROW * _ROWS)
        chosen = np.linspace(0, max(total - 1, 0), max(count, 1)).round().astype(int)
        self._wanted = {int(i) for i in chosen}
        self._tiles: list[Picture] = []

    def add(self, number: int, crop: Picture, rotation: npt.NDArray[np.float64]) -> None:
        """Show the crop, if it is one of the chosen numbers or one of them was left out."""
        import cv2

        if not any(n <= number for n in self._wanted):
            return
        self._wanted.remove(min(self._wanted))
        tile = np.asarray(cv2.resize(crop, (_TILE, _TILE), interpolation=cv2.INTER_AREA), np.uint8)
        draw_cube(tile, rotation, (_TILE / 2, _TILE / 2), _TILE * _CUBE)
        self._tiles.append(tile)

    def mosaic(self) -> Picture:
        """(H, W, 3) uint8 BGR."""
        columns = min(_ROW, len(self._tiles))
        rows = -(-len(self._tiles) // columns)
        out = np.full((rows * _TILE, columns * _TILE, 3), 40, np.uint8)
        for number, tile in enumerate(self._tiles):
            y, x = number // columns * _TILE, number % columns * _TILE
            out[y : y + _TILE, x : x + _TILE] = tile
        return out


def head_crop(frame: Picture, box: Box, size: int) -> Picture:
    """The head in (size, size, 3) uint8 BGR; size 0: in as many pixels as the box has."""
    whole = whole_pixels(box)
    width, height = round(whole[2] - whole[0]), round(whole[3] - whole[1])
    return cropped(frame, crop_of(whole), (size, size) if size else (height, width))
