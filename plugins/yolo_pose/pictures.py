"""Pictures of a training under way: what goes in after augmentation, and what comes out so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import StudioError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.images import read_image
from studio.ml.pictures import SHOWN, RunPictures, spread
from studio.runtime.decode import DECODED, PoseLayout, decode, to_predictions
from studio.vision.drawing import DrawStyle, draw_people
from studio.vision.letterbox import apply, fit

from .labels import Labelled

Picture = npt.NDArray[np.uint8]

CONF = 0.25


class Pictures:
    """Draws the first augmented batch once, and predictions on a few validation pictures."""

    def __init__(
        self, context: JobContext, run_dir: Path, skeleton: Skeleton, items: Sequence[Labelled]
    ) -> None:
        self._pictures = RunPictures(context, run_dir)
        self._skeleton = skeleton
        self._items = spread([item for item in items if len(item.rows)] or list(items))

    def batch(self, batch: dict[str, Any]) -> Sequence[Path]:
        """Draw the pictures of the first batch as the network sees them; what was written."""
        return self._pictures.batch(lambda: self._labelled(batch))

    def predictions(self, trainer: Any, *, force: bool = False) -> None:
        """Run the averaged weights on the validation pictures and draw what they find."""
        self._pictures.judged(trainer.epoch + 1, lambda: self._judged(trainer), force=force)

    def _labelled(self, batch: dict[str, Any]) -> list[Picture]:
        images = (batch["img"][:SHOWN].detach().float().cpu().numpy() * 255).clip(0, 255)
        owner = batch["batch_idx"].cpu().numpy()
        points = batch["keypoints"].detach().float().cpu().numpy()
        tiles = []
        for number, image in enumerate(images):
            frame = np.ascontiguousarray(image.transpose(1, 2, 0)[:, :, ::-1]).astype(np.uint8)
            people = [_labelled(p, frame.shape) for p in points[owner == number]]
            tiles.append(_drawn(frame, people, self._skeleton))
        return tiles

    def _judged(self, trainer: Any) -> list[Picture]:
        tiles = []
        for item in self._items:
            try:
                frame = read_image(item.picture)
            except StudioError:
                # It passed the check and went away since; the training itself will say so.
                continue
            tiles.append(_drawn(frame, self._found(trainer, frame), self._skeleton))
        return tiles

    def _found(self, trainer: Any, frame: Picture) -> list[Prediction]:
        import torch

        size = int(trainer.args.imgsz)
        height, width = frame.shape[:2]
        box = fit((height, width), (size, size), stride=int(trainer.stride), rect=True)
        rgb = np.ascontiguousarray(apply(frame, box)[:, :, ::-1].transpose(2, 0, 1))
        tensor = torch.from_numpy(rgb[None]).to(trainer.device).float() / 255
        model = trainer.ema.ema
        with torch.inference_mode():
            out = model.float().eval()(tensor)
        decoded = (out[0] if isinstance(out, tuple) else out).float().cpu().numpy()[0]
        joints, dims = trainer.data["kpt_shape"]
        layout = PoseLayout(DECODED, int(trainer.data["nc"]), int(joints), int(dims))
        return list(to_predictions(decode(decoded, layout, conf=CONF, iou=0.7, limit=20), box))


def _labelled(points: npt.NDArray[np.float32], shape: tuple[int, ...]) -> Prediction:
    """A label of the batch (K, 2 or 3; shares of the picture) as something to draw."""
    height, width = shape[:2]
    keypoints = np.ones((len(points), 3), np.float32)
    keypoints[:, :2] = points[:, :2] * (width, height)
    if points.shape[1] == 3:
        keypoints[:, 2] = points[:, 2] > 0
    return Prediction(np.zeros(4, np.float32), 1.0, keypoints)


def _drawn(frame: Picture, people: Sequence[Prediction], skeleton: Skeleton) -> Picture:
    return draw_people(frame, people, skeleton, DrawStyle(boxes=False, labels=False))
