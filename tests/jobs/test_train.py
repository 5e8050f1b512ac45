"""The training job from its spec: where a run stands, what is refused, what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import FileProblem
from studio.core.job import JobEvent, JobSpec
from studio.core.requests.train import TrainRequest
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from studio.jobs.train import place
from studio.registry.jobs import PluginRequest
from tests.training_runs import make_dataset, needs_yolo, tiny_run

pytestmark = [needs_yolo, pytest.mark.slow]


def run(project: Path, **options: Any) -> tuple[JobOutcome, list[JobEvent]]:
    events: list[JobEvent] = []
    values = {
        "family": "yolo-pose",
        "pretrained": "yolo11n-pose.yaml",
        "epochs": 1,
        "imgsz": 64,
        "batch": 4,
        "device": "cpu",
        **{k: str(v) if isinstance(v, Path) else v for k, v in options.items()},
    }
    spec = JobSpec("train", {k: v for k, v in values.items() if v is not None}, project=project)
    return run_job(spec, events.append, RemoteControl()), events


def request(**values: Any) -> PluginRequest:
    return PluginRequest("yolo-pose", TrainRequest(family="yolo-pose", **values), None)


def test_a_run_stands_in_the_project(tmp_path):
    data = make_dataset(tmp_path / "data")
    outcome, events = run(tmp_path, data=data)
    assert outcome.status == "ok"
    folder = tmp_path / "runs" / "yolo-pose" / "train"
    assert outcome.run_dir == folder
    assert outcome.result["model"] == str(folder)
    assert outcome.result["best_epoch"] == 1
    assert outcome.result["epochs"] == 1
    assert outcome.result["metrics"].keys() >= {"AP", "fitness"}
    stored = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in stored] == [e.event for e in events]
    assert stored[-1]["event"] == "finished"
    # A resumed run says that it is finished; asked for more epochs it goes on in its folder.
    outcome, _ = run(tmp_path, resume=folder, epochs=None)
    assert outcome.error is not None
    assert "finished: 1 of 1 epochs" in outcome.error["message"]
    outcome, events = run(tmp_path, resume=folder / "weights" / "last.pt", epochs=2)
    assert outcome.status == "ok", outcome.error
    assert outcome.run_dir == folder
    assert outcome.result["epochs"] == 2
    assert [e.data["epoch"] for e in events if e.data.get("split") == "val"] == [2]
    config = (folder / "config.toml").read_text()
    assert "epochs = 2" in config
    assert str(data) in config


def test_names_do_not_collide(tmp_path):
    root = tmp_path / "runs" / "yolo-pose"
    assert place(request(), tmp_path) == root / "train"
    (root / "train").mkdir(parents=True)
    assert place(request(), tmp_path) == root / "train"
    (root / "train" / "model.json").write_text("{}")
    assert place(request(), tmp_path) == root / "train2"
    assert place(request(name="mine"), tmp_path) == root / "mine"
    elsewhere = tmp_path / "elsewhere"
    assert place(request(output=elsewhere), tmp_path) == elsewhere / "yolo-pose" / "train"


def test_exist_ok_replaces_the_run_once_the_new_one_begins(tmp_path):
    data = make_dataset(tmp_path / "data")
    folder = tmp_path / "runs" / "yolo-pose" / "train"
    (folder / "weights").mkdir(parents=True)
    for name in ("weights/last.pt", "model.json", "my notes.txt"):
        (folder / name).write_text("old")
    (folder / "events.jsonl").write_text('{"v":1,"event":"started"}\n{"v":1,"event":"old"}\n')
    # A start that is refused takes nothing away.
    outcome, _ = run(tmp_path, data=tmp_path / "nowhere", exist_ok=True)
    assert outcome.status == "failed"
    assert (folder / "weights" / "last.pt").read_text() == "old"
    outcome, events = run(tmp_path, data=data, exist_ok=True)
    assert outcome.run_dir == folder
    assert outcome.status == "ok"
    assert (folder / "my notes.txt").read_text() == "old"
    assert (folder / "weights" / "last.pt").stat().st_size > 1_000_000
    stored = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in stored] == [e.event for e in events]


def test_resume_finds_the_run_by_folder_name_or_file(tmp_path):
    folder = tmp_path / "runs" / "yolo-pose" / "first"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "last.pt").write_text("")
    for name in (folder, folder / "weights" / "last.pt", Path("first")):
        assert place(request(resume=name), tmp_path) == folder
    with pytest.raises(FileProblem, match="no run to resume"):
        place(request(resume=tmp_path / "nowhere"), tmp_path)


def test_a_check_trains_nothing(tmp_path):
    data = make_dataset(tmp_path / "data")
    label = data / "labels" / "train" / "p001.txt"
    label.write_text("0 0.5 0.5 0.4\n")
    outcome, _ = run(tmp_path, data=data, check_only=True)
    assert outcome.status == "ok"
    problem = outcome.result["problems"][0]
    assert (problem["where"], problem["line"], problem["severity"]) == (str(label), 1, "error")
    assert not (tmp_path / "runs").exists()
    assert not (data / "pose.yaml").exists()
    assert outcome.run_dir is not None
    assert not outcome.run_dir.exists()


def test_a_bad_label_stops_before_the_start(tmp_path):
    data = make_dataset(tmp_path / "data")
    label = data / "labels" / "train" / "p002.txt"
    label.write_text(label.read_text() + "0 0.5 0.5\n" * 3)
    outcome, events = run(tmp_path, data=data)
    assert outcome.exit_status == 1
    assert outcome.error is not None
    assert outcome.error["where"] == f"{label}:2"
    assert "3 columns, where 56 belong" in outcome.error["message"]
    assert "2 more problems" in outcome.error["message"]
    logged = [e.data["message"] for e in events if e.event == "log"]
    assert [m.split(": ")[0] for m in logged] == [f"{label}:{n}" for n in (2, 3, 4)]
    assert not (data / "pose.yaml").exists()


def test_a_refused_start_keeps_no_name(tmp_path):
    data = make_dataset(tmp_path / "data")
    refused, _ = run(tmp_path, data=tmp_path / "nowhere")
    assert refused.run_dir == tmp_path / "runs" / "yolo-pose" / "train"
    outcome, events = run(tmp_path, data=data)
    assert outcome.status == "ok"
    assert outcome.run_dir is not None
    assert outcome.run_dir == refused.run_dir
    stored = (outcome.run_dir / "events.jsonl").read_text().splitlines()
    assert len(stored) == len(events)
    again, _ = run(tmp_path, data=data)
    assert again.run_dir == tmp_path / "runs" / "yolo-pose" / "train2"


def test_weights_that_are_not_there(tmp_path):
    outcome, _ = run(tmp_path, data=make_dataset(tmp_path / "data"), pretrained="none.pt")
    assert outcome.exit_status == 2
    assert outcome.error is not None
    assert "none.pt is not there" in outcome.error["message"]


def test_training_from_a_run(tmp_path):
    data = make_dataset(tmp_path / "data")
    outcome, _ = run(tmp_path, data=data, pretrained=tiny_run().best, name="second")
    assert outcome.status == "ok", outcome.error
    folder = tmp_path / "runs/yolo-pose/second"
    model = json.loads((folder / "model.json").read_text())
    assert model["parent"] == "best.pt"
    assert model["weights"] == "weights/best.pt"
    # What a run began from may be gone when it goes on.
    config = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(config.replace(str(tiny_run().best), "gone.pt"))
    outcome, _ = run(tmp_path, pretrained=None, resume="second", epochs=2)
    assert outcome.status == "ok", outcome.error
