"""What we find is what ultralytics' own predict finds, for the weights and for their export.

ultralytics runs in a process of its own and looks at the two photographs of its package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.runtime.oracle import (
    WEIGHTS,
    Found,
    ask_ultralytics,
    differences,
    found_by,
    studio,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"{WEIGHTS} is not there"),
    pytest.mark.skipif(
        importlib.util.find_spec("ultralytics") is None, reason="ultralytics is not installed"
    ),
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """ultralytics' own answers."""
    return ask_ultralytics(WEIGHTS, tmp_path_factory.mktemp("oracle"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights as OpenVINO files, by our own export."""
    out = tmp_path_factory.mktemp("export") / "model"
    studio("export", "--target", "openvino", "--weights", WEIGHTS, "--out", out, "--no-certify")
    return out


def test_the_weights_give_the_same(expected: Found, tmp_path: Path) -> None:
    worst = differences(expected, found_by(WEIGHTS, tmp_path, "auto"))
    assert worst["keypoint_px"] < 0.01
    assert worst["score"] < 1e-4
    assert worst["joint_score"] < 1e-4


def test_the_export_gives_the_same_in_f32(expected: Found, exported: Path, tmp_path: Path) -> None:
    worst = differences(expected, found_by(exported, tmp_path, "f32"))
    assert worst["keypoint_px"] < 1.0
    assert worst["score"] < 0.01
    assert worst["joint_score"] < 0.01


def test_the_export_at_its_own_precision_finds_the_same_people(
    expected: Found, exported: Path, tmp_path: Path
) -> None:
    worst = differences(expected, found_by(exported, tmp_path, "auto"))
    print(worst)
    # In bf16 another of two nearly equal candidates may win and move one person by many pixels:
    # the maximum is told, the median is bounded.
    assert worst["visible_median_px"] < 1.0, worst
    assert worst["score"] < 0.02, worst
