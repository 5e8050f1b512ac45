"""Heads judged: the worst first, their drawn axes, and pictures that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.core.errors import DataError
from studio.core.head import Angles, rotation_of
from studio.metrics.heads import AXES, drawn_axes, evaluate_heads


@dataclass(frozen=True, eq=False)
class Head:
    picture: Path
    rotation: np.ndarray
    angles: Angles
    box: np.ndarray | None = None


@pytest.fixture
def heads(tmp_path) -> list[Head]:
    made = []
    for number, angles in enumerate((Angles(0, 0, 0), Angles(30, -10, 5), Angles(-60, 20, 0))):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((80, 60, 3), number * 50, np.uint8))
        made.append(Head(path, rotation_of(angles), angles))
    return made


def off_by(degrees):
    """A model that is so far off in yaw, by the picture's number."""

    def turn(pictures, samples):
        return np.stack(
            [
                rotation_of(Angles(s.angles.yaw + degrees[int(p[0, 0, 0]) // 50], *s.angles[1:]))
                for p, s in zip(pictures, samples, strict=True)
            ]
        )

    return turn


def test_the_worst_head_comes_first(heads):
    seen = []
    judged = evaluate_heads(heads, off_by([2, 8, 5]), progress=lambda *a: seen.append(a))
    assert [h.picture.stem for h in judged.heads] == ["1", "2", "0"]
    assert judged.metrics["MAE-yaw"] == pytest.approx(5)
    assert judged.heads[0].angles[:, 0] == pytest.approx([30, 38])
    degrees, share = judged.within()
    assert share[degrees == 3] == pytest.approx(1 / 3)
    assert share[-1] == 1
    assert seen == [(3, 3)]


def test_axes_are_drawn_from_the_middle(heads):
    judged = evaluate_heads(heads[:1], off_by([90]))
    head = judged.heads[0]
    truth, found = head.axes(found=False), head.axes(found=True)
    assert truth[0, :2].tolist() == [30, 40]
    assert len(truth) == len(AXES)
    reach = 0.38 * 60
    # Looking straight at us the forward axis has no length; after a quarter turn it has all.
    assert truth[3, :2] == pytest.approx([30, 40])
    assert truth[2, :2] == pytest.approx([30, 40 + reach])
    assert abs(found[3, 0] - 30) == pytest.approx(reach)
    boxed = drawn_axes(np.eye(3), np.array([100.0, 200, 200, 400]))
    assert boxed[0, :2].tolist() == [150, 300]


def test_a_picture_that_cannot_be_read_is_left_out(heads):
    heads[1].picture.write_bytes(b"no picture")
    judged = evaluate_heads(heads, off_by([2, 8, 4]))
    assert [h.picture.stem for h in judged.heads] == ["2", "0"]
    assert judged.metrics["MAE-yaw"] == pytest.approx(3)
    assert [Path(p.where).stem for p in judged.problems] == ["1"]
    for head in heads:
        head.picture.unlink(missing_ok=True)
    with pytest.raises(DataError, match="No picture"):
        evaluate_heads(heads, off_by([0, 0, 0]))
