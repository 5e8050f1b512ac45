"""The joints of people whose boxes are known: crop, network, sub-pixel decoding, and back.

`CropModel` is everything but the network, so that a training judges its network exactly as an
exported artefact will be run; `TopDown` is an artefact with its engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.prediction import Prediction
from studio.runtime.engine import Batch, Engine, Outputs
from studio.runtime.opening import open_engine
from studio.vision.affine import box_matrix, inverse, moved, warp
from studio.vision.heatmaps import (
    decode_maps,
    decode_simcc,
    unflipped,
    unflipped_simcc,
)
from studio.vision.oks import oks_nms

Floats = npt.NDArray[np.float32]
Matrices = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]
Infer = Callable[[Batch], Outputs]

TASK = "keypoints"
HEATMAPS, SIMCC = "heatmaps", "simcc"
# Two poses more alike than this are one person (COCO's top-down custom).
SAME_POSE = 0.9
_HALF = np.float32(0.5)


@dataclass(frozen=True)
class CropModel:
    """How a top-down network sees a person and what its answer means.

    size: (height, width) of the input. box_scale: how much larger than the box the crop is.
    output: "heatmaps" or "simcc". sigma: of the targets it learnt from, in cells of a heatmap or
    in bins. flip_idx: the joints of a mirrored picture. cells_on_pixels: cell i lies on input
    pixel i x stride, as AlphaPose has it, and not between pixels.
    """

    size: tuple[int, int]
    box_scale: float
    output: str
    sigma: float
    flip_idx: tuple[int, ...]
    cells_on_pixels: bool = False

    @classmethod
    def of(cls, artifact: ModelArtifact) -> Self:
        """Raises ModelError where the artefact does not look at crops of people."""
        if not is_topdown(artifact):
            raise ModelError(
                f"This {artifact.family} model ({artifact.task}, {artifact.output}) does not look "
                "at crops of people.",
                where=artifact.weights,
            )
        try:
            return cls(
                size=artifact.input.size,
                box_scale=float(artifact.extra.get("box_scale", 1.25)),
                output=artifact.output,
                sigma=float(artifact.extra.get("sigma", 2.0)),
                flip_idx=artifact.skeleton.flip_idx,
                cells_on_pixels=bool(artifact.extra.get("cells_on_pixels", False)),
            )
        except (TypeError, ValueError) as error:
            raise ModelError(f"The model's description is wrong: {error}.", where=artifact.weights) from error  # fmt: skip

    def cut(self, frame: Picture, boxes: npt.NDArray[np.floating]) -> tuple[Batch, Matrices]:
        """(n, H, W, 3) uint8 crops of (n, 4) boxes x1, y1, x2, y2, and the (n, 2, 3) matrices from
        the picture to them.
        """
        matrices = [box_matrix(box, self.size, self.box_scale) for box in boxes]
        crops = [warp(frame, matrix, self.size) for matrix in matrices]
        return np.stack(crops), np.stack(matrices)

    def joints(self, outputs: Outputs, mirrored: Outputs | None = None) -> Floats:
        """(n, K, 3) float32 x, y in pixels of the crops and a score 0..1. mirrored: the outputs
        for the mirrored crops, whose mean with the plain ones is decoded.
        """
        height, width = self.size
        if self.output == SIMCC:
            across, down = outputs[0], outputs[1]
            if mirrored is not None:
                other = unflipped_simcc(mirrored[0], mirrored[1], self.flip_idx)
                across, down = _HALF * (across + other[0]), _HALF * (down + other[1])
            found = decode_simcc(across, down, self.sigma)
            found[..., 0] *= width / across.shape[-1]
            found[..., 1] *= height / down.shape[-1]
        else:
            maps = outputs[0]
            if mirrored is not None:
                shift = int(self.cells_on_pixels)
                maps = _HALF * (maps + unflipped(mirrored[0], self.flip_idx, shift))
            found = decode_maps(maps, self.sigma)
            # From cells to input pixels; on a grid of pixels the first cell lies on the first one.
            off = 0.5 if self.cells_on_pixels else 0.0
            for axis, stride in enumerate((width / maps.shape[-1], height / maps.shape[-2])):
                found[..., axis] = (found[..., axis] - off) * stride + off
            if self.cells_on_pixels and mirrored is not None:
                # The mirrored grid lies a pixel beside the plain one after a shift of whole cells.
                found[..., 0] -= 0.5
        found[..., 2] = np.clip(found[..., 2], 0.0, 1.0)
        return found

    def find(self, infer: Infer, crops: Batch, *, flip_test: bool) -> Floats:
        """`joints` of crops by a network; with `flip_test` it looks at each mirrored too."""
        plain = infer(crops)
        if not flip_test:
            return self.joints(plain)
        return self.joints(plain, infer(np.ascontiguousarray(crops[:, :, ::-1])))


class TopDown:
    """A top-down artefact ready to look at people in boxes.

    flip_test: look at each crop mirrored too, twice the time for a little precision. batch: crops
    in one inference. engine: one that runs the artefact already, instead of one that is opened.
    Raises ModelError, DeviceError, MissingTool, UsageError.
    """

    def __init__(
        self,
        artifact: ModelArtifact,
        *,
        device: str = "auto",
        precision: str = "auto",
        flip_test: bool = True,
        batch: int = 16,
        threads: int = 0,
        engine: Engine | None = None,
    ) -> None:
        self.artifact = artifact
        self.flip_test = flip_test
        self._model = CropModel.of(artifact)
        # An export of fixed size takes as many crops as it was made for.
        self._fixed = int(artifact.extra.get("batch", 0))
        self._batch = self._fixed or batch
        self.engine: Engine = engine or open_engine(
            artifact, device=device, precision=precision, threads=threads
        )

    def predict(
        self,
        frame: Picture,
        boxes: npt.NDArray[np.floating],
        scores: Sequence[float] | npt.NDArray[np.floating] | None = None,
    ) -> tuple[Prediction, ...]:
        """The joints of everybody in (n, 4) boxes x1, y1, x2, y2 of a (H, W, 3) uint8 BGR picture,
        in the boxes' order.

        A person's score is the box's (`scores`, 1 where not given) times the joints' mean.
        """
        boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        known = np.ones(len(boxes)) if scores is None else np.asarray(scores, dtype=np.float64)
        found = self.joints(frame, boxes)
        return tuple(
            person_of(box, float(score), joints)
            for box, score, joints in zip(boxes, known, found, strict=True)
        )

    def joints(self, frame: Picture, boxes: npt.NDArray[np.floating]) -> Floats:
        """(n, K, 3) float32 x, y in pixels of the picture and a score 0..1."""
        found = [
            self._some(frame, boxes[start : start + self._batch])
            for start in range(0, len(boxes), self._batch)
        ]
        if not found:
            return np.zeros((0, len(self.artifact.skeleton), 3), np.float32)
        return np.concatenate(found)

    def close(self) -> None:
        """Let the engine go."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _some(self, frame: Picture, boxes: npt.NDArray[np.floating]) -> Floats:
        crops, matrices = self._model.cut(frame, boxes)
        count = len(crops)
        if self._fixed and count < self._fixed:
            crops = np.concatenate([crops, np.repeat(crops[-1:], self._fixed - count, axis=0)])
        found = self._model.find(self.engine.infer, crops, flip_test=self.flip_test)
        return in_picture(found[:count], matrices)


