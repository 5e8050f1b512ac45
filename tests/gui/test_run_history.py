"""Run histories: events in, series, rate, time left and best epoch out."""

import math

import numpy as np

from studio.core.job import JobEvent
from studio.gui.run_history import BATCH, VAL, RunHistory, Series, Smoother


def batch(step: int, loss: float, t: float, epoch: int = 1) -> JobEvent:
    data = {"epoch": epoch, "step": step, "split": "train", "values": {"loss": loss}}
    return JobEvent("metrics", data, t)


def val(epoch: int, ap: float) -> JobEvent:
    data = {"epoch": epoch, "step": epoch * 10, "split": "val", "values": {"AP": ap}}
    return JobEvent("metrics", data, 100.0 + epoch)


def test_every_batch_is_a_point() -> None:
    history = RunHistory().feed_all(batch(i, 1 / i, 10.0 + i / 4) for i in range(1, 1001))
    x, y = history.get(BATCH, "loss").arrays()
    assert len(x) == history.steps == 1000
    assert x[0] == 1
    assert x[-1] == 1000
    assert y[3] == 0.25
    assert history.batches_per_second() == 4.0


def test_best_epoch_is_the_highest_ap() -> None:
    history = RunHistory().feed_all(val(e, ap) for e, ap in [(1, 0.1), (2, 0.7), (3, 0.4)])
    best = history.best()
    assert best is not None
    assert (best.epoch, best.name, best.value) == (2, "AP", 0.7)
    assert history.names(VAL) == ("AP",)


def test_time_left_follows_the_stage_in_hand() -> None:
    history = RunHistory()
    history.feed(JobEvent("started", {"job": "train"}, 0.0))
    history.feed(JobEvent("progress", {"stage": "train", "done": 0, "total": 10}, 100.0))
    assert math.isnan(history.seconds_left())
    history.feed(JobEvent("progress", {"stage": "train", "done": 4, "total": 10}, 108.0))
    assert history.seconds_left() == 12.0


def test_a_resumed_run_goes_on_from_its_checkpoint() -> None:
    series = Series()
    for x in (1, 2, 3, 4, 3, 4, 5):
        series.add(x, float(x), 0.0)
    assert series.arrays()[0].tolist() == [1, 2, 3, 4, 5]


def test_no_finished_event_means_crashed() -> None:
    history = RunHistory().feed_all([JobEvent("started", {}, 5.0), batch(1, 1.0, 9.0)]).close()
    assert history.status == "crashed"
    assert history.duration == 4.0
    again = history.feed_all([JobEvent("started", {}, 20.0)])
    assert again.status == "running"
    done = again.feed_all(
        [JobEvent("finished", {"status": "ok", "result": {"a": 1}}, 30.0)]
    ).close()
    assert done.status == "ok"
    assert done.result == {"a": 1}
    assert done.duration == 25.0


def series_of(values: list[float]) -> Series:
    series = Series()
    for number, value in enumerate(values, 1):
        series.add(number, value, 0.0)
    return series


def test_smoothing_is_unbiased_and_passes_over_gaps() -> None:
    np.testing.assert_allclose(Smoother(0.9).of(series_of([3.0] * 50))[1], 3.0)
    np.testing.assert_allclose(Smoother(0.5).of(series_of([1.0, math.nan, 1.0]))[1], 1.0)
    assert Smoother(0.0).of(series_of([1.0, 2.0]))[1].tolist() == [1.0, 2.0]


def test_smoothing_goes_on_where_it_stood() -> None:
    values = [float(v) for v in np.random.default_rng(0).random(30)]
    series, smoother = series_of(values[:10]), Smoother(0.8)
    smoother.of(series)
    for number, value in enumerate(values[10:], 11):
        series.add(number, value, 0.0)
    expected = Smoother(0.8).of(series_of(values))[1]
    np.testing.assert_allclose(smoother.of(series)[1], expected)
    series.add(5, 1.0, 0.0)
    np.testing.assert_allclose(
        smoother.of(series)[1], Smoother(0.8).of(series_of([*values[:4], 1.0]))[1]
    )
