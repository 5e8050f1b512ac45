"""A window killed at any moment loses at most the edit in hand, and every file stays valid."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import pytest

from tests.gui.killing import STEPS, Killer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sessions are forks")
ROUNDS = 12


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    made = Killer(tmp_path_factory.mktemp("killed"))
    yield made
    made.close()


def test_an_undisturbed_session_is_the_same_each_time(killer: Killer) -> None:
    states, _ = killer.reference(1)
    assert len(states) == STEPS
    assert len({state for ends in states for state in ends.values()}) > STEPS / 3


def test_killed_at_any_moment(killer: Killer) -> None:
    """Twelve of the two hundred rounds of `python -m tests.benchmarks kill`."""
    dice = random.Random()
    rounds = [(1 + number % 2, dice.random()) for number in range(ROUNDS)]
    left = {r: killer.kill(*r) for r in rounds}
    assert {r: found.wrong for r, found in left.items() if found.wrong} == {}
    assert any(found.steps < STEPS for found in left.values())
    assert any(found.recovered for found in left.values())
