"""Annotated pictures and a report of them, small and written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QColor, QImage

from studio.core.annotation import AnnotatedImage, Instance, shapes_of
from studio.io.labelme import write
from studio.io.skeletons import load_skeleton

SIZE = (160, 120)


def person(x: float, y: float, height: float = 80.0) -> Instance:
    """A standing figure whose box begins at (x, y)."""
    skeleton = load_skeleton("coco17")
    template = np.array(skeleton.template)
    points = np.array([x, y]) + template * np.array([height / 2, height])
    keypoints = np.column_stack([points, np.full(len(points), 2.0)])
    box = np.array([x, y, height / 2, height])
    return Instance("person", keypoints, box=box, track_id=1)


def make_pictures(folder: Path, count: int) -> list[Path]:
    """Pictures of one person each, with their annotations beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    skeleton = load_skeleton("coco17")
    paths: list[Path] = []
    for number in range(count):
        path = folder / f"picture_{number:02}.png"
        image = QImage(*SIZE, QImage.Format.Format_RGB32)
        image.fill(QColor.fromHsv(number * 20 % 360, 80, 160))
        assert image.save(str(path))
        shapes = shapes_of(person(20.0 + number, 20.0), skeleton, 1)
        write(path.with_suffix(".json"), AnnotatedImage(path.name, *SIZE, shapes=shapes))
        paths.append(path)
    return paths


def report_values(pictures: list[Path], model: Path, ap: float = 0.5) -> dict[str, Any]:
    """A report as the evaluate job writes it; the first picture is the worst."""
    skeleton = load_skeleton("coco17")
    rows = []
    for number, path in enumerate(pictures):
        truth = person(20.0 + number, 20.0)
        found = truth.keypoints + np.array([12.0 - number, 3.0, 0.0])
        rows.append(
            {
                "image": str(path), "oks": number / 10, "missed": int(number == 0), "false": 0,
                "people": [
                    {
                        "oks": number / 10,
                        "truth": {"keypoints": truth.keypoints.tolist(), "box": [20, 20, 40, 80]},
                        "prediction": {"keypoints": found.tolist(), "box": [20, 20, 60, 100],
                                       "score": 0.9},
                    }
                ],
            }
        )  # fmt: skip
    recall = [i / 100 for i in range(101)]
    return {
        "v": 1,
        "model": {"path": str(model), "family": "yolo-pose", "precision": "fp32"},
        "dataset": {"path": "datasets/people", "split": "val", "pictures": len(pictures),
                    "people": len(pictures)},
        "metrics": {"AP": ap, "AP50": ap + 0.2, "AP75": None, "APM": -1, "AR": ap + 0.1},
        "joints": [
            {"name": n, "count": 4, "error_px": 5.0 + i, "error_rel": 0.05, "pck": 0.9}
            for i, n in enumerate(skeleton.keypoints)
        ],
        "pck": {"thresholds": [0, 0.1, 0.2], "all": [0, 0.5, 0.9], "joints": {}},
        "precision_recall": {"recall": recall, "0.50": [1 - r for r in recall],
                             "0.75": [0.5 - r / 2 for r in recall]},
        "pictures": rows,
        "skeleton": skeleton.to_mapping(),
        "speed": {"ms_per_picture": 12.5},
    }  # fmt: skip


def write_report(path: Path, values: dict[str, Any]) -> Path:
    """The report's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")
    return path
