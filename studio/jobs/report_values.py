"""What stands in a judgement's `report.json`, one documented form for each kind.

Every form has "v": 1, "kind", "created", "model" {path, family, precision}, "settings",
"dataset" {path, split, pictures, people, ...}, "metrics" {name: figure}, "skeleton",
"speed" {ms_per_picture} and "pictures", worst first. NaN is null, -1 is COCO's "nothing to judge".

- "pose": "joints" (rows of name, count, error_px, error_rel, pck), "pck" {thresholds, all,
  joints {name: curve}}, "precision_recall" {recall, "0.50", "0.75", "0.50:0.95"}. A picture:
  {image, oks, missed, false, people [{oks, truth {keypoints x y v, box x y w h} or null,
  prediction {keypoints x y score, box x1 y1 x2 y2, score} or null}]}.
- "clips": joints and pck as above (its distances over the longer side of the box around an
  instance's joints), "hota" {alphas, all {HOTA, DetA, AssA, ... (19,)}, classes {name: same},
  groups {name: same}}. A picture as above with the similarity in place of "oks"; the keypoints of
  an instance stand in their place among the joints of all classes.
- "heads": "angles" {yaw|pitch|roll {edges, count, error, geodesic}} against the true angle,
  "within" {degrees, share}. A picture: {image, geodesic, people [one, whose keypoints are the
  drawn axes, with rotation, yaw, pitch, roll on either side]}.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.skeleton import Skeleton
from studio.metrics.clips import ClipEvaluation
from studio.metrics.evaluation import Evaluation, JudgedPicture
from studio.metrics.head import ANGLES, bins_mapping
from studio.metrics.heads import AXES, HeadEvaluation, JudgedHead
from studio.metrics.hota_kp import Hota
from studio.metrics.joints import JointErrors, Pair

POSE, CLIPS, HEADS = "pose", "clips", "heads"


def pose_values(
    judged: Evaluation,
    skeleton: Skeleton,
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: int,
) -> dict[str, Any]:
    """The form "pose", less its dataset."""
    return {
        **_common(POSE, judged.metrics, model, settings, skeleton),
        **_joint_values(judged.joints),
        "precision_recall": {
            "recall": judged.ap.recall.tolist(),
            **{name: curve.tolist() for name, curve in judged.ap.precision.items()},
        },
        "speed": {"ms_per_picture": judged.milliseconds},
        "pictures": [picture_values(p) for p in judged.pictures[:pictures]],
    }


def clip_values(
    judged: ClipEvaluation,
    skeleton: Skeleton,
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: int,
) -> dict[str, Any]:
    """The form "clips", less its dataset."""
    hota = judged.hota
    return {
        **_common(CLIPS, judged.metrics, model, settings, skeleton),
        **_joint_values(judged.joints),
        "hota": {
            "alphas": hota.all.alphas.tolist(),
            "all": _curves(hota.all),
            "classes": {name: _curves(one) for name, one in hota.classes.items()},
            "groups": {name: _curves(one) for name, one in hota.groups.items()},
        },
        "speed": {"ms_per_picture": judged.milliseconds},
        "pictures": [picture_values(p, "similarity") for p in judged.frames[:pictures]],
    }


def head_values(
    judged: HeadEvaluation,
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: int,
) -> dict[str, Any]:
    """The form "heads", less its dataset."""
    degrees, share = judged.within()
    return {
        **_common(HEADS, judged.metrics, model, settings, AXES),
        "angles": bins_mapping(judged.errors.bins()),
        "within": {"degrees": degrees.tolist(), "share": share.tolist()},
        "speed": {"ms_per_picture": judged.milliseconds},
        "pictures": [_head(h) for h in judged.heads[:pictures]],
    }


def picture_values(picture: JudgedPicture, score: str = "oks") -> dict[str, Any]:
    """One picture of the report; `score` is what its likeness is called."""
    return {
        "image": str(picture.sample.image.absolute()),
        score: number(picture.oks),
        "missed": picture.missed,
        "false": picture.false,
        "people": [_person(pair, score) for pair in picture.pairs],
    }


def known(metrics: Mapping[str, float]) -> dict[str, float]:
    """The figures that say something: neither NaN nor COCO's -1."""
    return {n: v for n, v in metrics.items() if math.isfinite(v) and v >= 0}


def number(value: float) -> float | None:
    """None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def _common(
    kind: str,
    metrics: Mapping[str, float],
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    skeleton: Skeleton,
) -> dict[str, Any]:
    return {
        "v": 1,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": dict(model),
        "settings": dict(settings),
        "skeleton": skeleton.to_mapping(),
        "metrics": {n: number(v) for n, v in metrics.items()},
    }


def _joint_values(errors: JointErrors) -> dict[str, Any]:
    thresholds, everything, joints = errors.curves()
    return {
        "joints": [_plain(dataclasses.asdict(row)) for row in errors.table()],
        "pck": {
            "thresholds": thresholds.tolist(),
            "all": _numbers(everything),
            "joints": {name: _numbers(curve) for name, curve in joints.items()},
        },
    }


def _curves(hota: Hota) -> dict[str, list[float]]:
    return {name: curve.tolist() for name, curve in hota.curves.items()}


def _person(pair: Pair, score: str) -> dict[str, Any]:
    truth, found = pair.truth, pair.predicted
    return {
        score: pair.oks,
        "truth": truth
        and {
            "keypoints": np.round(truth.keypoints, 2).tolist(),
            "box": np.round(truth.box, 2).tolist(),
        },
        "prediction": found
        and {
            "keypoints": np.round(found.keypoints.astype(np.float64), 3).tolist(),
            "box": np.round(found.box.astype(np.float64), 2).tolist(),
            "score": round(float(found.score), 4),
        },
    }


def _head(head: JudgedHead) -> dict[str, Any]:
    sides = {}
    for row, (name, rotation) in enumerate((("truth", head.truth), ("prediction", head.found))):
        sides[name] = {
            "keypoints": np.round(head.axes(found=bool(row)), 2).tolist(),
            "rotation": np.round(rotation, 6).tolist(),
            **{a: round(float(v), 3) for a, v in zip(ANGLES, head.angles[row], strict=True)},
        }
    return {
        "image": str(head.picture.absolute()),
        "geodesic": number(head.geodesic),
        "missed": 0,
        "false": 0,
        "people": [{"geodesic": number(head.geodesic), **sides}],
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: number(v) if isinstance(v, float) else v for k, v in row.items()}


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [number(v) for v in values.tolist()]
