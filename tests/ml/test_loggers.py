"""Where numbers go besides the events; the vendors' own programs where they are installed."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("torch")

from studio.core.errors import MissingTool
from studio.ml.board import Board
from studio.ml.loggers import missing_loggers, open_boards
from tests.ml.toy import options, run
from tests.training_runs import Remote, context_of


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(e.step, e.value) for e in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def test_tensorboard_has_every_number(tmp_path):
    remote = Remote()
    run(tmp_path, remote, epochs=2)
    found = scalars(tmp_path / "tensorboard")
    assert [s for s, _ in found["batch/loss"]] == list(range(1, 9))
    assert [s for s, _ in found["train/loss"]] == [1, 2]
    told = [e["values"]["error"] for e in remote.named("metrics", split="val")]
    assert [v for _, v in found["val/error"]] == pytest.approx(told)


def test_numbers_wait_and_are_written_at_the_end(tmp_path):
    board = Board(tmp_path)
    for step in range(5):
        board.add("batch", step, {"loss": 1.0})
    board.close()
    board.close()
    assert len(scalars(tmp_path / "tensorboard")["batch/loss"]) == 5


def test_what_is_not_installed_is_said_before_the_start(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n, *a: None if n in ("wandb", "mlflow") else real(n, *a)
    )
    problems = missing_loggers(("wandb", "mlflow", "paper"))
    assert [p.message for p in problems[:2]] == [
        "wandb is not installed.",
        "mlflow is not installed.",
    ]
    assert "paper" in problems[2].message
    remote = Remote()
    with pytest.raises(MissingTool, match="wandb is not installed") as caught:
        run(tmp_path, remote, log_to=("wandb",))
    assert "pip install wandb" in caught.value.hint
    assert not remote.named("metrics")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for name in ("WANDB_MODE", "WANDB_ERROR_REPORTING", "MLFLOW_DISABLE_TELEMETRY"):
        # Set first, so that the fixture puts back what was there.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


class FakeRun:
    def __init__(self, **settings) -> None:
        self.settings, self.logged, self.finished = settings, [], False
        self.axes: dict[str, str] = {}

    def define_metric(self, name, step_metric):
        self.axes[name] = step_metric

    def log(self, values):
        self.logged.append(values)

    def finish(self):
        self.finished = True


def test_wandb_stays_offline_unless_told(tmp_path, monkeypatch):
    """Against a stand-in: how it is called; the real one is below."""
    runs: list[FakeRun] = []
    fake = types.ModuleType("wandb")
    fake.init = lambda **settings: runs.append(FakeRun(**settings)) or runs[-1]  # type: ignore[attr-defined]
    fake.__spec__ = importlib.util.spec_from_loader("wandb", None)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    run(tmp_path / "mine", epochs=2, log_to=("wandb",))
    (made,) = runs
    assert made.settings["mode"] == "offline"
    assert made.settings["dir"] == str(tmp_path / "mine")
    assert made.settings["config"]["epochs"] == 2
    assert made.finished
    judged = [v for v in made.logged if "val/epoch" in v]
    assert [v["val/epoch"] for v in judged] == [1, 2]
    assert len([v for v in made.logged if "batch/loss" in v]) == 8
    assert made.axes["val/*"] == "val/epoch"
    monkeypatch.setenv("WANDB_MODE", "online")
    open_boards(tmp_path, "toy", options(log_to=("wandb",)), context_of(tmp_path, Remote()))
    assert runs[-1].settings["mode"] == "online"
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.slow
def test_the_real_wandb(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    run(tmp_path, epochs=1, log_to=("wandb",))
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.slow
def test_the_real_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    run(tmp_path, epochs=2, log_to=("mlflow",))
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "pose-studio"]
    (made,) = client.search_runs([experiment.experiment_id])
    assert made.data.params["epochs"] == "2"
    history = client.get_metric_history(made.info.run_id, "val/error")
    assert sorted(m.step for m in history) == [1, 2]
    assert made.info.status == "FINISHED"
