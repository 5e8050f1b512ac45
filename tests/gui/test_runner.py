"""Jobs as real processes: their events, their queue, their ends, also the bad ones."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytestqt.qtbot import QtBot

from studio.core.errors import FileProblem
from studio.core.job import JobEvent, JobSpec
from studio.gui import job as job_module
from studio.gui.context import StudioContext
from studio.gui.runner import Job, JobRunner, parse_line, replay


def sample_spec(tmp_path: Path, name: str = "one", pictures: int = 1) -> JobSpec:
    """A real job that needs no model: it draws pictures."""
    options = {
        "out": str(tmp_path / name),
        "pictures": pictures,
        "clips": 0,
        "size": 96,
        "photos": False,
    }
    return JobSpec("sample", options, tmp_path / f"{name}-run")


def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """Run this program in place of a job."""
    path = tmp_path / "program.py"
    path.write_text("import json, sys, time, os\n" + text, encoding="utf-8")
    monkeypatch.setattr(
        job_module, "job_command", lambda spec: [sys.executable, str(path), str(spec)]
    )


def wait_ended(qtbot: QtBot, job: Job, timeout: int = 30_000) -> None:
    qtbot.waitUntil(lambda: job.ended, timeout=timeout)


def test_a_real_job_runs_to_its_end(qtbot: QtBot, studio: StudioContext, tmp_path: Path) -> None:
    events: list[JobEvent] = []
    job = studio.runner.start(sample_spec(tmp_path), title="Sample")
    job.event_received.connect(events.append)
    assert job.state == "running"
    assert job.pid > 0
    wait_ended(qtbot, job)
    assert job.state == "ok", job.problem
    names = [e.event for e in events]
    assert names[0] == "started"
    assert names[-1] == "finished"
    assert (tmp_path / "one" / "studio.toml").is_file()
    stored = [e.event for e in replay(tmp_path / "one-run")]
    assert stored == names
    assert job.pid == 0


def test_heavy_jobs_wait_for_each_other(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path
) -> None:
    first = studio.runner.start(sample_spec(tmp_path, "one"))
    second = studio.runner.start(sample_spec(tmp_path, "two"))
    third = studio.runner.start(sample_spec(tmp_path, "three"))
    assert [j.state for j in (first, second, third)] == ["running", "queued", "queued"]
    third.cancel()
    assert third.state == "cancelled"
    wait_ended(qtbot, second)
    assert (first.state, second.state) == ("ok", "ok")
    assert second.started_at >= first.ended_at
    assert not (tmp_path / "three").exists()


def test_a_check_does_not_wait_for_a_training() -> None:
    heavy = {
        job: Job(JobSpec(job, options), Path("x")).heavy
        for job, options in (("train", {}), ("live", {}), ("convert", {}))
    }
    assert heavy == {"train": True, "live": False, "convert": True}
    assert not Job(JobSpec("train", {"check_only": True}), Path("x")).heavy


def test_a_killed_job_is_crashed_and_can_be_retried(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path
) -> None:
    job = studio.runner.start(sample_spec(tmp_path, pictures=5000))
    qtbot.waitUntil(lambda: job.progress[0] > 0, timeout=20_000)
    os.kill(job.pid, signal.SIGKILL)
    wait_ended(qtbot, job)
    assert job.state == "crashed"
    assert job.problem is not None
    assert job.problem.hint
    assert "job.log" in job.problem.where
    again = studio.runner.retry(job)
    qtbot.waitUntil(lambda: again.progress[0] > 0, timeout=20_000)
    again.cancel()
    wait_ended(qtbot, again)
    assert again.state == "cancelled"
    assert not (tmp_path / "one").exists()


def test_cancel_ends_the_process(qtbot: QtBot, studio: StudioContext, tmp_path: Path) -> None:
    job = studio.runner.start(sample_spec(tmp_path, pictures=5000))
    qtbot.waitUntil(lambda: job.progress[0] > 0, timeout=20_000)
    pid = job.pid
    job.cancel()
    wait_ended(qtbot, job)
    assert job.state == "cancelled"
    assert not psutil.pid_exists(pid)


def test_a_failed_job_says_why(qtbot: QtBot, studio: StudioContext, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine.txt").write_text("keep me")
    job = studio.runner.start(sample_spec(tmp_path))
    wait_ended(qtbot, job)
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem.message
    assert (tmp_path / "one" / "mine.txt").read_text() == "keep me"


def test_an_unknown_option_is_a_failure_not_a_crash(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path
) -> None:
    job = studio.runner.start(JobSpec("sample", {"nonsense": 1}, tmp_path / "run"))
    wait_ended(qtbot, job)
    assert job.state == "failed"
    assert job.problem is not None
    assert "nonsense" in job.problem.message


def test_broken_lines_do_not_break_the_stream(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        monkeypatch,
        tmp_path,
        """
