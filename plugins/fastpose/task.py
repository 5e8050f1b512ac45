"""One training of the family, as the studio's loop wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.dataset import Sample
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.io.images import read_image
from studio.metrics.evaluation import Judging
from studio.ml.checkpoints import Transfer
from studio.ml.task import Batch, ExampleSet
from studio.runtime.engine import Outputs
from studio.runtime.engines.common import to_floats
from studio.runtime.topdown import CropModel, in_picture, person_of
from studio.vision.drawing import DrawStyle, draw_people

from .config import CELL, FAMILY, TrainOptions
from .examples import PersonExamples
from .losses import loss_of, sigma_in_bins
from .network import HEATMAP, make_network
from .people import People, people_of
from .starting import start_from

if TYPE_CHECKING:
    import torch

Picture = npt.NDArray[np.uint8]

# ImageNet's, in RGB order; the original subtracts a BGR-ordered mean from RGB pictures.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SHOWN = 4
_SHOWN_CONF = 0.2


@dataclass
class FastPoseTask:
    """See `studio.ml.task.Task`. resumed: the weights come from the run's own checkpoint."""

    options: TrainOptions
    people: People
    resumed: bool = False
    transferred: Transfer | None = field(default=None, init=False)
    best_metric: str = field(default="AP", init=False)
    higher_is_better: bool = field(default=True, init=False)

    @property
    def examples(self) -> ExampleSet:
        """The people to train on."""
        return PersonExamples(self.options, self.people.skeleton, self.people.train)

    def build(self) -> torch.nn.Module:
        """Fresh, or with the weights to start from."""
        model = make_network(
            len(self.people.skeleton), self._size, self.options.backbone, self.options.head
        )
        self.transferred = None if self.resumed else start_from(model, self.options)
        return model

    def parameter_groups(self, model: torch.nn.Module) -> Sequence[Mapping[str, Any]]:
        """All parameters alike."""
        return [{"params": [p for p in model.parameters() if p.requires_grad]}]

    def begin_epoch(self, epoch: int, model: torch.nn.Module) -> None:
        """Nothing changes with the epochs but the examples."""
        del epoch, model

    def loss(self, model: torch.nn.Module, batch: Batch, epoch: int) -> Mapping[str, torch.Tensor]:
        """See `studio.plugins.fastpose.losses`."""
        del epoch
        outputs = model(normalised(batch["picture"]))
        value = loss_of(outputs, batch["points"], batch["weight"], self.options.sigma)
        return {"loss": value}

    def validate(self, model: torch.nn.Module, context: JobContext) -> Mapping[str, float]:
        """COCO's figures on the labelled boxes of the validation pictures."""
        judging = Judging(self.people.skeleton)
        total = len(self.people.val)
        for number, (sample, found) in enumerate(self._found(model, self.people.val), 1):
            context.check()
            context.progress("judge", number, total)
            judging.add(sample, found)
        metrics = judging.result().metrics
        return {name: value for name, value in metrics.items() if value >= 0}

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> ModelArtifact:
        """The runnable model of `weights`."""
        return artifact_of(self.options, self.people, weights, metrics)

    def batch_pictures(self, batch: Batch) -> Sequence[Picture]:
        """The first examples of a batch with their joints."""
        pictures = batch["picture"][:_SHOWN].cpu().numpy()
        points = batch["points"][:_SHOWN].float().cpu().numpy()
        weight = batch["weight"][:_SHOWN].float().cpu().numpy()
        return [
            self._drawn(picture, [_labelled(xy, known)])
            for picture, xy, known in zip(pictures, points, weight, strict=True)
        ]

    def validation_pictures(self, model: torch.nn.Module) -> Sequence[Picture]:
        """What the network finds in a few validation pictures."""
        count = len(self.people.val)
        places = np.unique(np.linspace(0, count - 1, min(_SHOWN, count)).round().astype(int))
        chosen = [self.people.val[i] for i in places]
        return [
            self._drawn(read_image(sample.image), found)
            for sample, found in self._found(model, chosen)
        ]

    @property
    def _size(self) -> tuple[int, int]:
        return self.options.imgsz[0], self.options.imgsz[1]

    def _found(
        self, model: torch.nn.Module, samples: Sequence[Sample]
    ) -> Iterator[tuple[Sample, list[Prediction]]]:
        """Every sample with its people as found in their labelled boxes; crops of several
        pictures share an inference.
        """
        crop_model = CropModel.of(self.artifact(Path("last.pt"), {}))
        waiting: list[_Cut] = []
        crops = 0
        for sample in samples:
            boxes = np.array([p.box for p in people_of(sample)], dtype=np.float32)
            cut, matrices = crop_model.cut(read_image(sample.image), boxes)
            waiting.append(_Cut(sample, boxes, cut, matrices))
            crops += len(cut)
            if crops >= self.options.batch:
                yield from self._look(model, crop_model, waiting)
                waiting, crops = [], 0
        yield from self._look(model, crop_model, waiting)

    def _look(
        self, model: torch.nn.Module, crop_model: CropModel, waiting: Sequence[_Cut]
    ) -> Iterator[tuple[Sample, list[Prediction]]]:
        if not waiting:
            return
        infer = _Inference(model)
        crops = np.concatenate([w.crops for w in waiting])
        found = crop_model.find(infer, crops, flip_test=self.options.flip_test)
        placed = in_picture(found, np.concatenate([w.matrices for w in waiting]))
        start = 0
        for item in waiting:
            joints = placed[start : start + len(item.boxes)]
            start += len(item.boxes)
            pairs = zip(item.boxes, joints, strict=True)
            yield item.sample, [person_of(box, 1.0, its) for box, its in pairs]

    def _drawn(self, picture: Picture, people: Sequence[Prediction]) -> Picture:
        style = DrawStyle(kp_conf=_SHOWN_CONF, boxes=False, labels=False)
        return draw_people(picture, people, self.people.skeleton, style)


