"""Where the head of a sample is: by its landmarks, its joints, its box or a face detector."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError
from studio.core.requests.convert_heads import ConvertHeadsOptions
from studio.io.headpose_set import HeadSample
from studio.runtime.faces import FaceDetector, open_face_detector
from studio.vision.head_crop import FEWEST_POINTS, centre_box, enlarged, head_in, reaching

Picture = npt.NDArray[np.uint8]
Box = npt.NDArray[np.float64]

KEYPOINT = "keypoint"


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
