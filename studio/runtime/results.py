"""Predictions as plain values: for `predictions.json`, for CSV, for live events and for back.

One record is one person, in COCO's results form with what else is known (contracts, "Results").
Imports nothing heavy: the window reads these too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.core.prediction import HeadPose, Prediction

_PIXEL_DIGITS = 3
_SCORE_DIGITS = 5


def prediction_to_values(person: Prediction) -> dict[str, Any]:
    """{"category_id", "bbox": [x, y, w, h], "score", "keypoints": [x, y, score] * K} and, where
    known, "track_id", "box_score" and "head": {"rotation", "yaw", "pitch", "roll", "bbox"}. Pixels
    to 1/1000.
    """
    values: dict[str, Any] = {
        "category_id": person.category_id,
        "bbox": _corner_and_size(person.box),
        "score": round(float(person.score), _SCORE_DIGITS),
        "keypoints": [
            round(float(v), digits)
            for joint in person.keypoints
            for v, digits in zip(joint, (_PIXEL_DIGITS, _PIXEL_DIGITS, _SCORE_DIGITS), strict=True)
        ],
    }
    if person.track_id is not None:
        values["track_id"] = person.track_id
    if person.box_score is not None:
        values["box_score"] = round(float(person.box_score), _SCORE_DIGITS)
    if person.head is not None:
        values["head"] = {
            "rotation": person.head.rotation.tolist(),
            "yaw": person.head.yaw,
            "pitch": person.head.pitch,
            "roll": person.head.roll,
        }
        if person.head.box is not None:
            values["head"]["bbox"] = _corner_and_size(person.head.box)
    return values


def _corner_and_size(box: npt.NDArray[np.float32]) -> list[float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return [round(v, _PIXEL_DIGITS) for v in (x1, y1, x2 - x1, y2 - y1)]


def _corners(values: Any) -> npt.NDArray[np.float32]:
    x, y, w, h = (float(v) for v in values)
    return np.array([x, y, x + w, y + h], dtype=np.float32)


def prediction_from_values(values: Mapping[str, Any]) -> Prediction:
    """The inverse. Raises FormatError where a key is missing or of another length."""
    try:
        points = np.asarray(values["keypoints"], dtype=np.float32).reshape(-1, 3)
        track_id = values.get("track_id")
        head = values.get("head")
        box_score = values.get("box_score")
        return Prediction(
            box=_corners(values["bbox"]),
            score=float(values["score"]),
            keypoints=points,
            category_id=int(values.get("category_id", 0)),
            track_id=None if track_id is None else int(track_id),
            head=None if head is None else head_from_values(head),
            box_score=None if box_score is None else float(box_score),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"This is no prediction: {error!r}.") from error


def predictions_from_values(values: Iterable[Mapping[str, Any]]) -> tuple[Prediction, ...]:
    """Every person of a live event's "predictions"."""
    return tuple(prediction_from_values(v) for v in values)


def head_from_values(values: Mapping[str, Any]) -> HeadPose:
    """A record's "head". Raises KeyError, TypeError, ValueError where it is none."""
    return HeadPose(
        rotation=np.asarray(values["rotation"], dtype=np.float64).reshape(3, 3),
        yaw=float(values["yaw"]),
        pitch=float(values["pitch"]),
        roll=float(values["roll"]),
        box=_corners(values["bbox"]) if "bbox" in values else None,
    )


def records(
    image: str, image_id: int, frame: int, time: float, people: Sequence[Prediction]
) -> list[dict[str, Any]]:
    """The records of one picture or frame: `image` is the file's (or source's) name, `frame`
    counts from 0, `time` is seconds from the source's start.

    COCO counts categories from 1, so `category_id` here is the model's own plus one.
    """
    rows: list[dict[str, Any]] = []
    for person in people:
        values = prediction_to_values(person)
        values["category_id"] += 1
        place = {"image": image, "image_id": image_id, "frame": frame, "time": round(time, 6)}
        rows.append(place | values)
    return rows


def alphapose_record(row: Mapping[str, Any], *, frames: bool) -> dict[str, Any]:
    """A record as AlphaPose's `alphapose-results.json` has it: "image_id" is the picture's name,
    or with `frames` the frame's number with .jpg; "box" is x, y, width, height; "score" is the
    box's + the joints' mean + 1.25 x the best joint's.
    """
    scores: list[float] = row["keypoints"][2::3]
    score = float(row.get("box_score", row["score"]))
    if scores:
        score += sum(scores) / len(scores) + 1.25 * max(scores)
    return {
        "image_id": f"{row['frame']}.jpg" if frames else row["image"],
        "category_id": row["category_id"],
        "keypoints": row["keypoints"],
        "score": round(score, _SCORE_DIGITS),
        "box": row["bbox"],
        "idx": [float(row.get("track_id", 0.0))],
    }


def csv_header(joints: Sequence[str]) -> list[str]:
    """The columns of `predictions.csv`."""
    head = [
        "image", "image_id", "frame", "time", "category_id", "x", "y", "width", "height", "score",
        "track_id", "yaw", "pitch", "roll",
    ]  # fmt: skip
    return head + [f"{name}_{part}" for name in joints for part in ("x", "y", "score")]


def csv_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Records as lines of CSV, one person each, empty where something is not known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        head = row.get("head") or {}
        writer.writerow(
            [
                *(row[key] for key in ("image", "image_id", "frame", "time", "category_id")),
                *row["bbox"],
                row["score"],
                row.get("track_id", ""),
                *(head.get(key, "") for key in ("yaw", "pitch", "roll")),
                *row["keypoints"],
            ]
        )
    return out.getvalue()


def csv_head_line(joints: Sequence[str]) -> str:
    """The header as one line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(csv_header(joints))
    return out.getvalue()
