"""Learning rates over a run, each against its formula."""

from __future__ import annotations

import math

import pytest

from studio.ml.course import CourseOptions
from studio.ml.schedules import FLOOR, Schedule

STEPS = 10


def factors(**values) -> list[float]:
    options = CourseOptions.from_mapping({"epochs": 10, **values}).validated()
    schedule = Schedule(options, STEPS)
    return [schedule.factor(step) for step in range(options.epochs * STEPS)]


def test_constant():
    assert set(factors(schedule="constant")) == {1.0}


def test_cosine_falls_from_one_to_the_floor():
    found = factors(schedule="cosine")
    assert found[0] == 1
    assert found[-1] == pytest.approx(FLOOR)
    assert found == sorted(found, reverse=True)
    middle = FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * 50 / 99)) / 2
    assert found[50] == pytest.approx(middle)


def test_steps_fall_after_their_epochs():
    found = factors(schedule="steps", milestones=(4, 8), gamma=0.5)
    assert found == [1.0] * 40 + [0.5] * 40 + [0.25] * 20


def test_onecycle_is_torchs():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=100)
    expected = []
    for _ in range(100):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        if len(expected) < 100:
            theirs.step()
    found = factors(schedule="onecycle")
    assert max(found) == 1
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "steps", "onecycle"])
def test_warm_up_rises_to_where_the_course_begins(schedule):
    found = factors(schedule=schedule, warmup_epochs=2)
    warm = found[:20]
    assert warm == sorted(warm)
    assert warm[0] == pytest.approx(warm[-1] / 20)
    assert warm[-1] == pytest.approx(found[20], rel=0.1)
    assert all(0 < f <= 1 for f in found)


def test_a_run_of_one_step():
    assert 0 < Schedule(CourseOptions.from_mapping({"epochs": 1}), 1).factor(0) <= 1
