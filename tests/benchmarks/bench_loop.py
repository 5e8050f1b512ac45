"""Steps a second of the training loop beside a plain PyTorch loop, and how long it waits for pictures.

Both train the same network from the same weights on the same batches from memory, in turns, so that
a busy machine disturbs both alike. The loop does what it does in a job: an event a batch in a file,
TensorBoard, a look at every gradient.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from studio.core.job import METRICS, JobContext, JobEvent
from studio.io.images import read_image, write_image
from studio.jobs.host import encode
from studio.ml.augment import Chances, Colours, draw_view, jitter
from studio.ml.course import CourseOptions
from studio.ml.loop import train
from studio.vision.affine import crop_matrix
from tests.benchmarks import Report, percentile
from tests.ml.toy import DotTask

SIDE, BATCH, STEPS, TURNS = 96, 16, 12, 6
# Of many steps the quick ones were disturbed by nobody.
UNDISTURBED = 0.1


def run(report: Report) -> None:
    """The loop alone, then with the loader on pictures from disk."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _beside_plain(report, Path(folder))
            _waiting(report, Path(folder))
    finally:
        torch.set_num_threads(threads)


def _beside_plain(report: Report, folder: Path) -> None:
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for turn in range(TURNS):
        plain += _plain_steps()
        ours += _loop_steps(folder / f"turn{turn}")
    wall, peer = (percentile([t for t, _ in times], UNDISTURBED) for times in (ours, plain))
    used, used_peer = (statistics.median(t for _, t in times) for times in (ours, plain))
    report.add("loop: one step", 1000 * wall, "ms", peer=f"plain PyTorch: {1000 * peer:.1f} ms")
    report.add("loop: steps/s, share of a plain loop's", peer / wall, "", at_least=0.95)
    report.add(
        "loop: the same in processor time",
        used_peer / used,
        "",
        at_least=0.95,
        note="what a busy machine does not disturb",
    )


def _waiting(report: Report, folder: Path) -> None:
    pictures = folder / "pictures"
    for number in range(BATCH * STEPS // 2):
        noise = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        write_image(pictures / f"{number:04d}.jpg", np.asarray(cv2.resize(noise, (640, 480))))
    for workers in (0, 1):
        task = _Task(_options(epochs=3, workers=workers), OnDisk(pictures))
        seen = _Events(folder / f"wait{workers}.jsonl")
        train(task, task.options, seen.context(folder / f"wait{workers}"), family="bench")
        shares = [v["wait"] for split, v in seen.values if split == "train_epoch"]
        report.add(
            f"loop: share of waiting, {workers} loader processes",
            statistics.median(shares[1:]),
            "",
            at_most=0.1 if workers else None,
            note="640x480 JPEG, warped and coloured; 1 thread trains",
        )


@cache
def _batches() -> list[dict[str, torch.Tensor]]:
    memory = Memory()
    examples = [memory.example(i, 1, np.random.default_rng(0)) for i in range(len(memory))]
    return [
        {k: torch.stack([e[k] for e in examples[i : i + BATCH]]) for k in examples[0]}
        for i in range(0, len(examples), BATCH)
    ]


def _plain_steps() -> list[tuple[float, float]]:
    """(wall, processor) seconds of each step of the loop that everybody writes."""
    torch.manual_seed(0)
    model = _network().train()
    # As fast as it goes: the one that the loop uses too.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    times: list[tuple[float, float]] = []
    at = _now()
    for batch in _batches():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(batch["picture"]), batch["place"])
        loss.backward()
        optimizer.step()
        loss.item()
        at, before = _now(), at
        times.append((at[0] - before[0], at[1] - before[1]))
    return times[2:]


def _loop_steps(run_dir: Path) -> list[tuple[float, float]]:
    seen = _Events(run_dir.with_suffix(".jsonl"))
    task = _Task(_options(epochs=1), Memory())
    train(task, task.options, seen.context(run_dir), family="bench")
    pairs = zip(seen.batches[1:], seen.batches[2:], strict=False)
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairs]


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _options(**values: Any) -> CourseOptions:
    return CourseOptions.from_mapping(
        {"device": "cpu", "batch": BATCH, "schedule": "constant", **values}
    ).validated()


def _network() -> torch.nn.Module:
    import timm

    return timm.create_model("resnet18", num_classes=2)


class Memory:
    """Pictures that are ready."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        count = BATCH * STEPS
        self._pictures = torch.rand(count, 3, SIDE, SIDE, generator=generator)
        self._places = torch.rand(count, 2, generator=generator)

    def __len__(self) -> int:
        return len(self._pictures)

    def example(self, index: int, _epoch: int, _rng: np.random.Generator) -> dict[str, Any]:
        return {"picture": self._pictures[index], "place": self._places[index]}


class OnDisk:
    """Pictures that are read, warped and coloured."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self._paths)

    def example(self, index: int, _epoch: int, rng: np.random.Generator) -> dict[str, Any]:
        picture = read_image(self._paths[index])
        base = crop_matrix((320, 240, 480, 480), (SIDE, SIDE))
        view = draw_view(rng, base, (SIDE, SIDE), Chances(0.5, 30, 0.6, 0.25))
        seen = jitter(rng, view.picture(picture), Colours(0.2, 0.2, 0.2))
        return {
            "picture": seen.transpose(2, 0, 1).astype(np.float32) / 255,
            "place": view.points(np.array([[320.0, 240.0]]))[0].astype(np.float32) / SIDE,
        }


@dataclass
class _Task(DotTask):
    def build(self) -> torch.nn.Module:
        return _network()

    def parameter_groups(self, model: torch.nn.Module) -> list[Mapping[str, Any]]:
        return [{"params": list(model.parameters())}]

    def begin_epoch(self, epoch: int, model: torch.nn.Module) -> None:
        del epoch, model

    def loss(self, model: torch.nn.Module, batch: Mapping[str, Any], epoch: int) -> dict[str, Any]:
        return {"loss": torch.nn.functional.mse_loss(model(batch["picture"]), batch["place"])}

    def validate(self, model: torch.nn.Module, context: JobContext) -> dict[str, float]:
        return {"error": 1.0}

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> Any:
        from studio.core.artifact import InputSpec, ModelArtifact
        from studio.core.skeleton import Skeleton

        size = InputSpec((SIDE, SIDE))
        return ModelArtifact("bench", "keypoints", weights, size, Skeleton.numbered(1))


@dataclass
class _Events:
    """Writes events as a job does and notes when batches were told."""

    path: Path
    batches: list[tuple[float, float]] = field(default_factory=list)
    values: list[tuple[str, Mapping[str, float]]] = field(default_factory=list)

    def context(self, run_dir: Path) -> JobContext:
        run_dir.mkdir(parents=True)
        self._file = self.path.open("ab", buffering=0)
        return JobContext(self._emit, run_dir=run_dir)

    def _emit(self, event: JobEvent) -> None:
        self._file.write(encode(event))
        if event.event == METRICS:
            self.values.append((event.data["split"], event.data["values"]))
            if event.data["split"] == "train":
                self.batches.append(_now())
