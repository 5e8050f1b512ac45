"""Frames grouped by the input that they fill, and out in the order they came in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.runtime import grouping
from studio.runtime.grouping import Asking, found_in_order
from studio.runtime.predictor import Found
from studio.runtime.sources import SourceFrame


def frames(sides: Sequence[int]) -> list[SourceFrame]:
    return [
        SourceFrame(i, float(i), "x", np.full((side, side, 3), i, np.uint8))
        for i, side in enumerate(sides)
    ]


class Model:
    """Tells each frame's own number, and what was asked when."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.under_way = 0
        self.asked: list[list[int]] = []

    def submit(self, part: list[SourceFrame]) -> Answer:
        self.under_way += 1
        assert self.under_way <= self.most
        self.asked.append([f.index for f in part])
        return Answer(self, part)


class Answer:
    def __init__(self, model: Model, part: list[SourceFrame]) -> None:
        self.model, self.part = model, part

    def result(self) -> tuple[Found, ...]:
        self.model.under_way -= 1
        return tuple(Found((), {"number": float(f.index)}) for f in self.part)


def side(frame: SourceFrame) -> int:
    return 0 if frame.picture is None else len(frame.picture)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("window", [1, 4, 100])
@pytest.mark.parametrize("most", [1, 3])
def test_everything_comes_out_once_and_in_order(batch: int, window: int, most: int) -> None:
    rng = np.random.default_rng(1)
    given = frames(rng.choice([4, 8, 12], 41).tolist())
    model = Model(most)
    asking = Asking(model.submit, side, lambda: most, batch, max(batch, window))
    out = list(found_in_order(given, asking))
    assert [frame.index for frame, _ in out] == list(range(41))
    assert [found.timings["number"] for _, found in out] == list(range(41))
    for part in model.asked:
        assert len({side(given[i]) for i in part}) == 1
        assert len(part) <= batch


def test_sizes_change_less_often_within_a_window() -> None:
    given = frames([4, 8] * 20)
    model = Model(2)
    list(found_in_order(given, Asking(model.submit, side, lambda: 2, 1, 40)))
    sizes = [side(given[part[0]]) for part in model.asked]
    assert sum(a != b for a, b in pairwise(sizes)) == 1


def test_frames_in_time_do_not_wait_for_others() -> None:
    given = iter(frames([4] * 9))
    model = Model(2)
    out = found_in_order(given, Asking(model.submit, side, lambda: 2))
    assert next(out)[0].index == 0
    assert len(model.asked) == 2, "no more was read than is under way"


def test_large_pictures_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "WINDOW_BYTES", 3 * 8 * 8 * 3)
    model = Model(1)
    out = found_in_order(frames([8] * 30), Asking(model.submit, side, lambda: 1, 1, 100))
    assert next(out)[0].index == 0
    assert len(model.asked) <= 3


def test_what_waits_is_left_alone_after_a_stop() -> None:
    model = Model(2)
    asking = Asking(model.submit, side, lambda: 2, window=20, halted=lambda: len(model.asked) >= 5)
    out = [frame.index for frame, _ in found_in_order(frames([4, 8] * 10), asking)]
    assert out == [0, 2, 4, 6, 8]
    assert model.under_way == 0


def test_what_a_model_raises_comes_out() -> None:
    def refuse(part: list[SourceFrame]) -> Answer:
        raise ModelError("no", where=str(len(part)))

    with pytest.raises(ModelError):
        list(found_in_order(frames([4]), Asking(refuse, side, lambda: 2)))
