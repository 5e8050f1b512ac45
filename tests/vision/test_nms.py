"""Suppression with torchvision's outcome."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.vision.nms import nms, overlaps

ORACLE = """
import json, sys
import numpy as np, torch, torchvision
data = np.load(sys.argv[1])
for i in range(int(data["count"])):
    boxes, scores, cats = (torch.from_numpy(data[f"{k}{i}"]) for k in ("boxes", "scores", "cats"))
    moved = boxes + cats[:, None].float() * 7680.0
    print(json.dumps(torchvision.ops.nms(moved, scores, 0.7)[:50].tolist()))
"""


def crowd(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes that overlap a lot, with ties among the scores."""
    centres = rng.uniform(50, 250, (max(count // 6, 1), 2))[
        rng.integers(0, max(count // 6, 1), count)
    ]
    corner = centres + rng.normal(0, 6, (count, 2))
    size = rng.uniform(20, 120, (count, 2))
    boxes = np.concatenate([corner - size / 2, corner + size / 2], axis=1).astype(np.float32)
    scores = np.round(rng.uniform(0, 1, count), 2).astype(np.float32)
    return boxes, scores, rng.integers(0, 3, count)


def test_the_same_boxes_as_torchvision(tmp_path: Path) -> None:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    rng = np.random.default_rng(5)
    cases = [crowd(rng, n) for n in (1, 2, 10, 60, 400, 1500)]
    arrays: dict[str, object] = {"count": len(cases)}
    for i, (boxes, scores, cats) in enumerate(cases):
        arrays |= {f"boxes{i}": boxes, f"scores{i}": scores, f"cats{i}": cats}
    np.savez(tmp_path / "cases.npz", **arrays)  # type: ignore[arg-type]
    command = [sys.executable, "-c", ORACLE, str(tmp_path / "cases.npz")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    for (boxes, scores, cats), line in zip(cases, said.stdout.splitlines(), strict=True):
        assert nms(boxes, scores, cats, iou=0.7, limit=50).tolist() == json.loads(line)


def test_categories_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 3, np.float32)
    scores = np.array([0.5, 0.9, 0.7], np.float32)
    assert nms(boxes, scores, np.array([0, 0, 1])).tolist() == [1, 2]


def test_nothing_gives_nothing() -> None:
    none = np.zeros((0, 4), np.float32)
    assert nms(none, none[:, 0], np.zeros(0, np.int64)).tolist() == []


def test_overlaps() -> None:
    first = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], np.float32)
    second = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    assert overlaps(first, second) == pytest.approx(np.array([[1, 1 / 3, 0], [0, 0, 0]]))
