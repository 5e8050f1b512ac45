"""Average precision and recall over object keypoint similarity, exactly as pycocotools counts.

The counting is faster-coco-eval's, which gives pycocotools' numbers; what stands here is the way
in and out, and the cases that neither of them survives (no prediction at all).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
MAX_DETECTIONS = 20
NOTHING_TO_JUDGE = -1.0


@dataclass(frozen=True, eq=False)
class KeypointAp:
    """metrics: COCO's ten figures by name; -1 where there was nothing to judge.

    recall: (101,) 0..1. precision: "0.50", "0.75" and "0.50:0.95" to (101,), mean over the
    categories, -1 where there was nothing to judge.
    """

    metrics: dict[str, float]
    recall: FloatArray
    precision: dict[str, FloatArray] = field(default_factory=dict[str, FloatArray])


def keypoint_ap(
    truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]], sigmas: Sequence[float]
) -> KeypointAp:
    """Judge `results` (COCO results form: image_id, category_id, keypoints, score) against
    `truth`, a COCO keypoint document. sigmas: one for each joint, as OKS uses them.

    Neither argument is changed.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    recall = np.linspace(0.0, 1.0, 101)
    if not results:
        return _nothing_found(truth, recall)
    document = {**truth, "annotations": [dict(a) for a in truth["annotations"]]}
    ground = COCO(document)
    found = ground.loadRes([dict(r) for r in results])
    judge = COCOeval_faster(
        ground,
        found,
        iouType="keypoints",
        kpt_oks_sigmas=[float(s) for s in sigmas],
        print_function=_silent,
    )
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    metrics: dict[str, float] = {
        name: float(v) for name, v in zip(NAMES, judge.stats[:10], strict=True)
    }
    return KeypointAp(metrics, recall, _curves(np.asarray(judge.eval["precision"]), judge.params))


def _curves(precision: FloatArray, params: Any) -> dict[str, FloatArray]:
    """Thresholds, recalls, categories, areas, limits: all areas, the largest limit."""
    table = precision[:, :, :, 0, -1]
    thresholds = [round(float(t), 2) for t in params.iouThrs]
    return {
        "0.50": _mean(table[thresholds.index(0.5)]),
        "0.75": _mean(table[thresholds.index(0.75)]),
        "0.50:0.95": _mean(table.transpose(1, 0, 2).reshape(table.shape[1], -1)),
    }


def _mean(rows: FloatArray) -> FloatArray:
    """(R,) mean of (R, N) over what was judged; -1 where nothing was."""
    judged = rows > NOTHING_TO_JUDGE
    count = judged.sum(axis=1)
    total = np.where(judged, rows, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), NOTHING_TO_JUDGE)


def _nothing_found(truth: Mapping[str, Any], recall: FloatArray) -> KeypointAp:
    """COCO's figures for no prediction: 0 wherever there was somebody to find."""
    people = [
        a for a in truth["annotations"] if not a.get("iscrowd") and a.get("num_keypoints", 0) > 0
    ]
    sizes = {
        "M": any(32**2 <= p["area"] <= 96**2 for p in people),
        "L": any(96**2 <= p["area"] <= 1e10 for p in people),
    }
    metrics = {
        name: 0.0 if people and sizes.get(name[-1], True) else NOTHING_TO_JUDGE for name in NAMES
    }
    flat = np.full(len(recall), 0.0 if people else NOTHING_TO_JUDGE)
    return KeypointAp(metrics, recall, dict.fromkeys(("0.50", "0.75", "0.50:0.95"), flat))


def _silent(*_: object) -> None:
    """faster-coco-eval prints a table; the numbers are enough."""
