"""From a network's output to people: which layout it is, and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.prediction import Prediction
from studio.vision.letterbox import Letterbox, restore
from studio.vision.nms import nms

FloatArray = npt.NDArray[np.float32]

DECODED = "decoded"
END2END = "end2end"


@dataclass(frozen=True)
class PoseLayout:
    """How the first output is laid out.

    kind "decoded": (N, 4 + categories + dims x joints, anchors), boxes as centre and size, to be
    thinned by NMS. kind "end2end": (N, rows, 6 + dims x joints), boxes as corners, then score and
    category, nothing to thin. dims is 3 (x, y, score) or 2 (x, y). All in input pixels.
    """

    kind: str
    categories: int
    joints: int
    dims: int

    @property
    def channels(self) -> int:
        """Numbers per candidate."""
        head = 6 if self.kind == END2END else 4 + self.categories
        return head + self.dims * self.joints


@dataclass(frozen=True, eq=False)
class Candidates:
    """People in input pixels: boxes (n, 4) x1, y1, x2, y2; scores (n,); categories (n,);
    keypoints (n, K, 3). All float32 but the categories; best first for "decoded".
    """

    boxes: FloatArray
    scores: FloatArray
    categories: npt.NDArray[np.int64]
    keypoints: FloatArray


def read_layout(shape: tuple[int, ...], artifact: ModelArtifact) -> PoseLayout:
    """Tell the layout of an output of `shape` (N, a, b).

    Only one of the two can fit in nearly every case; where both would, `artifact.output` says
    which it is. Raises ModelError where neither fits the artefact's categories and skeleton.
    """
    categories, joints = len(artifact.categories), len(artifact.skeleton)
    if len(shape) == 3:
        fitting = [
            layout
            for dims in (3, 2)
            for layout in (
                PoseLayout(DECODED, categories, joints, dims),
                PoseLayout(END2END, categories, joints, dims),
            )
            if shape[1 if layout.kind == DECODED else 2] == layout.channels
        ]
        fitting.sort(key=lambda layout: layout.kind != artifact.output)
        if fitting:
            return fitting[0]
    raise ModelError(
        f"The model's output has the shape {list(shape)}; {joints} joints and {categories} "
        f"categories need {4 + categories + 3 * joints} or {6 + 3 * joints} numbers a person.",
        where=artifact.weights,
        hint="Does its model.json belong to these weights? Import the model again.",
    )


def decode(
    output: FloatArray, layout: PoseLayout, *, conf: float, iou: float, limit: int
) -> Candidates:
    """The people in one picture's `output` (a, b) float32, as `layout` says.

    conf: scores must lie above it. iou and limit: as for `studio.vision.nms.nms`.
    """
    if layout.kind == END2END:
        rows = output[output[:, 4] > conf][:limit]
        return Candidates(
            boxes=rows[:, :4],
            scores=rows[:, 4],
            categories=rows[:, 5].astype(np.int64),
            keypoints=_keypoints(rows[:, 6:], layout),
        )
    scored = output[4 : 4 + layout.categories]
    found = np.flatnonzero(scored.max(axis=0) > conf)
    rows = output[:, found].T
    scores = rows[:, 4 : 4 + layout.categories]
    categories = scores.argmax(axis=1)
    best = scores[np.arange(len(rows)), categories]
    half = rows[:, 2:4] * np.float32(0.5)
    corners = [rows[:, :2] - half, rows[:, :2] + half]
    boxes: FloatArray = np.concatenate(corners, axis=1, dtype=np.float32)
    kept = nms(boxes, best, categories, iou=iou, limit=limit)
    points = rows[kept, 4 + layout.categories :]
    return Candidates(
        boxes=boxes[kept],
        scores=best[kept],
        categories=categories[kept].astype(np.int64),
        keypoints=_keypoints(points, layout),
    )


def _keypoints(flat: FloatArray, layout: PoseLayout) -> FloatArray:
    """(n, K, 3); a model that scores no joints gives each the score 1."""
    points = flat.reshape(len(flat), layout.joints, layout.dims)
    if layout.dims == 3:
        return points
    return np.concatenate([points, np.ones_like(points[..., :1])], axis=2)


def to_predictions(found: Candidates, box: Letterbox) -> tuple[Prediction, ...]:
    """The same people in pixels of the picture that lies in the input as `box` says, clipped
    to the picture.
    """
    corners = restore(found.boxes.reshape(-1, 2, 2), box).reshape(-1, 4)
    points = found.keypoints.copy()
    points[..., :2] = restore(points[..., :2], box)
    return tuple(
        Prediction(
            box=corners[i],
            score=float(found.scores[i]),
            keypoints=points[i],
            category_id=int(found.categories[i]),
        )
        for i in range(len(corners))
    )
