"""Tiny datasets and trainings that tests of several rooms share; each is made once a process."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext, JobEvent

# Not importorskip: that would import it past the guard.
needs_yolo = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "ultralytics")),
    reason="torch and ultralytics are not installed",
)
SHARED_WEIGHTS = Path("../shared/data/weights/yolo11n-pose.pt")


@dataclass
class Remote:
    """A control that a test works by hand: `stop_when` and `cancel_when` look at each event."""

    stop_when: Callable[[JobEvent], bool] = lambda _: False
    cancel_when: Callable[[JobEvent], bool] = lambda _: False
    events: list[JobEvent] = field(default_factory=list)
    stop_requested: bool = False
    cancel_requested: bool = False

    def take_values(self) -> dict[str, Any]:
        return {}

    def emit(self, event: JobEvent) -> None:
        self.events.append(event)
        self.stop_requested |= self.stop_when(event)
        self.cancel_requested |= self.cancel_when(event)

    def named(self, name: str, **wanted: Any) -> list[dict[str, Any]]:
        """The data of all events called `name` whose fields are as wanted."""
        return [
            dict(e.data)
            for e in self.events
            if e.event == name and all(e.data.get(k) == v for k, v in wanted.items())
        ]


def context_of(run_dir: Path, remote: Remote) -> JobContext:
    run_dir.mkdir(parents=True, exist_ok=True)
    return JobContext(remote.emit, remote, run_dir)


def write_split(
    root: Path, split: str, count: int, *, joints: int = 17, size: int = 96, seed: int = 0
) -> None:
    """Pictures with one figure of bright dots each, and exact YOLO labels."""
    rng = np.random.default_rng(seed)
    pictures, labels = root / "images" / split, root / "labels" / split
    pictures.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = rng.integers(60, 110, (size, size, 3), dtype=np.uint8)
        middle = rng.uniform(0.35, 0.65, 2)
        points = (middle + rng.uniform(-0.3, 0.3, (joints, 2))).clip(0.03, 0.97)
        for x, y in points * size:
            cv2.circle(picture, (int(x), int(y)), 3, (0, 200, 255), -1)
        low, high = points.min(axis=0), points.max(axis=0)
        box = [*((low + high) / 2), *(high - low)]
        words = [f"{v:.6f}" for v in box] + [f"{x:.6f} {y:.6f} 2" for x, y in points]
        cv2.imwrite(str(pictures / f"p{number:03d}.jpg"), picture)
        (labels / f"p{number:03d}.txt").write_text("0 " + " ".join(words) + "\n")


def make_dataset(root: Path, *, train: int = 8, val: int = 4, joints: int = 17) -> Path:
    """A YOLO dataset without a data file."""
    write_split(root, "train", train, joints=joints, seed=1)
    write_split(root, "val", val, joints=joints, seed=2)
    return root


def tiny_options(data: Path, **changes: Any) -> Any:
    """Options of a training of a second or two."""
    from studio.registry import find

    values = {
        "data": str(data),
        "pretrained": "yolo11n-pose.yaml",
        "epochs": 2,
        "imgsz": 64,
        "batch": 4,
        "nbs": 4,
        "device": "cpu",
        **changes,
    }
    return find("family", "yolo-pose").options_class().from_mapping(values).validated()


@dataclass(frozen=True)
class TinyRun:
    """A finished training."""

    run_dir: Path
    data: Path
    artifact: ModelArtifact
    remote: Remote

    @property
    def best(self) -> Path:
        return self.run_dir / "weights" / "best.pt"

    @property
    def last(self) -> Path:
        return self.run_dir / "weights" / "last.pt"


def train_tiny(
    data: Path, run_dir: Path, remote: Remote | None = None, **changes: Any
) -> ModelArtifact:
    """One training in this process."""
    from studio.registry import find

    remote = remote or Remote()
    family = find("family", "yolo-pose").load()
    return family.train(tiny_options(data, **changes), context_of(run_dir, remote))


@cache
def tiny_run() -> TinyRun:
    """Two epochs on eight pictures; nobody may write into it."""
    root = Path(tempfile.mkdtemp(prefix="pose-studio-test-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    data = make_dataset(root / "data")
    remote = Remote()
    run_dir = root / "runs" / "yolo-pose" / "tiny"
    artifact = train_tiny(data, run_dir, remote)
    return TinyRun(run_dir, data, artifact, remote)


def rates(events: Sequence[dict[str, Any]]) -> dict[int, float]:
    """Learning rate by step."""
    return {e["step"]: e["values"]["lr"] for e in events}