out = sys.stdout.buffer
def say(data): out.write(data); out.flush(); time.sleep(0.05)
def event(**more): return (json.dumps({"v": 1, "t": time.time(), **more}, ensure_ascii=False) + "\\n").encode()
say(b"some library prints this\\n")
line = event(event="log", level="info", message="歩く人")
say(line[:-7]); say(line[-7:])
say(b"\\xff\\xfe{broken\\n")
say(event(event="from-the-future", x=1))
say(event(event="progress", stage="train", done=3, total=9) + event(event="finished", status="ok", result={"a": 1}))
""",
    )
    events: list[JobEvent] = []
    job = studio.runner.start(JobSpec("sample", {}, tmp_path / "run"))
    job.event_received.connect(events.append)
    wait_ended(qtbot, job)
    assert [e.event for e in events] == ["log", "from-the-future", "progress", "finished"]
    assert events[0].data["message"] == "歩く人"
    assert job.progress == (3, 9, "train")
    assert (job.state, job.result) == ("ok", {"a": 1})


def test_a_process_that_says_nothing_is_crashed(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, tmp_path, "sys.exit('no such luck')")
    job = studio.runner.start(JobSpec("sample", {}, tmp_path / "run"))
    wait_ended(qtbot, job)
    assert job.state == "crashed"
    assert job.problem is not None
    assert "no such luck" in job.problem.message


def test_a_program_that_is_not_there_is_a_failure(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "job_command", lambda _spec: [str(tmp_path / "nothing")])
    job = studio.runner.start(JobSpec("sample", {}, tmp_path / "run"))
    wait_ended(qtbot, job)
    assert job.state == "failed"


def test_a_job_that_does_not_answer_is_ended_by_force(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, tmp_path, "time.sleep(60)")
    monkeypatch.setattr(job_module, "GRACE_SECONDS", 0.3)
    job = studio.runner.start(JobSpec("sample", {}, tmp_path / "run"))
    qtbot.waitUntil(lambda: job.pid > 0)
    job.cancel()
    wait_ended(qtbot, job, 5000)
    assert job.state == "cancelled"


def test_painting_is_told_rarely_events_each_time(
    qtbot: QtBot, studio: StudioContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        monkeypatch,
        tmp_path,
        """
for n in range(400):
    print(json.dumps({"v": 1, "t": 0, "event": "metrics", "epoch": 1, "step": n, "split": "train", "values": {"loss": 1.0}}), flush=True)
    time.sleep(0.001)
