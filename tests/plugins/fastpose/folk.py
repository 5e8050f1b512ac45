"""Tiny sets and trainings of the family; each set is made once a process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from studio.core.artifact import ModelArtifact
from studio.plugins.fastpose.config import TrainOptions
from studio.plugins.fastpose.family import FastPoseFamily
from tests.training_runs import Remote, context_of, write_split

pytest.importorskip("torch")
pytest.importorskip("timm")

BACKBONE = "test_resnet"


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="pose-studio-test-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def dots() -> Path:
    """8 pictures to train on and 4 to judge on, one figure of dots each."""
    root = _root() / "dots"
    write_split(root, "train", 8, seed=1)
    write_split(root, "val", 4, seed=2)
    (root / "pose.yaml").write_text(
        "train: images/train\nval: images/val\nkpt_shape: [17, 3]\nnames: {0: person}\n"
    )
    return root


def options(**values: Any) -> TrainOptions:
    """Quick ones on the CPU."""
    plain: dict[str, Any] = {
        "data": str(dots()), "backbone": BACKBONE, "imgsz": [64, 64], "epochs": 2, "batch": 4,
        "device": "cpu", "seed": 5, "schedule": "cosine", "sigma": 1.0, "lr": 2e-3,
    }  # fmt: skip
    return TrainOptions.from_mapping({**plain, **values}).validated()


def run(
    run_dir: Path, remote: Remote | None = None, *, resume: bool = False, **values: Any
) -> ModelArtifact:
    """One training in this process."""
    last = run_dir / "weights" / "last.pt" if resume else None
    context = context_of(run_dir, remote or Remote())
    return FastPoseFamily().train(options(**values), context, last)


@cache
def trained(head: str = "heatmap") -> ModelArtifact:
    """A model of one epoch."""
    return run(_root() / head, head=head, epochs=1)
