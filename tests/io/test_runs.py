"""Runs are listed as their folders tell them, also when they were killed."""

import json
import os
from pathlib import Path

from studio.io.project import list_runs


def make_run(project: Path, name: str, events: list[dict], *, metrics: dict | None = None) -> Path:
    folder = project / "runs" / "yolo-pose" / name
    folder.mkdir(parents=True)
    text = "".join(json.dumps({"v": 1, **event}) + "\n" for event in events)
    (folder / "events.jsonl").write_text(text)
    if metrics is not None:
        (folder / "model.json").write_text(json.dumps({"metrics": metrics}))
    return folder


def started(t: float, pid: int) -> dict:
    return {"event": "started", "job": "train", "t": t, "pid": pid}


def test_runs(tmp_path: Path) -> None:
    epoch = {"event": "metrics", "epoch": 3, "t": 2.0}
    ended = {"event": "finished", "status": "ok", "t": 3.0}
    make_run(tmp_path, "good", [started(1.0, 1), epoch, ended], metrics={"AP": 0.51234, "x": "?"})
    make_run(tmp_path, "killed", [started(5.0, 2**22 + 5), epoch])
    make_run(tmp_path, "going", [started(9.0, os.getpid())])
    make_run(tmp_path, "resumed", [started(4.0, 1), ended, started(8.0, 2**22 + 5), epoch])
    cut = make_run(tmp_path, "cut", [started(3.0, 1), ended])
    with (cut / "events.jsonl").open("a") as stream:
        stream.write('{"v": 1, "ev')
    (cut / "model.json").write_text("{")
    make_run(tmp_path, "other", [{"event": "started", "job": "evaluate", "t": 1.0}])
    (tmp_path / "runs" / "yolo-pose" / "empty").mkdir()
    found = list_runs(tmp_path)
    assert [(r.name, r.status) for r in found] == [
        ("going", "running"),
        ("killed", "crashed"),
        ("resumed", "crashed"),
        ("cut", "ok"),
        ("good", "ok"),
    ]
    assert found[-1].epochs == 3
    assert found[-1].to_mapping()["AP"] == 0.5123
    assert list_runs(tmp_path / "none") == ()
