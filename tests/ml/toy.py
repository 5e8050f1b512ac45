"""The smallest real task: a convnet that learns where the bright dot of a picture is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import FileProblem, Problem
from studio.core.job import JobContext
from studio.core.options import N_, option
from studio.core.skeleton import Skeleton
from studio.ml.course import CourseOptions, batch_option, epochs_option, lr_option
from studio.ml.family import LoopFamily, Prepared
from studio.ml.loop import train
from tests.training_runs import Remote, context_of

SIZE = 16


@dataclass(frozen=True)
class ToyOptions(CourseOptions):
    """Quick by default."""

    epochs: int = epochs_option(4)
    batch: int = batch_option(8)
    lr: float = lr_option(1e-2)
    width: int = option(8, title=N_("Width"))
    pictures: int = option(32, title=N_("Pictures"))
    dropout: float = option(0.1, title=N_("Dropout"), minimum=0)
    noise: float = option(0.1, title=N_("Noise"), minimum=0)


def options(**values: Any) -> ToyOptions:
    return ToyOptions.from_mapping({"device": "cpu", "seed": 3, **values}).validated()


@dataclass(frozen=True)
class Dots:
    """Pictures (1, 16, 16) float32 with a dot; `broken`: which cannot be read, from which epoch."""

    count: int
    noise: float = 0.1
    broken: tuple[int, ...] = ()
    broken_from: int = 1
    poisoned: tuple[tuple[int, int], ...] = ()
    pause: float = 0.0

    def __len__(self) -> int:
        return self.count

    def example(self, index: int, epoch: int, rng: np.random.Generator) -> dict[str, Any]:
        if index in self.broken and epoch >= self.broken_from:
            raise FileProblem("This picture is cut short.", where=f"dot{index:03d}.jpg")
        if self.pause:
            import time

            time.sleep(self.pause)
        picture, place = dot(index)
        picture = picture + rng.normal(0, self.noise, picture.shape).astype(np.float32)
        if (epoch, index) in self.poisoned:
            picture = picture * np.float32(np.nan)
        return {"picture": picture[None], "place": place, "index": index}


def dot(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture and where its dot is, in shares."""
    rng = np.random.default_rng(index)
    place = rng.uniform(0.2, 0.8, 2).astype(np.float32)
    grid = (np.arange(SIZE) + 0.5) / SIZE
    gauss = np.exp(-((grid[None] - place[0]) ** 2 + (grid[:, None] - place[1]) ** 2) / 0.01)
    return gauss.astype(np.float32), place


class Net(nn.Module):
    """Soft-argmax of a map; with batch statistics and chance, so that both are put to the test."""

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(dropout)
        )
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        shares = self.head(self.body(picture)).flatten(1).softmax(1).unflatten(1, (SIZE, SIZE))
        grid = (torch.arange(SIZE, device=picture.device) + 0.5) / SIZE
        return torch.stack([(shares.sum(1) * grid).sum(1), (shares.sum(2) * grid).sum(1)], 1)


@dataclass
class DotTask:
    """See `studio.ml.task.Task`. `spoil`: what a test does to a loss."""

    options: ToyOptions
    examples: Any = None
    best_metric: str = "error"
    higher_is_better: bool = False
    frozen_until: int = 0
    spoil: Callable[[int, torch.Tensor], torch.Tensor] | None = None
    judgements: list[float] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        if self.examples is None:
            self.examples = Dots(self.options.pictures, self.options.noise)

    def build(self) -> nn.Module:
        return Net(self.options.width, self.options.dropout)

    def parameter_groups(self, model: nn.Module) -> Sequence[Mapping[str, Any]]:
        return [
            {"params": list(model.body.parameters()), "lr": self.options.lr / 2},
            {"params": list(model.head.parameters())},
        ]

    def begin_epoch(self, epoch: int, model: nn.Module) -> None:
        model.body.requires_grad_(epoch > self.frozen_until)

    def loss(self, model: nn.Module, batch: Mapping[str, Any], epoch: int) -> dict[str, Any]:
        found = model(batch["picture"])
        x, y = ((found - batch["place"]) ** 2).mean(0)
        loss = x + y
        self.calls += 1
        if self.spoil is not None:
            loss = self.spoil(self.calls, loss)
        return {"loss": loss, "x_loss": x, "y_loss": y}

    def validate(self, model: nn.Module, context: JobContext) -> dict[str, float]:
        context.check()
        assert not model.training
        assert not torch.is_grad_enabled()
        if self.judgements:
            return {"error": self.judgements.pop(0)}
        pictures, places = zip(*(dot(1000 + i) for i in range(16)), strict=True)
        found = model(torch.from_numpy(np.stack(pictures))[:, None])
        error = (found - torch.from_numpy(np.stack(places))).norm(dim=1).mean()
        return {"error": float(error) * SIZE}

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> ModelArtifact:
        return ModelArtifact(
            family="toy",
            task="keypoints",
            weights=weights,
            input=InputSpec((SIZE, SIZE), channels=1, mean=(0.0,), std=(1.0,)),
            skeleton=Skeleton.numbered(1),
            metrics=dict(metrics),
            extra={"width": self.options.width},
        )

    def batch_pictures(self, batch: Mapping[str, Any]) -> list[np.ndarray]:
        return [np.full((SIZE, SIZE, 3), 200, np.uint8) for _ in batch["picture"]]

    def validation_pictures(self, model: nn.Module) -> list[np.ndarray]:
        return [np.full((SIZE, SIZE, 3), 90, np.uint8)]


class ToyFamily(LoopFamily):
    """The whole of a family."""

    id = "toy"

    def prepare(self, options: ToyOptions, context: Any, resume: Path | None) -> Prepared:
        if options.pictures < 2:
            return Prepared(None, (Problem("There are no pictures.", where="pictures"),))
        return Prepared(DotTask(options))

    def network(self, artifact: ModelArtifact) -> nn.Module:
        return Net(int(artifact.extra["width"]))


def run(
    run_dir: Path,
    remote: Remote | None = None,
    *,
    task: DotTask | None = None,
    resume: bool = False,
    **values: Any,
) -> ModelArtifact:
    """One training in this process."""
    chosen = options(**values)
    task = replace(task, options=chosen) if task is not None else DotTask(chosen)
    last = run_dir / "weights" / "last.pt" if resume else None
    context = context_of(run_dir, remote or Remote())
    return train(task, chosen, context, family="toy", resume=last)
