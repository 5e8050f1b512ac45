"""The host: events, logs, commands, cancel, failures and orphans, in real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.core.job import JobEvent, JobSpec
from studio.jobs.control import RemoteControl
from studio.jobs.host import run_job
from tests.jobs import toy_jobs

ROOT = Path(__file__).parents[2]


def write_spec(folder: Path, **options: object) -> Path:
    folder.mkdir(exist_ok=True)
    spec = {"v": 1, "job": "toy", "options": options, "run_dir": str(folder / "run")}
    path = folder / "in.json"
    path.write_text(json.dumps(spec))
    return path


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []

    def begin(spec: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.toy_jobs", str(spec), *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def events_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def stored(folder: Path) -> list[dict]:
    return events_of((folder / "run" / "events.jsonl").read_text())


def test_stdout_holds_events_only_and_the_log_holds_the_rest(start: Start, tmp_path: Path) -> None:
    process = start(write_spec(tmp_path, steps=2))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == ""
    lines = events_of(out)
    assert [line["event"] for line in lines] == ["started", "progress", "progress", "finished"]
    assert all(line["v"] == 1 and line["t"] > 1.7e9 for line in lines)
    assert lines[0]["pid"] == process.pid
    assert lines[0]["versions"]["python"].startswith(f"{sys.version_info.major}.")
    assert lines[-1] == lines[-1] | {"status": "ok", "result": {"done": 2, "values": {}}}
    assert stored(tmp_path) == lines
    log = (tmp_path / "run" / "job.log").read_text()
    for line in ("a library prints this", "and C code writes this", "a child prints this"):
        assert line in log


@pytest.mark.parametrize(
    ("fail", "kind", "message", "hint"),
    [
        ("known", "DataError", "The data is wrong.", "Mend it."),
        ("unknown", "ZeroDivisionError", "division by zero", "This is a defect"),
        ("disk", "FileProblem", "The disk is full.", "Make room"),
    ],
)
def test_failures_are_told(
    start: Start, tmp_path: Path, fail: str, kind: str, message: str, hint: str
) -> None:
    process = start(write_spec(tmp_path, fail=fail))
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    error, finished = events_of(out)[-2:]
    assert (error["event"], error["type"], error["message"]) == ("error", kind, message)
    assert error["hint"].startswith(hint)
    assert "Traceback" in error["traceback"]
    assert finished["status"] == "failed"


def test_stop_and_values_come_by_stdin(start: Start, tmp_path: Path) -> None:
    process = start(write_spec(tmp_path, steps=1000, seconds=0.05))
    assert process.stdin
    assert process.stdout
    assert "started" in process.stdout.readline()
    process.stdin.write('not json\n{"cmd":"unknown"}\n{"cmd":"set","values":{"conf":0.5}}\n')
    process.stdin.flush()
    assert "progress" in process.stdout.readline()
    process.stdin.write('{"cmd":"stop"}\n')
    process.stdin.flush()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    finished = events_of(out)[-1]
    assert finished["status"] == "ok"
    assert 0 < finished["result"]["done"] < 1000
    assert finished["result"]["values"] == {"conf": 0.5}


def test_end_of_stdin_means_nothing(start: Start, tmp_path: Path) -> None:
    process = start(write_spec(tmp_path, steps=4, seconds=0.1))
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start(write_spec(tmp_path, steps=1000, seconds=0.05))
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert events_of(out)[-1]["status"] == "cancelled"


def test_a_broken_pipe_does_not_stop_the_job(start: Start, tmp_path: Path) -> None:
    process = start(write_spec(tmp_path, steps=6, seconds=0.1))
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert stored(tmp_path)[-1]["result"]["done"] == 6


@pytest.mark.parametrize("fail", ["", "hang"])
def test_an_orphan_ends_saved(start: Start, tmp_path: Path, fail: str) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process = start(write_spec(tmp_path, steps=100000, seconds=0.05, fail=fail), str(owner.pid))
    assert process.stdout
    process.stdout.readline()
    process.stdout.readline()
    owner.kill()
    owner.wait()
    assert process.wait(timeout=60) == 3
    assert not psutil.pid_exists(process.pid)
    if not fail:
        assert stored(tmp_path)[-1]["status"] == "cancelled"


def test_bad_specs_are_refused(tmp_path: Path) -> None:
    heard: list[JobEvent] = []
    for spec in (
        JobSpec("no-such-job"),
        JobSpec(toy_jobs.ENTRY.name, {"steps": 0}, tmp_path),
        JobSpec("toy", {"stepz": 1}, tmp_path),
        JobSpec("toy", {"steps": "many"}, tmp_path),
    ):
        heard.clear()
        outcome = run_job(spec, heard.append, RemoteControl())
        assert outcome.exit_status == 2, spec
        assert [e.event for e in heard] == ["error", "finished"]
        assert outcome.error
    assert not list(tmp_path.iterdir())


def test_a_spec_cut_in_half_is_named(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text('{"v": 1, "jo')
    process = start(path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert str(path) in events_of(out)[0]["where"]


def test_what_the_code_warns_of_is_told(tmp_path: Path) -> None:
    """`logging` of the studio and its plugins reaches the person, not the log file alone."""
    events: list[JobEvent] = []
    spec = JobSpec("toy", {"fail": "warn"}, tmp_path / "run")
    assert run_job(spec, events.append, RemoteControl()).status == "ok"
    assert [e.data for e in events if e.event == "log"] == [
        {"level": "warning", "message": "mind the gap"}
    ]


def test_frames_are_told_but_never_stored(tmp_path: Path) -> None:
    from studio.jobs.host import _EventLog

    heard: list[JobEvent] = []
    with _EventLog(tmp_path / "events.jsonl", heard.append) as log:
        log.emit(JobEvent("frame", {"index": 1}))
        log.emit(JobEvent("log", {"message": "x"}))
    assert [e.event for e in heard] == ["frame", "log"]
    assert [e["event"] for e in events_of((tmp_path / "events.jsonl").read_text())] == ["log"]
