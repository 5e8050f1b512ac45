"""How heads are turned, from pictures of them: a head-pose artefact ready to look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.head import Angles, angles_of
from studio.core.prediction import HeadPose, Prediction
from studio.core.skeleton import Skeleton
from studio.runtime.artifacts import load_artifact
from studio.runtime.engine import Batch, Engine
from studio.runtime.head_outputs import HEAD_OUTPUTS, rotations_in
from studio.runtime.opening import open_engine
from studio.vision.head_crop import enlarged, joints_of_head, judged_crop, keypoint_box

Picture = npt.NDArray[np.uint8]
Rotations = npt.NDArray[np.float64]

TASK = "head-pose"
# Pictures in one inference, where the network takes any number.
_AT_ONCE = 32
# How much is added at each side of a face's box, and of the box around its joints.
FACE_MARGIN, JOINTS_MARGIN = 0.4, 0.6


class HeadPoser:
    """A head-pose artefact. Pictures are (H, W, 3) uint8 BGR of any size; rotations (3, 3) float64,
    R = Rz(roll) Ry(yaw) Rx(pitch).

    Raises ModelError, DeviceError, MissingTool, UsageError.
    """

    def __init__(
        self,
        artifact: ModelArtifact | Path | str,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
    ) -> None:
        if not isinstance(artifact, ModelArtifact):
            artifact = load_artifact(artifact)
        if artifact.task != TASK or artifact.output not in HEAD_OUTPUTS:
            raise ModelError(
                f"This {artifact.family} model ({artifact.task}) does not tell how heads are turned.",
                where=artifact.weights,
                hint="Give a head-pose model.",
            )
        self.artifact = artifact
        # A foreign export may take so many pictures and no others.
        self._at_once = int(artifact.extra.get("batch", 0)) or _AT_ONCE
        self._fixed = "batch" in artifact.extra
        self.engine: Engine = open_engine(
            artifact, device=device, precision=precision, threads=threads
        )

    def rotations(self, crops: Sequence[Picture]) -> Rotations:
        """(n, 3, 3) of n pictures that show a head each, cropped as the training's were."""
        size = self.artifact.input.size
        whole = [np.array([0.0, 0.0, c.shape[1], c.shape[0]]) for c in crops]
        return self._of([judged_crop(c, b, size) for c, b in zip(crops, whole, strict=True)])

    def of_boxes(self, frame: Picture, boxes: npt.ArrayLike) -> Rotations:
        """(n, 3, 3) of the heads in (n, 4) boxes x1, y1, x2, y2 of a picture, which are taken as
        they are (see `vision.head_crop` for the usual margins).
        """
        rows = np.asarray(boxes, np.float64).reshape(-1, 4)
        size = self.artifact.input.size
        return self._of([judged_crop(frame, box, size) for box in rows])

    def of_faces(self, frame: Picture, faces: npt.ArrayLike) -> Rotations:
        """(n, 3, 3) of (n, 4) boxes of a face detector."""
        rows = np.asarray(faces, np.float64).reshape(-1, 4)
        return self.of_boxes(frame, np.array([enlarged(box, FACE_MARGIN) for box in rows]))

    def of_people(
        self,
        frame: Picture,
        people: Sequence[Prediction],
        skeleton: Skeleton,
        *,
        margin: float = JOINTS_MARGIN,
        least: float = 0.5,
    ) -> tuple[HeadPose | None, ...]:
        """One a person, from the joints of its face; see `people_boxes`, which says where a head
        is and where it is not known.
        """
        return self.of_known(frame, people_boxes(people, skeleton, margin=margin, least=least))

    def of_known(
        self, frame: Picture, boxes: Sequence[npt.NDArray[np.float64] | None]
    ) -> tuple[HeadPose | None, ...]:
        """The heads in those boxes that are known, all in one batch; None for the others."""
        known = [box for box in boxes if box is not None]
        found = iter(self.of_boxes(frame, np.array(known)))
        return tuple(None if box is None else head_pose(next(found), box) for box in boxes)

    def close(self) -> None:
        """Let the engine go."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _of(self, crops: Sequence[Picture]) -> Rotations:
        parts = [
            self._infer(np.stack(crops[start : start + self._at_once]))
            for start in range(0, len(crops), self._at_once)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 3, 3))

    def _infer(self, batch: Batch) -> Rotations:
        count = len(batch)
        if self._fixed and count < self._at_once:
            batch = np.concatenate([batch, np.repeat(batch[-1:], self._at_once - count, axis=0)])
        return rotations_in(self.engine.infer(batch), self.artifact)[:count]


def people_boxes(
    people: Sequence[Prediction],
    skeleton: Skeleton,
    *,
    margin: float = JOINTS_MARGIN,
    least: float = 0.5,
) -> list[npt.NDArray[np.float64] | None]:
    """(4,) around each person's head by its joints that score `least`, as a conversion by
    keypoints crops; None where too few of them do.
    """
    return [
        keypoint_box(
            *joints_of_head(p.keypoints, skeleton.keypoints, skeleton.face_points, least), margin
        )
        for p in people
    ]


def head_pose(rotation: Rotations, box: npt.ArrayLike | None = None) -> HeadPose:
    """A (3, 3) rotation with its angles in degrees; box: (4,) what was looked at."""
    angles: Angles = angles_of(rotation)
    place = None if box is None else np.asarray(box, np.float32)
    return HeadPose(rotation, angles.yaw, angles.pitch, angles.roll, place)
