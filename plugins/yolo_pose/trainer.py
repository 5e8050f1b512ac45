"""ultralytics' trainer, fed with the studio's checked labels and writing so that a kill is harmless.

These are subclasses that override the library's own hooks; see `_setup_train` and `train` for the
two places where a name of it is replaced for the time of a call.
"""

from __future__ import annotations

# isort: off
from . import guarded  # noqa: F401 - before anything of the library

# isort: on
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics.data.dataset import YOLODataset
from ultralytics.engine import trainer as engine
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.utils.torch_utils import strip_optimizer, unwrap_model

from studio.core.errors import FileProblem
from studio.io.files import atomic_write_bytes, part_path, replace

from .data import TrainingData
from .labels import Labelled
from .loading import STUDIO_KEY

_HALF_IS_BROKEN = re.compile(r"\b(16[356]0|T[4569]00|T[12][02]00)\b", re.IGNORECASE)


class AtomicPath(type(Path())):
    """A path whose `write_bytes` leaves the old file or the new one, whenever it is interrupted."""

    def write_bytes(self, data: Any) -> int:
        """Replace the file in one step. Raises FileProblem, also for a full disk."""
        content = bytes(data)
        atomic_write_bytes(Path(self), content)
        return len(content)


@dataclass(frozen=True)
class Plan:
    """What the trainer trains on. `known` is stored in the weights as plain values. bf16: 16-bit arithmetic
    where the training runs on a processor.
    """

    data: TrainingData
    items: dict[str, list[Labelled]]
    known: dict[str, Any]
    epochs: int | None = None
    bf16: bool = False


class CheckedDataset(YOLODataset):
    """Pictures and labels as they were checked: nothing is scanned, cached or rewritten again."""

    def __init__(self, *args: Any, items: list[Labelled], **kwargs: Any) -> None:
        self._items = items
        super().__init__(*args, **kwargs)

    def get_img_files(self, img_path: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        """The pictures that passed the check."""
        return [str(item.picture) for item in self._items]

    def get_labels(self) -> list[dict[str, Any]]:
        """One table a picture, in the library's form: sizes are (height, width)."""
        self.label_files = [str(item.label) for item in self._items]
        self.im_files = [str(item.picture) for item in self._items]
        count, dims = self.data["kpt_shape"]
        return [_label(item, count, dims) for item in self._items]


def _label(item: Labelled, count: int, dims: int) -> dict[str, Any]:
    rows = item.rows
    keypoints = rows[:, 5:].reshape(-1, count, dims)
    if dims == 2:
        seen = np.ones((*keypoints.shape[:2], 1), np.float32)
        keypoints = np.concatenate([keypoints, seen], axis=-1)
    return {
        "im_file": str(item.picture),
        "shape": item.size[::-1],
        "cls": rows[:, 0:1],
        "bboxes": rows[:, 1:5],
        "segments": [],
        "keypoints": keypoints,
        "normalized": True,
        "bbox_format": "xywh",
    }


class StudioTrainer(PoseTrainer):
    """A PoseTrainer on a `Plan`. `last.pt` stays resumable, also after the training has ended."""

    def __init__(
        self,
        plan: Plan,
        overrides: dict[str, Any],
        seen: Callable[[dict[str, Any]], object] = lambda *_: None,
    ) -> None:
        """`seen` is shown each batch as the network gets it."""
        self.plan = plan
        self._seen = seen
        super().__init__(overrides=overrides)
        self.last, self.best = AtomicPath(self.last), AtomicPath(self.best)

    def get_dataset(self) -> dict[str, Any]:
        """The data table, without the library's own search, download and scan."""
        data = self.plan.data.to_yaml()
        return {
            **data,
            "path": self.plan.data.root,
            "nc": len(data["names"]),
            "channels": 3,
            "yaml_file": self.args.data,
        }

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """The checked pictures of `mode`, with the library's own augmentation."""
        return CheckedDataset(
            items=self.plan.items[mode],
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=mode == "train",
            hyp=self.args,
            rect=mode == "val",
            cache=self.args.cache or None,
            stride=max(int(_network(self).stride.max()), 32),
            pad=0.0 if mode == "train" else 0.5,
            prefix=f"{mode}: ",
            task="pose",
            data=self.data,
        )

    def train(self) -> None:
        """As the library does; on a processor in bf16 where that is asked for, which the library
        offers on a GPU alone.
        """
        autocast: Any = engine.autocast
        if self.plan.bf16 and self.device.type == "cpu":
            engine.autocast = _bf16
        try:
            super().train()
        finally:
            engine.autocast = autocast

    def _setup_train(self) -> None:
        """As the library does, but for its check of half precision, which fetches a model for it."""
        checked = engine.check_amp
        engine.check_amp = amp_is_safe
        try:
            super()._setup_train()
        finally:
            engine.check_amp = checked

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """As the library does, with a look at the result."""
        batch = super().preprocess_batch(batch)
        self._seen(batch)
        return batch

    def set_model_attributes(self) -> None:
        """Let the weights carry the skeleton and where they come from."""
        super().set_model_attributes()
        setattr(_network(self), STUDIO_KEY, self.plan.known)

    def check_resume(self, overrides: dict[str, Any]) -> None:
        """As the library does, and a longer course where more epochs are asked for."""
        super().check_resume(overrides)
        if self.resume and self.plan.epochs is not None:
            self.args.epochs = max(self.plan.epochs, self.args.epochs)

    def read_results_csv(self) -> dict[str, Any]:
        """Nothing: the course of a run stands in its events."""
        return {}

    def final_eval(self) -> None:
        """Take the optimiser out of `best.pt`, in one step; it was judged when it was saved."""
        if self.best.exists():
            slim(Path(self.best))


def _bf16(*_: Any, **__: Any) -> Any:
    import torch

    return torch.autocast("cpu", torch.bfloat16)


def amp_is_safe(model: Any) -> bool:
    """Whether half precision can be trusted where `model` is: on a GPU, but for a few old ones
    whose half-precision convolutions give NaN.
    """
    import torch

    device = next(model.parameters()).device
    if device.type != "cuda":
        return False
    return not _HALF_IS_BROKEN.search(torch.cuda.get_device_name(device))


def _network(trainer: StudioTrainer) -> Any:
    model: Any = trainer.model
    return unwrap_model(model)


def slim(path: Path) -> None:
    """Replace a checkpoint by itself without the optimiser's state. Raises FileProblem."""
    part = part_path(path, ".pt")
    try:
        strip_optimizer(str(path), s=str(part))
        replace(part, path)
    except (OSError, RuntimeError) as error:
        raise FileProblem(
            f"The weights cannot be written: {error}.", where=path, hint="Is the disk full?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