@dataclass(frozen=True, eq=False)
class _Cut:
    """The people of one picture, cut out."""

    sample: Sample
    boxes: npt.NDArray[np.float32]
    crops: Picture
    matrices: npt.NDArray[np.float64]


class _Inference:
    """The network in training as an engine sees it: BGR bytes in, numpy out."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._device = next(model.parameters()).device
        self._spec = InputSpec(size=(0, 0), mean=MEAN, std=STD)

    def __call__(self, pictures: Picture) -> Outputs:
        import torch

        values = torch.from_numpy(to_floats(pictures, self._spec)).to(self._device)
        with torch.no_grad():
            found = self._model(values)
        tensors = found if isinstance(found, tuple) else (found,)
        return tuple(t.float().cpu().numpy() for t in tensors)


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """(N, H, W, 3) uint8 BGR as (N, 3, H, W) float32 RGB with ImageNet's mean and deviation."""
    import torch

    planes = pictures.permute(0, 3, 1, 2).flip(1).float() / 255
    mean, std = (torch.tensor(v, device=planes.device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (planes - mean) / std


def artifact_of(
    options: TrainOptions, people: People, weights: Path, metrics: Mapping[str, float]
) -> ModelArtifact:
    """The model that a training with these options writes."""
    height, width = options.imgsz
    heatmap = options.head == HEATMAP
    extra: dict[str, Any] = {
        "backbone": options.backbone,
        "head": options.head,
        "box_scale": options.box_scale,
        "sigma": options.sigma if heatmap else sigma_in_bins(options.sigma),
    }
    if heatmap:
        extra["heatmap"] = [height // CELL, width // CELL]
    parent = options.pretrained or options.try_load
    return ModelArtifact(
        family=FAMILY,
        task="keypoints",
        weights=weights,
        input=InputSpec(size=(height, width), mean=MEAN, std=STD),
        skeleton=people.skeleton,
        categories=(people.skeleton.category,),
        output="heatmaps" if heatmap else "simcc",
        metrics=dict(metrics),
        parent=Path(parent).name if parent else None,
        dataset_hash=people.dataset_hash or None,
        extra=extra,
    )


def _labelled(points: npt.NDArray[np.float32], weight: npt.NDArray[np.float32]) -> Prediction:
    keypoints = np.concatenate([points, weight[:, None]], axis=1).astype(np.float32)
    return Prediction(np.zeros(4, np.float32), 1.0, keypoints)