print(json.dumps({"v": 1, "t": 0, "event": "finished", "status": "ok"}), flush=True)
""",
    )
    events: list[JobEvent] = []
    painted: list[float] = []
    job = studio.runner.start(JobSpec("train", {}, tmp_path / "run"))
    job.event_received.connect(events.append)
    job.changed.connect(lambda: painted.append(time.monotonic()))
    wait_ended(qtbot, job)
    assert len(events) == 401
    assert len(painted) < 25


def test_a_full_or_forbidden_folder_is_a_studio_error(
    studio: StudioContext, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileProblem, match="A file stands where a folder should be"):
        studio.runner.start(JobSpec("sample", {}, tmp_path / "file" / "run"))


def test_jobs_that_ended_without_a_window_are_listed(qtbot: QtBot, tmp_path: Path) -> None:
    runs = {"ok": "finished", "crashed": "progress"}
    for name, last in runs.items():
        folder = tmp_path / "runs" / "yolo-pose" / name
        folder.mkdir(parents=True)
        spec = JobSpec("train", {"family": "yolo-pose"}, folder)
        (folder / "spec.json").write_text(json.dumps(spec.to_mapping()))
        events = [JobEvent("started", {"job": "train", "run_dir": str(folder)}, 10.0)]
        events.append(JobEvent("progress", {"stage": "train", "done": 2, "total": 5}, 11.0))
        if last == "finished":
            events.append(JobEvent("finished", {"status": "ok", "result": {}}, 12.0))
        lines = "\n".join(json.dumps(e.to_mapping()) for e in events)
        (folder / "events.jsonl").write_text(lines + '\n{"v":1,"event":"prog')
    broken = tmp_path / ".studio" / "jobs" / "broken"
    broken.mkdir(parents=True)
    (broken / "spec.json").write_text("{")
    (broken / "events.jsonl").write_text("")
    listed = JobRunner()
    listed.set_project(tmp_path)
    states = {job.run_dir.name: job.state for job in listed.jobs}
    assert states == {"ok": "ok", "crashed": "crashed"}
    listed.set_project(None)
    assert listed.jobs == []


def test_a_run_that_goes_on_elsewhere_is_not_called_crashed(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "yolo-pose" / "other"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(JobSpec("train", {}, folder).to_mapping()))
    started = JobEvent("started", {"job": "train", "pid": os.getpid()}, time.time())
    (folder / "events.jsonl").write_text(json.dumps(started.to_mapping()) + "\n")
    runner = JobRunner()
    runner.scan(tmp_path)
    assert runner.jobs == []


def test_a_long_run_is_listed_without_reading_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "yolo-pose" / "long"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(JobSpec("train", {}, folder).to_mapping()))
    metrics = JobEvent(
        "metrics", {"epoch": 1, "step": 1, "split": "train", "values": {"loss": 1.0}}, 2.0
    )
    lines = [JobEvent("started", {"job": "train", "pid": 0}, 1.0), *[metrics] * 50_000]
    lines.append(JobEvent("finished", {"status": "cancelled"}, 9.0))
    text = "\n".join(json.dumps(e.to_mapping()) for e in lines)
    (folder / "events.jsonl").write_text(text + "\n")
    runner = JobRunner()
    # Its head and its tail alone: what stands between is read by nobody.
    taken: list[int] = []
    opened = Path.open

    def watched(path: Path, *args: Any, **rest: Any) -> Any:
        stream = opened(path, *args, **rest)
        if path.name == "events.jsonl":
            read = stream.read
            stream.read = lambda *size: taken.append(len(found := read(*size))) or found
        return stream

    monkeypatch.setattr(Path, "open", watched)
    runner.scan(tmp_path)
    assert sum(taken) < 200_000 < len(text)
    assert [(j.state, j.started_at, j.ended_at) for j in runner.jobs] == [("cancelled", 1.0, 9.0)]


def test_lines_that_are_no_events() -> None:
    for line in (b"", b"null", b"[1]", b'{"v":2,"event":"x"}', b'{"v":1}', b"\xff\xfe"):
        assert parse_line(line) is None
    event = parse_line(b'{"v":1,"event":"log","t":1.5,"message":"x"}')
    assert event == JobEvent("log", {"message": "x"}, 1.5)


def test_replay_of_a_run_without_events(tmp_path: Path) -> None:
    assert list(replay(tmp_path)) == []
