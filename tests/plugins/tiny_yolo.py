"""YOLO pose networks of chance that say something, for tests that need the shape of one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from studio.core.artifact import ModelArtifact
from studio.registry import find


def tiny_yolo(folder: Path, name: str, size: int = 96) -> ModelArtifact:
    """A network called `name` for one category of people, with weights that differ from cell to
    cell.
    """
    import torch

    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics import YOLO

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    network = YOLO(f"{name}.yaml")
    for module in network.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.mul_(0.05)
    network.save(folder / f"{name}.pt")
    artifact = find("family", "yolo-pose").load().describe(folder / f"{name}.pt")
    spec = dataclasses.replace(artifact.input, size=(size, size))
    return dataclasses.replace(artifact, input=spec, categories=("person",))
