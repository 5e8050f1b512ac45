"""What every script begins with: the model's own description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Row = dict[str, Any]

HERE = Path(__file__).resolve().parent
MODEL: Row = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
WEIGHTS = HERE / MODEL["weights"]
INPUT: Row = MODEL["input"]
SIZE = (int(INPUT["size"][0]), int(INPUT["size"][1]))  # height, width
JOINTS: list[str] = MODEL["skeleton"]["keypoints"]
# An artefact of a fixed batch takes so many pictures at once.
BATCH = int(MODEL.get("batch", 1))


def network_input(pictures: Picture) -> npt.NDArray[np.float32]:
    """(N, H, W, C) uint8 pictures, the first three channels BGR, as (N, C, H, W) float32 in the
    order and scale that the network learnt.
    """
    order = list(range(INPUT["channels"]))
    if INPUT["color"] == "rgb":
        order[:3] = [2, 1, 0]
    values = pictures[..., order].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    mean, std = (np.array(INPUT[k], np.float32).reshape(1, -1, 1, 1) for k in ("mean", "std"))
    return np.ascontiguousarray((values - mean) / std)
