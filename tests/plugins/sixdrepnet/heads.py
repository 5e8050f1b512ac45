"""Tiny sets and trainings of the family; each is made once a process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.head import angles_of
from studio.io.headpose_set import HeadSample
from studio.io.headpose_writing import write_crop, write_set
from studio.plugins.sixdrepnet.config import TrainOptions
from studio.plugins.sixdrepnet.family import SixDRepNetFamily
from studio.vision.synthetic.head import make_head
from tests.training_runs import Remote, context_of

pytest.importorskip("torch")
pytest.importorskip("timm")

BACKBONE = "test_resnet"


@cache
def root() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pose-studio-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def write_heads(folder: Path, count: int, judged: int, size: int = 48) -> Path:
    """Drawn heads, the last `judged` for validation."""
    samples = []
    for number in range(count):
        head = make_head(np.random.default_rng((11, number)), size)
        name = f"heads/h{number:03d}.png"
        write_crop(folder / name, head.image, 95)
        side = "train" if number < count - judged else "val"
        angles = angles_of(head.rotation)
        samples.append(HeadSample(folder / name, head.rotation, angles, side, name))
    write_set(folder, samples, folder.name, {"sources": []})
    return folder


@cache
def heads() -> Path:
    """12 heads to train on and 6 to judge on."""
    return write_heads(root() / "heads", 18, 6)


def options(**values: Any) -> TrainOptions:
    """Quick ones on the CPU."""
    plain: dict[str, Any] = {
        "data": str(heads()), "backbone": BACKBONE, "imgsz": 32, "epochs": 2, "batch": 4,
        "device": "cpu", "seed": 5, "lr": 2e-3,
    }  # fmt: skip
    return TrainOptions.from_mapping({**plain, **values}).validated()


def run(
    run_dir: Path, remote: Remote | None = None, *, resume: bool = False, **values: Any
) -> ModelArtifact:
    """One training in this process."""
    last = run_dir / "weights" / "last.pt" if resume else None
    context = context_of(run_dir, remote or Remote())
    return SixDRepNetFamily().train(options(**values), context, last)


@cache
def trained() -> ModelArtifact:
    """A model of one epoch on a backbone that has branches to put together."""
    return run(root() / "trained", backbone="repvgg_a0", epochs=1)
