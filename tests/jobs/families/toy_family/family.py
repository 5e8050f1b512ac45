"""The toy's training: a line a second, files as a real one leaves them."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import DataError, ModelError, Problem
from studio.core.job import JobContext
from studio.core.skeleton import Skeleton

SKELETON = Skeleton(name="two", title="Two", category="thing", keypoints=("a", "b"))


class Toy:
    """See `studio.registry.interfaces.Family`."""

    def preflight(
        self, options: Any, context: JobContext | None = None, resume: Path | None = None
    ) -> Sequence[Problem]:
        if options.data is not None and not (options.data / "pictures.txt").is_file():
            return [Problem("There are no pictures.", where=str(options.data))]
        return []

    def fetch(self, options: Any, context: JobContext) -> None:
        raise NotImplementedError

    def resumed_options(
        self, last: Path, run_dir: Path, given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        stored = tomlkit.parse((run_dir / "config.toml").read_text()).unwrap()
        return {**stored["options"], **given}

    def train(self, options: Any, context: JobContext, resume: Path | None = None) -> ModelArtifact:
        run_dir = context.run_dir
        assert run_dir is not None
        (run_dir / "weights").mkdir(exist_ok=True)
        (run_dir / "report").mkdir(exist_ok=True)
        (run_dir / "config.toml").write_text(tomlkit.dumps({"options": options.to_mapping()}))
        first = int(resume.read_text().split()[0]) if resume is not None else 0
        if options.data is not None:
            context.log(f"{len((options.data / 'pictures.txt').read_text().split())} pictures")
        score, epoch = 0.0, first
        for epoch in range(first + 1, options.epochs + 1):
            score = self._epoch(epoch, options, context)
            (run_dir / "weights" / "last.pt").write_text(f"{epoch}\n{options.data}\n")
            (run_dir / "weights" / "best.pt").write_bytes(b"w" * 5_000_000)
            if epoch == first + 1:
                context.artifact("weights", run_dir / "weights" / "last.pt")
            picture = run_dir / "report" / f"val_{epoch:04d}.jpg"
            picture.write_bytes(b"picture")
            context.artifact("picture", picture)
            if context.stop_requested:
                break
        return ModelArtifact(
            "toy", "pose", run_dir / "weights" / "best.pt",
            InputSpec((32, 32)), SKELETON, metrics={"score": score}, extra={"epochs": epoch},
        )  # fmt: skip

    def _epoch(self, epoch: int, options: Any, context: JobContext) -> float:
        end = time.monotonic() + options.seconds
        while True:
            context.check()
            if time.monotonic() >= end:
                break
            time.sleep(0.02)
        if options.fail == "known":
            raise DataError("The data is wrong.", where="a.json", hint="Mend it.")
        if options.fail == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        context.metrics(epoch=epoch, step=epoch, split="train", values={"loss": 1 / epoch})
        score = epoch - (math.log10(options.lr) + 3) ** 2 - abs(options.width - 8) / 8
        values = {"score": score, "loss": -score}
        context.metrics(epoch=epoch, step=epoch, split="val", values=values)
        context.progress("train", epoch, options.epochs)
        return score

    def describe(self, weights: Path) -> ModelArtifact:
        raise ModelError("no", where=weights)
