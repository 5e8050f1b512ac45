"""A search: its trials are real runs in processes of their own; nothing is lost when it ends."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.core.requests.search import SearchRequest
from studio.core.requests.train import TrainRequest
from studio.registry import contributions
from studio.registry.jobs import job_command
from tests.jobs import toys
from tests.jobs.toys import make_data, run, stored
from tests.training_runs import make_dataset, needs_yolo

with_toys = pytest.fixture(autouse=True)(toys.with_toys)

SPACE = "lr=1e-4..1e-1:log,width=4|8|16"


def table(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "search.json").read_text())


def search(project: Path, **options: Any) -> Any:
    return run("search", project, **{"space": SPACE, "trials": 3, "epochs": 2, **options})


def test_trials_are_runs_and_the_best_becomes_a_preset(tmp_path):
    data = make_data(tmp_path / "data")
    outcome, events = search(tmp_path, data=data, trials=4, pruner="none", steps="1,2")
    assert outcome.status == "ok", outcome.error
    folder = tmp_path / "searches" / "toy" / "search"
    assert outcome.run_dir == folder
    said = table(folder)
    assert [t["state"] for t in said["trials"]] == ["done"] * 4
    assert len({t["params"]["lr"] for t in said["trials"]}) == 4
    best = max(said["trials"], key=lambda t: t["value"])
    assert said["best"] == best["number"] == outcome.result["best"]
    assert outcome.result["value"] == best["value"]
    for trial in said["trials"]:
        run_dir = folder / trial["folder"]
        own = stored(run_dir)
        assert own[0]["event"] == "started"
        assert own[-1]["status"] == "ok"
        scores = [e["values"]["score"] for e in own if e.get("split") == "val"]
        assert max(scores) == trial["value"]
        assert trial["best_epoch"] == 1 + scores.index(max(scores))
        asked = json.loads((run_dir / "spec.json").read_text())["options"]
        assert asked["lr"] == trial["params"]["lr"]
        assert asked["steps"] == [1, 2]
        # The weights of the best alone take room.
        assert (run_dir / "weights").is_dir() == (trial["number"] == said["best"])
        assert (run_dir / "model.json").is_file() == (trial["number"] == said["best"])
    preset = tomllib.loads((folder / "best.toml").read_text())
    assert preset == {"epochs": 2, "steps": [1, 2], **best["params"]}
    rows = list(csv.DictReader(io.StringIO((folder / "trials.csv").read_text())))
    assert [float(r["score"]) for r in rows] == [t["value"] for t in said["trials"]]
    with contextlib.closing(sqlite3.connect(folder / "study.sqlite3")) as study:
        assert study.execute("select count(*) from trials").fetchone() == (4,)
    told = [e.data for e in events if e.event == "trial"]
    assert {t["number"] for t in told} == {0, 1, 2, 3}
    assert [t["state"] for t in told if t["number"] == 3][-1] == "done"
    assert (folder / "running.json").exists() is False


def test_less_is_better_where_it_is_a_loss(tmp_path):
    outcome, _ = search(tmp_path, metric="loss", trials=3)
    said = table(outcome.run_dir)
    assert said["higher"] is False
    assert outcome.result["value"] == min(t["value"] for t in said["trials"])
    outcome, _ = search(tmp_path, metric="loss", direction="more", trials=2, name="up")
    said = table(outcome.run_dir)
    assert outcome.result["value"] == max(t["value"] for t in said["trials"])


def test_the_same_seed_tries_the_same(tmp_path):
    tried = []
    for name in ("a", "b"):
        outcome, _ = search(tmp_path, name=name, search_seed=7, trials=2)
        tried.append([t["params"] for t in table(outcome.run_dir)["trials"]])
    assert tried[0] == tried[1]
    outcome, _ = search(tmp_path, name="c", search_seed=8, trials=2)
    assert [t["params"] for t in table(outcome.run_dir)["trials"]] != tried[0]


def test_hopeless_trials_are_broken_off(tmp_path):
    # Far from 1e-3 the score is lower in every epoch: after some trials the median shows it.
    outcome, _ = search(
        tmp_path, space="lr=1e-3|1e-6", sampler="random", trials=14, epochs=6, seconds=0.15,
        parallel=2, keep="none",
    )  # fmt: skip
    said = table(outcome.run_dir)
    pruned = [t for t in said["trials"] if t["state"] == "pruned"]
    assert pruned
    assert {t["params"]["lr"] for t in pruned} == {1e-6}
    assert all(t["epoch"] < 6 for t in pruned)
    for trial in pruned:
        assert stored(outcome.run_dir / trial["folder"])[-1]["status"] == "cancelled"
    assert not list(outcome.run_dir.glob("trials/*/weights"))


def test_trials_run_beside_each_other(tmp_path):
    together = 0

    def listen(event: Any, _control: Any) -> None:
        nonlocal together
        if event.event == "trial":
            running = [p for p in psutil.Process().children(recursive=True) if "job" in line_of(p)]
            together = max(together, len(running))

    outcome, _ = run(
        "search", tmp_path, listen=listen, space=SPACE, trials=4, epochs=3, seconds=0.3, parallel=2
    )
    assert outcome.result["trials"] == 4
    assert together == 2


def line_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_stop_ends_after_the_trial_in_hand_and_resume_goes_on(tmp_path):
    def listen(event: Any, control: Any) -> None:
        if event.event == "trial" and event.data["number"] == 1:
            control.stop()

    outcome, _ = run("search", tmp_path, listen=listen, space=SPACE, trials=5, epochs=3)
    assert outcome.status == "ok"
    folder = outcome.run_dir
    assert [t["state"] for t in table(folder)["trials"]] == ["done", "done"]
    before = table(folder)["trials"]
    outcome, events = run("search", tmp_path, resume="search", trials=4)
    assert outcome.status == "ok", outcome.error
    assert outcome.run_dir == folder
    after = table(folder)["trials"]
    assert after[:2] == before
    assert [t["state"] for t in after] == ["done"] * 4
    assert len({t["params"]["lr"] for t in after}) == 4
    started = [e.data["number"] for e in events if e.event == "trial" and e.data["epoch"] == 0]
    assert started == [2, 3]


def test_cancel_ends_at_once_and_the_same_values_are_tried_again(tmp_path):
    def listen(event: Any, control: Any) -> None:
        if event.event == "trial" and event.data["number"] == 1 and event.data["epoch"] == 1:
            control.cancel()

    outcome, _ = run(
        "search", tmp_path, listen=listen, space=SPACE, trials=3, epochs=4, seconds=0.3
    )
    assert outcome.status == "cancelled"
    folder = outcome.run_dir
    first, broken = table(folder)["trials"]
    assert (first["state"], broken["state"]) == ("done", "cancelled")
    assert stored(folder / broken["folder"])[-1]["status"] == "cancelled"
    assert not [p for p in psutil.Process().children() if "job" in line_of(p)]
    outcome, _ = run("search", tmp_path, resume=folder, trials=3)
    assert outcome.status == "ok", outcome.error
    rows = table(folder)["trials"]
    assert [t["state"] for t in rows] == ["done", "cancelled", "done", "done"]
    assert rows[2]["params"] == broken["params"]


def test_a_killed_search_loses_only_the_trial_in_hand(tmp_path):
    run_dir = tmp_path / "searches" / "toy" / "killed"
    options = {"family": "toy", "space": SPACE, "trials": 3, "epochs": 3, "seconds": 0.4}
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps({"v": 1, "job": "search", "options": options, "run_dir": str(run_dir)})
    )
    process = subprocess.Popen(job_command(spec), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "trial" and event["number"] == 1 and event["epoch"] == 1:
            break
    trial = next(p for p in psutil.Process(process.pid).children() if "job" in line_of(p))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    # Its training sees that nobody is there any more.
    trial.wait(timeout=60)
    assert (run_dir / "running.json").is_file()
    outcome, events = run("search", tmp_path, resume=run_dir, trials=3)
    assert outcome.status == "ok", outcome.error
    rows = table(run_dir)["trials"]
    assert [t["state"] for t in rows] == ["done", "cancelled", "done", "done"]
    assert rows[2]["params"] == rows[1]["params"]
    assert any("1 trials were broken off" in e.data.get("message", "") for e in events)


def test_two_processes_do_not_share_a_search(tmp_path):
    outcome, _ = search(tmp_path, trials=1)
    me = psutil.Process()
    lock = outcome.run_dir / "running.json"
    lock.write_text(json.dumps({"pid": me.pid, "started": me.create_time()}))
    outcome, _ = run("search", tmp_path, resume="search", trials=2)
    assert outcome.error is not None
    assert "running already" in outcome.error["message"]
    # The same number, but another process: the one that held it is gone.
    lock.write_text(json.dumps({"pid": me.pid, "started": me.create_time() - 100}))
    outcome, _ = run("search", tmp_path, resume="search", trials=2)
    assert outcome.status == "ok"


def test_a_failed_trial_does_not_end_the_search(tmp_path):
    # 3 and odd do not go together, as the family's own rule says.
    outcome, events = search(
        tmp_path, space="width=3|8,lr=1e-4..1e-2", odd=True, trials=8, pruner="none"
    )
    assert outcome.status == "ok", outcome.error
    rows = table(outcome.run_dir)["trials"]
    assert {(t["params"]["width"], t["state"]) for t in rows} == {(3, "failed"), (8, "done")}
    failed = next(t for t in rows if t["state"] == "failed")
    assert "does not go with --odd" in failed["message"]
    assert any(e.event == "log" and e.data["level"] == "warning" for e in events)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fail": "known"}, "The data is wrong."),
        ({"fail": "killed"}, "its process is gone"),
        ({"data": "nowhere"}, "There are no pictures."),
        ({"metric": "AP"}, "reports no 'AP'"),
        ({"space": "lr=1e-9..1"}, "at least 1e-06"),
        ({"space": "width=4|8", "width": 4}, "searched over and given a value too"),
        ({"space": ""}, "what to search over"),
        ({"resume": "nowhere"}, "no search to go on with"),
    ],
)
def test_what_cannot_go_well_ends_with_the_reason(tmp_path, options, says):
    outcome, _ = search(tmp_path, **options)
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert says in outcome.error["message"]
    assert not [p for p in psutil.Process().children() if "job" in line_of(p)]


def test_a_search_that_goes_on_keeps_its_question(tmp_path):
    outcome, _ = search(tmp_path, trials=1)
    for options, says in (
        ({"space": "lr=1e-5..1e-1"}, "keeps its own space"),
        ({"epochs": 9}, "keeps its own epochs"),
        ({"metric": "loss"}, "keeps its own metric"),
    ):
        outcome, _ = run("search", tmp_path, resume="search", trials=2, **options)
        assert outcome.error is not None
        assert says in outcome.error["message"]


def test_a_damaged_memory_is_named(tmp_path):
    outcome, _ = search(tmp_path, trials=1)
    (outcome.run_dir / "study.sqlite3").write_bytes(b"no database" * 1000)
    outcome, _ = run("search", tmp_path, resume="search", trials=2)
    assert outcome.error is not None
    assert "memory cannot be opened" in outcome.error["message"]


def test_no_family_has_an_option_that_the_job_takes_for_itself():
    for entry in (TrainRequest, SearchRequest):
        own = {f.name for f in entry.fields()}
        for family in contributions("family"):
            if family.enabled:
                theirs = {f.name for f in family.options_class().fields()}
                assert not own & theirs, family.id


def test_every_family_says_what_it_is_judged_by():
    for family in contributions("family"):
        assert family.extra.get("metric"), family.id


def test_the_command_line_asks_the_same(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "studio", "search", "toy", "--space", SPACE, "--trials", "2",
         "--epochs", "1", "--output", str(tmp_path / "mine"), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["result"]["search"] == str(tmp_path / "mine" / "toy" / "search")
    preset = last["result"]["preset"]
    done = subprocess.run(
        [sys.executable, "-m", "studio", "train", "toy", "--preset", preset, "--output",
         str(tmp_path / "runs"), "--epochs", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = json.loads((tmp_path / "runs" / "toy" / "train" / "spec.json").read_text())["options"]
    assert {k: v for k, v in asked.items() if k not in ("family", "output")} == {
        **tomllib.loads(Path(preset).read_text()), "epochs": "2",
    }  # fmt: skip


@needs_yolo
@pytest.mark.slow
def test_a_real_family_is_searched(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    data = make_dataset(tmp_path / "data")
    began = time.time()
    outcome, _ = run(
        "search", tmp_path, family="yolo-pose", data=data, pretrained="yolo11n-pose.yaml",
        imgsz=32, epochs=1, device="cpu", space="lr0=1e-4..1e-2:log,batch=4|8", trials=2,
        metric="loss",
    )  # fmt: skip
    assert outcome.status == "ok", outcome.error
    said = table(outcome.run_dir)
    assert [t["state"] for t in said["trials"]] == ["done", "done"]
    values = [t["value"] for t in said["trials"]]
    assert outcome.result["value"] == min(values)
    best = outcome.run_dir / said["trials"][said["best"]]["folder"]
    assert (best / "weights" / "best.pt").stat().st_size > 1_000_000
    assert (best / "weights" / "best.pt").stat().st_mtime >= began - 1
