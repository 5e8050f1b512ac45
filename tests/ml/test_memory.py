"""The estimate of a training's memory beside what it really takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from studio.core.errors import DataError  # noqa: E402
from studio.ml.memory import MemoryNeed, memory_need  # noqa: E402
from tests.ml.toy import Dots, DotTask, ToyFamily, options  # noqa: E402


def test_weights_gradients_and_moments_are_counted():
    task = DotTask(options(width=64))
    state = sum(t.numel() * t.element_size() for t in task.build().state_dict().values())
    trained = sum(p.numel() * 4 for p in task.build().parameters())
    need = memory_need(task, options(width=64))
    assert need.fixed == state + 3 * trained
    sgd = memory_need(task, options(width=64, optimizer="sgd", ema=0.9))
    assert sgd.fixed == 2 * state + 2 * trained
    frozen = memory_need(DotTask(options(width=64), frozen_until=9), options(width=64))
    assert frozen.fixed < need.fixed


def test_what_an_example_adds_is_what_the_backward_pass_keeps():
    """In front of the head: convolution, normalisation, ReLU and dropout of (width, 16, 16)."""
    width = 64
    need = memory_need(DotTask(options(width=width)), options(width=width))
    plane = width * 16 * 16 * 4
    assert 3 * plane < need.each < 6 * plane
    assert need.of(100) > 100 * need.each


def test_the_batch_that_fits():
    need = MemoryNeed(fixed=1000, each=100)
    assert need.fitting(12_000) == 90
    assert need.of(need.fitting(12_000)) <= 12_000
    assert need.fitting(500) == 0


def test_a_batch_too_large_is_said_before_the_start(monkeypatch):
    monkeypatch.setattr("studio.ml.memory._free", lambda _: 2_000_000)
    assert ToyFamily().preflight(options(batch=2)) == []
    (problem,) = ToyFamily().preflight(options(batch=4096, width=64))
    assert problem.severity == "warning"
    assert problem.where == "batch"
    assert "0.0 GB free" in problem.message
    assert "--batch" in problem.hint
    (problem,) = ToyFamily().preflight(options(width=20_000))
    assert "smaller network" in problem.hint


def test_an_unreadable_picture_is_the_runs_to_tell():
    assert memory_need(DotTask(options(), Dots(32, broken=(0,))), options()).each == 0


def test_a_batch_of_one_is_refused_before_the_start_where_the_network_needs_two():
    """A normalisation over one value a channel: torch would say so in words of its own."""

    class Lonely(DotTask):
        def loss(self, model: nn.Module, batch: Mapping[str, Any], epoch: int) -> dict[str, Any]:
            means = batch["picture"].mean((2, 3))
            normed = nn.functional.batch_norm(means, None, None, training=True)
            return {"loss": normed.sum() + super().loss(model, batch, epoch)["loss"]}

    task = Lonely(options(batch=1))
    with pytest.raises(DataError, match="a single picture") as told:
        memory_need(task, options(batch=1))
    assert "--batch" in told.value.hint
    assert memory_need(task, options(batch=2)).fixed
