"""One step: the optimisers, gathered gradients, averages, bad gradients, half precision."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import UsageError  # noqa: E402
from studio.ml.course import CourseOptions  # noqa: E402
from studio.ml.loader import BatchMaker  # noqa: E402
from studio.ml.stepping import (  # noqa: E402
    Average,
    Stepper,
    half_precision,
    make_optimizer,
    take_step,
)
from tests.ml.toy import Dots, DotTask, options  # noqa: E402

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def stepper(**values) -> Stepper:
    chosen = options(dropout=0.0, **values)
    torch.manual_seed(0)
    task = DotTask(chosen)
    model = task.build()
    # Statistics of a batch would tell a large batch from two halves.
    model.body[1] = torch.nn.Identity()
    task.parameter_groups = lambda model: [{"params": list(model.parameters())}]  # type: ignore[method-assign]
    return Stepper(task, model, chosen, CPU)


def batch(indices: list[int]):
    return BatchMaker(Dots(32), 0)[1, indices][0]


def weights(one: Stepper) -> torch.Tensor:
    # All but the last bias, which a softmax takes no notice of: its gradient is rounding alone.
    return torch.cat([p.detach().flatten() for p in one.model.parameters()])[:-1]


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_optimisers_are_torchs(name):
    ours = stepper(optimizer=name, weight_decay=0.01)
    reference = stepper()
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    momentum = {"momentum": 0.9} if name == "sgd" else {}
    theirs = kinds[name](reference.model.parameters(), lr=1e-2, weight_decay=0.01, **momentum)
    for number in range(3):
        data = batch([number, number + 1])
        ours.backward(data, 1, 1.0, last=True)
        assert bool(ours.update())
        theirs.zero_grad()
        reference.backward(data, 1, 1.0, last=True)
        theirs.step()
    assert torch.allclose(weights(ours), weights(reference), atol=1e-6)


def test_two_halves_are_the_whole():
    whole, halves = stepper(), stepper()
    whole.backward(batch([0, 1, 2, 3]), 1, 1.0, last=True)
    for part in ([0, 1], [2, 3]):
        halves.backward(batch(part), 1, 0.5, last=part == [2, 3])
    assert bool(whole.update()) == bool(halves.update()) is True
    assert torch.allclose(weights(whole), weights(halves), atol=1e-6)


def test_gradients_are_shortened():
    long, short = stepper(optimizer="sgd"), stepper(optimizer="sgd", clip=1e-3)
    start = weights(long)
    for one in (long, short):
        one.backward(batch([0, 1]), 1, 1.0, last=True)
        one.update()
    moved = (weights(short) - start).norm()
    assert moved == pytest.approx(1e-3 * 1e-2, rel=1e-2)
    assert (weights(long) - start).norm() > 3 * moved


def test_a_gradient_that_is_no_number_moves_nothing():
    one = stepper(clip=1.0, ema=0.5)
    start = weights(one)
    one.backward({**batch([0, 1]), "place": torch.full((2, 2), float("nan"))}, 1, 1.0, last=True)
    assert not bool(one.update())
    assert torch.equal(weights(one), start)
    assert all(p.grad is None for p in one.model.parameters())
    one.backward(batch([0, 1]), 1, 1.0, last=True)
    assert bool(one.update())
    assert torch.isfinite(weights(one)).all()
    assert not torch.equal(weights(one), start)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_fused_optimisers_leave_a_step_out_by_a_flag(name):
    """What `take_step` relies on where nobody may wait for the device; here on the CPU's kernels."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = make_optimizer(
        [{"params": [weight]}], CourseOptions.from_mapping({"optimizer": name}), CPU
    )
    assert optimizer._step_supports_amp_scaling

    @dataclass
    class Flag:
        """A flag on a GPU, as far as `take_step` looks."""

        sound: bool
        device: torch.device = GPU

        def __invert__(self):
            return torch.tensor(not self.sound)

    weight.grad = torch.full((3,), float("nan"))
    take_step(optimizer, Flag(False))  # type: ignore[arg-type]
    assert torch.equal(weight.detach(), torch.ones(3))
    weight.grad = torch.ones(3)
    take_step(optimizer, Flag(True))  # type: ignore[arg-type]
    assert (weight < 1).all()
    assert torch.isfinite(weight).all()
    assert not hasattr(optimizer, "found_inf")


def test_groups_keep_their_own_rates():
    one = Stepper(DotTask(options(lr=0.1)), DotTask(options()).build(), options(lr=0.1), CPU)
    assert one.set_rate(0.5) == pytest.approx(0.05)
    assert [g["lr"] for g in one.optimizer.param_groups] == pytest.approx([0.025, 0.05])


def test_an_unknown_optimiser_is_named():
    values = CourseOptions(optimizer="magic")
    with pytest.raises(UsageError, match="magic"):
        make_optimizer([{"params": []}], values, CPU)


def test_the_average_is_a_running_mean():
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0)
    average = Average(model, 0.9)
    expected = 0.0
    for number in range(1, 200):
        with torch.no_grad():
            model.weight.fill_(number)
        average.update()
        decay = min(0.9, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * number
    assert float(average.model.weight) == pytest.approx(expected, rel=1e-5)
    again = Average(torch.nn.Linear(1, 1, bias=False), 0.9)
    again.load(average.to_mapping())
    assert again.updates == 199
    assert torch.equal(again.model.weight, average.model.weight)


def test_half_precision_is_the_gpus_or_asked_for():
    @dataclass(frozen=True)
    class ByDefault(CourseOptions):
        amp: bool = True

    asked = CourseOptions(amp=True)
    assert half_precision(asked, torch.device("cuda")) is torch.float16
    assert half_precision(ByDefault(), torch.device("cuda")) is torch.float16
    assert half_precision(asked, CPU) is torch.bfloat16
    assert half_precision(ByDefault(), CPU) is None
    assert half_precision(CourseOptions(), torch.device("cuda")) is None
    assert half_precision(asked, torch.device("mps")) is None


def test_bfloat16_trains():
    one = stepper(amp=True)
    losses = []
    for _ in range(60):
        losses.append(one.backward(batch(list(range(16))), 1, 1.0, last=True)["loss"].item())
        assert bool(one.update())
    assert losses[-1] < losses[0] / 2
    assert next(one.model.parameters()).dtype is torch.float32
