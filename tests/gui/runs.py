"""Folders of runs as jobs leave them: a recorded event stream, a spec, a model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any


def events(epochs: int, batches: int, *, finished: bool = True) -> list[dict[str, Any]]:
    """The events of a training, one line each, two batches a second."""
    now = 1_700_000_000.0
    lines: list[dict[str, Any]] = []

    def say(name: str, seconds: float = 0.0, **data: Any) -> None:
        nonlocal now
        now += seconds
        lines.append({"v": 1, "event": name, "t": now, **data})

    say("started", job="train", pid=1, run_dir="", versions={})
    step = 0
    for epoch in range(1, epochs + 1):
        for _ in range(batches):
            step += 1
            loss = 3 * math.exp(-step / 50)
            values = {"loss": loss, "box_loss": loss / 2, "lr": 0.01, "images_per_second": 8.0}
            say("metrics", 0.5, epoch=epoch, step=step, split="train", values=values)
            say("progress", stage="train", done=step, total=epochs * batches)
        ap = 0.6 - abs(epoch - 3) / 10
        say("metrics", epoch=epoch, step=step, split="train_epoch", values={"loss": loss})
        say("metrics", 1, epoch=epoch, step=step, split="val",
            values={"AP": ap, "AP50": ap + 0.2, "fitness": ap, "loss": loss})  # fmt: skip
        say("log", level="info", message=f"Epoch {epoch} is done.")
    if finished:
        say("finished", status="ok", result={"best_epoch": 3})
    return lines


def make_run(
    project: Path, name: str, *, epochs: int = 4, batches: int = 10, finished: bool = True
) -> Path:
    """A run's folder in `project`."""
    folder = project / "runs" / "yolo-pose" / name
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "last.pt").write_bytes(b"weights")
    lines = events(epochs, batches, finished=finished)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
    options = {"family": "yolo-pose", "data": str(project / "datasets" / "people")}
    spec = {"v": 1, "job": "train", "options": options, "run_dir": str(folder)}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    model = {"v": 1, "family": "yolo-pose", "precision": "fp32", "metrics": {"AP": 0.6}}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return folder
