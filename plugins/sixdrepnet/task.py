"""One training of the family, as the studio's loop wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import DataError, StudioError
from studio.core.job import JobContext
from studio.io.headpose_set import HeadSample
from studio.io.skeletons import load_skeleton
from studio.metrics.head import head_errors
from studio.ml.checkpoints import Transfer
from studio.ml.pictures import spread
from studio.ml.task import Batch, ExampleSet
from studio.vision.head_drawing import draw_axes, draw_cube

from .config import FAMILY, STRIDE, TrainOptions
from .data import Heads
from .examples import HeadExamples, judged_head
from .network import MEAN, STD, SixDRepNet, geodesic_loss
from .starting import start_from, weights_of

Picture = npt.NDArray[np.uint8]
_SHOWN = 4
# Pixels of a drawn head at least; the cube's part of them.
_TILE, _CUBE = 240, 0.5


@dataclass
class HeadTask:
    """See `studio.ml.task.Task`. resumed: the weights come from the run's own checkpoint."""

    options: TrainOptions
    heads: Heads
    resumed: bool = False
    transferred: Transfer | None = field(default=None, init=False)
    higher_is_better: bool = field(default=False, init=False)

    @property
    def best_metric(self) -> str:
        """Which figure chooses the best weights."""
        return self.options.best

    @property
    def examples(self) -> ExampleSet:
        """The heads to train on."""
        return HeadExamples(self.options, self.heads.train)

    def build(self) -> torch.nn.Module:
        """Fresh, or with the weights to start from."""
        model = SixDRepNet(self.options.backbone)
        self.transferred = None if self.resumed else start_from(model, self.options)
        return model

    def parameter_groups(self, model: torch.nn.Module) -> Sequence[Mapping[str, Any]]:
        """All parameters alike."""
        return [{"params": [p for p in model.parameters() if p.requires_grad]}]

    def begin_epoch(self, epoch: int, model: torch.nn.Module) -> None:
        """Nothing changes with the epochs."""
        del epoch, model

    def loss(self, model: torch.nn.Module, batch: Batch, epoch: int) -> Mapping[str, torch.Tensor]:
        """The geodesic distance in radians, and in degrees to be shown."""
        del epoch
        value = geodesic_loss(model(normalised(batch["picture"])), batch["rotation"])
        return {"loss": value, "degrees": torch.rad2deg(value.detach())}

    def validate(self, model: torch.nn.Module, context: JobContext) -> Mapping[str, float]:
        """MAE of the three angles and the geodesic error, degrees."""
        found: list[npt.NDArray[np.float64]] = []
        judged: list[HeadSample] = []
        for samples, crops in self._crops(self.heads.val, context):
            context.check()
            found.append(_rotations(model, crops))
            judged += samples
            context.progress("judge", len(judged), len(self.heads.val))
        if not judged:
            raise DataError("None of the validation pictures can be read.")
        truth = np.stack([s.rotation for s in judged])
        stated = np.array([s.angles for s in judged])
        return head_errors(np.concatenate(found), truth, stated).metrics()

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> ModelArtifact:
        """The runnable model of `weights`."""
        parent = weights_of(self.options)
        return artifact_of(
            weights,
            self.options.backbone,
            self.options.imgsz,
            metrics=dict(metrics),
            parent=None if parent is None else parent.name,
            dataset_hash=self.heads.content_hash,
        )

    def batch_pictures(self, batch: Batch) -> Sequence[Picture]:
        """The first heads of a batch with their cubes."""
        pictures = batch["picture"][:_SHOWN].cpu().numpy()
        rotations = batch["rotation"][:_SHOWN].double().cpu().numpy()
        return [_with_cube(p, r) for p, r in zip(pictures, rotations, strict=True)]

    def validation_pictures(self, model: torch.nn.Module) -> Sequence[Picture]:
        """A few validation heads: the found rotation as a cube, the true one as axes."""
        drawn: list[Picture] = []
        for samples, crops in self._crops(spread(self.heads.val, _SHOWN), None):
            for sample, crop, rotation in zip(
                samples, crops, _rotations(model, crops), strict=True
            ):
                picture = _with_cube(crop, rotation)
                side = picture.shape[0]
                draw_axes(picture, sample.rotation, (side / 2, side / 2), side * _CUBE, thin=True)
                drawn.append(picture)
        return drawn

    def _crops(
        self, samples: Sequence[HeadSample], context: JobContext | None
    ) -> Iterator[tuple[list[HeadSample], Picture]]:
        """Heads and their crops, a batch at a time; what cannot be read is told and left out."""
        for start in range(0, len(samples), self.options.batch):
            good: list[HeadSample] = []
            crops: list[Picture] = []
            for sample in samples[start : start + self.options.batch]:
                try:
                    crops.append(judged_head(sample, self.options.imgsz))
                    good.append(sample)
                except StudioError as error:
                    if context is not None:
                        context.log(f"Left out of the judgement: {error}", "warning")
            if good:
                yield good, np.stack(crops)


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """(N, H, W, 3) uint8 BGR as (N, 3, H, W) float32 RGB with ImageNet's mean and deviation."""
    planes = pictures.permute(0, 3, 1, 2).flip(1).float() / 255
    mean, std = (torch.tensor(v, device=planes.device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (planes - mean) / std


def artifact_of(
    weights: Path, backbone: str, side: int, *, deploy: bool = False, **more: Any
) -> ModelArtifact:
    """The description of a head-pose model."""
    return ModelArtifact(
        family=FAMILY,
        task="head-pose",
        weights=weights,
        input=InputSpec(size=(side, side), mean=MEAN, std=STD, stride=STRIDE),
        skeleton=load_skeleton("face5"),
        categories=("head",),
        output="rotation",
        extra={"backbone": backbone, **({"deploy": True} if deploy else {})},
        **more,
    )


def _rotations(model: torch.nn.Module, crops: Picture) -> npt.NDArray[np.float64]:
    device = next(model.parameters()).device
    with torch.no_grad():
        found = model(normalised(torch.from_numpy(crops).to(device)))
    return found.double().cpu().numpy()


def _with_cube(picture: Picture, rotation: npt.NDArray[np.float64]) -> Picture:
    """A copy, enlarged where it is too small to see a cube on it."""
    import cv2

    side = max(_TILE, picture.shape[0])
    out = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    draw_cube(out, rotation, (side / 2, side / 2), side * _CUBE)
    return out
