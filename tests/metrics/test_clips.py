"""Clips judged whole: HOTA-KP beside joint errors and the worst frames, by hand-made rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DataError
from studio.core.skeleton import Skeleton
from studio.io.keypoint_rows import Row
from studio.metrics.clips import ClipJudging, Part

HAND, TOOL = Part(3, "left hand", 4), Part(7, "scissors", 2)
SKELETON = Skeleton("clip", tuple(f"j{i}" for i in range(6)), edges=((0, 1), (4, 5)))
SHAPES = {3: np.array([[0, 0], [30, 0], [30, 40], [0, 40]]), 7: np.array([[200, 0], [260, 0]])}


def rows(frames, category, shift=0.0, track=1, v=2):
    return [
        Row(f, track, category, np.c_[SHAPES[category] + (f * 5 + shift, 20), np.full(len(SHAPES[category]), v)])
        for f in frames
    ]  # fmt: skip


def judged(truth, found, frames=range(10), **more):
    judging = ClipJudging((HAND, TOOL), SKELETON, {"hands": ("left hand",), "tools": ("scissors",)})
    judging.add("clip", truth, found, frames, **more)
    return judging.result()


def test_figures_of_two_classes():
    truth = rows(range(10), 3) + rows(range(10), 7)
    found = rows(range(10), 3, shift=5) + rows(range(10), 7, track=9)
    result = judged(truth, found)
    assert result.hota.classes["left hand"].mean() == pytest.approx(0.8947, abs=1e-4)
    assert result.metrics["HOTA-KP"] == pytest.approx((0.8947 + 1) / 2, abs=1e-4)
    assert result.metrics["HOTA-KP/tools"] == 1
    assert result.instances == 20
    table = {row.name: row for row in result.joints.table()}
    assert [table[f"j{i}"].error_px for i in range(6)] == pytest.approx([5, 5, 5, 5, 0, 0])
    assert [table[f"j{i}"].count for i in range(6)] == [10] * 6
    # The size of the hand is the longer side of its box: 40 px; the scissors' 60.
    assert table["j0"].error_rel == pytest.approx(5 / 40)
    assert table["j0"].pck == 0
    assert result.metrics["joint-error"] == pytest.approx(5 * 40 / 60)
    assert result.metrics["PCK"] == pytest.approx(20 / 60)


def test_worst_frames_first_with_joints_in_their_place():
    truth = rows(range(4), 3) + rows(range(4), 7)
    found = rows((0, 1, 2), 3) + rows((0, 2, 3), 7) + rows((3,), 3, shift=500)
    pictures = {n: Path(f"/frames/{n}.png") for n in range(4)}
    result = judged(truth, found, range(4), pictures=pictures)
    worst = result.frames[0]
    assert worst.sample.image == Path("/frames/3.png")
    assert (worst.missed, worst.false) == (1, 1)
    assert (result.frames[1].sample.image.stem, result.frames[1].missed) == ("1", 1)
    missed = next(p for p in worst.pairs if p.predicted is None)
    assert missed.truth is not None
    assert missed.truth.keypoints[:4, 2].tolist() == [2, 2, 2, 2]
    assert missed.truth.keypoints[4:].tolist() == [[0, 0, 0]] * 2
    pair = next(p for p in worst.pairs if p.oks == 1.0)
    assert pair.truth is not None
    assert np.allclose(pair.truth.keypoints[4:, :2], SHAPES[7] + (15, 20))


def test_frames_without_labels_count_unless_they_are_left_out():
    truth, found = rows((0, 5), 3), rows(range(10), 3)
    assert judged(truth, found).hota.classes["left hand"].mean("DetPr") == pytest.approx(0.2)
    assert judged(truth, found, (0, 5)).hota.classes["left hand"].mean("DetPr") == 1


def test_nobody_is_asked_where_no_joint_is_visible():
    truth = rows((0,), 3) + rows((1,), 3, v=1)
    result = judged(truth, rows((0, 1), 3), (0, 1))
    assert result.instances == 1
    assert [(f.missed, f.false) for f in result.frames] == [(0, 0), (0, 0)]
    assert result.metrics["HOTA-KP"] == 1


def test_rows_that_do_not_fit_are_named():
    with pytest.raises(DataError, match="Class 4 stands in a row"):
        judged([Row(0, 1, 4, np.ones((4, 3)))], [])
    with pytest.raises(DataError, match="Frame 2 has 3 joints for scissors, which has 2"):
        judged([], [Row(2, 1, 7, np.ones((3, 3)))])
    with pytest.raises(DataError, match="6 joints together, the skeleton 2"):
        ClipJudging((HAND, TOOL), Skeleton("s", ("a", "b")))
    with pytest.raises(DataError, match="no frame"):
        ClipJudging((HAND, TOOL), SKELETON).result()
