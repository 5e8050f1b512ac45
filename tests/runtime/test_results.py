"""Predictions as plain values and back."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from studio.core.errors import FormatError
from studio.core.prediction import HeadPose, Prediction
from studio.runtime.results import (
    csv_head_line,
    csv_rows,
    prediction_from_values,
    prediction_to_values,
    records,
)


def person(**more: object) -> Prediction:
    points = np.array([[1.5, 2.25, 0.5], [3, 4, 1]], np.float32)
    return Prediction(np.array([10, 20, 40, 80], np.float32), 0.875, points, **more)  # type: ignore[arg-type]


def test_there_and_back() -> None:
    head = HeadPose(np.eye(3), 1.0, 2.0, 3.0)
    values = json.loads(json.dumps(prediction_to_values(person(track_id=7, head=head))))
    assert values["bbox"] == [10, 20, 30, 60]
    assert values["keypoints"] == [1.5, 2.25, 0.5, 3, 4, 1]
    again = prediction_from_values(values)
    assert again.box.tolist() == [10, 20, 40, 80]
    assert again.keypoints.tolist() == [[1.5, 2.25, 0.5], [3, 4, 1]]
    assert (again.score, again.track_id) == (0.875, 7)
    assert again.head is not None
    assert (again.head.rotation == np.eye(3)).all()
    assert "track_id" not in prediction_to_values(person())


def test_what_is_no_prediction_says_so() -> None:
    for values in ({}, {"bbox": [1, 2, 3], "keypoints": [], "score": 1}):
        with pytest.raises(FormatError, match="no prediction"):
            prediction_from_values(values)


def test_records_are_in_the_form_of_the_contract() -> None:
    (row,) = records("a.jpg", 5, 2, 0.1, [person()])
    assert list(row)[:5] == ["image", "image_id", "frame", "time", "category_id"]
    assert (row["image"], row["image_id"], row["frame"], row["category_id"]) == ("a.jpg", 5, 2, 1)


def test_csv_has_one_row_a_person_under_its_header() -> None:
    rows = records("ä, b.jpg", 1, 0, 0.0, [person(), person(track_id=3)])
    text = csv_head_line(["nose", "tail"]) + csv_rows(rows)
    first, second = csv.DictReader(io.StringIO(text))
    assert first["image"] == "ä, b.jpg"
    assert (first["x"], first["height"], first["tail_y"]) == ("10.0", "60.0", "4.0")
    assert (first["track_id"], second["track_id"]) == ("", "3")


def test_the_window_may_read_them_without_anything_heavy() -> None:
    code = (
        "import sys, studio.runtime.results, studio.runtime.ring\n"
        "heavy = {'cv2', 'torch', 'openvino', 'onnxruntime', 'ultralytics', 'PySide6'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