def is_topdown(artifact: ModelArtifact) -> bool:
    """Whether the model looks at one person's crop (and not at a whole frame of parts)."""
    return (
        artifact.task == TASK
        and artifact.output in (HEATMAPS, SIMCC)
        and not artifact.extra.get("frame")
    )


def in_picture(joints: Floats, matrices: Matrices) -> Floats:
    """(n, K, 3) joints of crops as joints of the picture; matrices: (n, 2, 3) to the crops."""
    back = np.stack([inverse(m) for m in matrices])
    placed = moved(joints[..., :2], back)
    return np.concatenate([placed, joints[..., 2:]], axis=-1).astype(np.float32)


def person_of(box: Floats, score: float, joints: Floats) -> Prediction:
    """COCO's score for top-down models: the box's times the mean of the joints'."""
    return Prediction(
        box=np.asarray(box, dtype=np.float32),
        score=score * float(joints[:, 2].mean()),
        keypoints=joints,
        box_score=score,
    )


def without_doubles(
    people: Sequence[Prediction], sigmas: npt.NDArray[np.floating], same: float = SAME_POSE
) -> tuple[Prediction, ...]:
    """OKS-NMS: of poses more alike than `same` only the best; best first."""
    if not people:
        return ()
    kept = oks_nms(
        np.stack([p.keypoints for p in people]),
        np.array([p.score for p in people]),
        np.stack([p.box for p in people]),
        sigmas,
        same,
    )
    return tuple(people[i] for i in kept)
