"""How far two artefacts agree."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.metrics.agreement import Agreement, match_people


def person(x: float, score: float = 0.9, shift: float = 0.0, seen: float = 1.0) -> Prediction:
    points = np.array([[x + shift, 10, 0.9], [x + 5, 20, seen]], np.float32)
    return Prediction(np.array([x, 0, x + 20, 40], np.float32), score, points)


def test_people_are_paired_by_their_boxes_not_their_order() -> None:
    first = [person(0), person(100), person(200)]
    second = [person(201), person(1), person(400)]
    assert match_people(first, second) == [(0, 1), (2, 0)]
    assert match_people([], second) == []


def test_shifts_scores_and_who_is_missing() -> None:
    agreement = Agreement(("nose", "tail"))
    picture = agreement.add([person(0), person(300)], [person(0, 0.8, shift=3)], scale=0.5)
    agreement.add([person(0, seen=0.1)], [person(0, seen=0.4), person(90)], scale=1.0)
    assert agreement.people() == {"both": 2, "only_a": 1, "only_b": 1}
    assert (picture.worst, len(picture.only_first)) == (3.0, 1)
    assert picture.badness > 1e6
    seen = agreement.shift(visible=True)
    assert (seen.count, seen.max, seen.mean) == (3, 3.0, 1.0)
    assert agreement.shift(visible=True, input_pixels=True).max == 1.5
    assert agreement.shift(visible=False).count == 4
    assert agreement.by_joint()["nose"].mean == pytest.approx(1.5)
    assert agreement.by_joint()["tail"].count == 1
    assert agreement.scores()["person_max"] == pytest.approx(0.1)
    assert agreement.scores()["joint_max"] == pytest.approx(0.3, abs=1e-6)


def test_nothing_found_is_no_shift() -> None:
    agreement = Agreement(("nose",))
    agreement.add([], [], 1.0)
    assert agreement.shift(visible=True).count == 0
    assert agreement.by_joint()["nose"].max == 0
    assert agreement.people()["both"] == 0
