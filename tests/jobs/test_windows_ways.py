"""What Windows does otherwise, as far as it can be played here: closed streams, parts of writes,
files that are open elsewhere, several drives, consoles with a code page. Nothing of it was ever
run on Windows itself.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from studio.cli import console, main
from studio.core.job import JobEvent, JobSpec
from studio.io import files
from studio.jobs import host
from studio.jobs.control import RemoteControl
from studio.jobs.places import picture_names
from studio.runtime.sources import ImagesSource
from tests.jobs import toy_jobs

ROOT = Path(__file__).parents[2]


def job_process(tmp_path: Path, code: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """A toy job in a process of its own, after `code`."""
    spec = {"v": 1, "job": "toy", "options": options, "run_dir": str(tmp_path / "run")}
    (tmp_path / "in.json").write_text(json.dumps(spec), encoding="utf-8")
    program = (
        "import os, sys\nfrom pathlib import Path\nimport tests.jobs.toy_jobs\n"
        f"from studio.jobs.host import run_spec_file\n{code}\n"
        f"os._exit(run_spec_file(Path({str(tmp_path / 'in.json')!r})))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, input=b'{"cmd": "set", "values": {"a": 1}}\n', capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip


def stored(tmp_path: Path) -> list[dict[str, Any]]:
    lines = (tmp_path / "run" / "events.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def test_a_program_without_any_stream(tmp_path):
    """A windowed program has no stdout at all: neither the object nor the descriptor."""
    code = "sys.stdout = sys.stderr = sys.stdin = None\nfor n in (0, 1, 2): os.close(n)"
    done = job_process(tmp_path, code)
    assert done.returncode == 0
    assert stored(tmp_path)[-1]["event"] == "finished"
    assert stored(tmp_path)[-1]["status"] == "ok"
    assert b"a child prints this" in (tmp_path / "run" / "job.log").read_bytes()


def test_children_do_not_share_the_commands(tmp_path):
    """A child that reads its stdin neither takes a command away nor waits for one."""
    code = (
        "import subprocess, studio.jobs.host as host\n"
        "before = tests.jobs.toy_jobs.run\n"
        "def run(options, context):\n"
        "    child = subprocess.run([sys.executable, '-c', 'import sys; print(len(sys.stdin.read()))'],"
        " stdout=subprocess.PIPE, timeout=20)\n"
        "    context.log('child read ' + child.stdout.decode().strip())\n"
        "    return before(options, context)\n"
        "tests.jobs.toy_jobs.run = run\n"
    )
    done = job_process(tmp_path, code, steps=3, seconds=0.2)
    assert done.returncode == 0, done.stderr
    events = stored(tmp_path)
    assert [e["message"] for e in events if e["event"] == "log"] == ["child read 0"]
    assert events[-1]["result"]["values"] == {"a": 1}, "the command came all the same"


def test_a_stream_that_takes_parts():
    class Parts(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            part = bytes(data)[:7]
            self.taken += part
            return len(part)

    stream: Any = Parts()
    host.write_whole(stream, b"x" * 100 + b"end\n")
    assert stream.taken == b"x" * 100 + b"end\n"


def test_ctrl_break_cancels(monkeypatch):
    """Windows has SIGBREAK; another signal plays it here."""
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    control = RemoteControl()
    with host.signals_cancel(control):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert control.cancel_requested
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_file_open_elsewhere_is_told_as_such(tmp_path, monkeypatch):
    def held(options: Any, context: Any) -> dict[str, Any]:
        raise PermissionError(13, "The process cannot access the file", "C:\\run\\best.pt")

    monkeypatch.setattr(toy_jobs, "run", held)
    events: list[JobEvent] = []
    outcome = host.run_job(JobSpec("toy", {}, tmp_path / "run"), events.append, RemoteControl())
    assert outcome.error is not None
    assert "another program has it open" in outcome.error["message"]
    assert outcome.error["where"] == "C:\\run\\best.pt"
    assert "defect" not in outcome.error["hint"]


@pytest.mark.parametrize("refusals", [0, 3, 9, 10])
def test_replacing_waits_for_who_has_it_open(tmp_path, monkeypatch, refusals):
    """Windows refuses to replace a file that, say, a virus scanner reads."""
    source, target = tmp_path / "new", tmp_path / "old"
    source.write_text("new")
    target.write_text("old")
    left, slept = [refusals], []
    real = type(source).replace

    def replace(path: Path, other: Path) -> Path:
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "in use")
        return real(path, other)

    monkeypatch.setattr(type(source), "replace", replace)
    monkeypatch.setattr(files, "_IS_WINDOWS", True)
    monkeypatch.setattr(files.time, "sleep", slept.append)
    if refusals < 10:
        files.replace(source, target)
        assert target.read_text() == "new"
        assert len(slept) == refusals
    else:
        with pytest.raises(PermissionError):
            files.replace(source, target)
        assert target.read_text() == "old"
    assert sum(slept) < 5


def test_no_waiting_where_nothing_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(files.time, "sleep", lambda _s: pytest.fail("waited"))
    locked = tmp_path / "locked"

    def refuse(_path: Path, _other: Path) -> Path:
        raise PermissionError(13, "never")

    monkeypatch.setattr(type(locked), "replace", refuse)
    monkeypatch.setattr(files, "_IS_WINDOWS", False)
    with pytest.raises(PermissionError):
        files.replace(locked, tmp_path / "x")


def test_pictures_on_several_drives(monkeypatch):
    class Drive(PureWindowsPath):
        def absolute(self) -> Drive:
            return self

    paths: list[Any] = [Drive("C:/a/x.jpg"), Drive("D:/b/x.jpg"), Drive("//nas/share/x.jpg")]
    source = object.__new__(ImagesSource)
    monkeypatch.setattr(ImagesSource, "paths", paths, raising=False)
    names = picture_names(source)
    assert list(names.values()) == ["C/a/x.jpg", "D/b/x.jpg", "nas\\share/x.jpg"]
    assert len(set(names.values())) == 3


def test_a_console_with_a_code_page_takes_every_character(tmp_path, monkeypatch):
    """CONOUT$ is a file here; what is written there is whole."""
    place = tmp_path / "console"
    monkeypatch.setattr(console, "WINDOWS", True)
    monkeypatch.setattr(console, "CONSOLE", str(place))
    monkeypatch.setattr(console.os, "isatty", lambda _number: True)
    with console._private(1, lambda: pytest.fail("bytes in a code page")) as stream:
        stream.write("人物 ━━ é\n")
    assert place.read_text(encoding="utf-8") == "人物 ━━ é\n"


def test_a_pipe_with_a_code_page_takes_every_character(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    assert main(["skeletons"]) == 0
    sys.stdout.write("人物\n")
    sys.stdout.flush()
    assert "人物" in raw.getvalue().decode("utf-8")


def test_a_check_leaves_no_folder(tmp_path, monkeypatch):
    """It is removed once its log is closed: Windows removes no open file."""
    closed: list[bool] = []

    def tidy(run_dir: Path) -> None:
        open_files = {os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()}
        closed.append(not any(str(run_dir) in f for f in open_files))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files cannot be listed here")
    monkeypatch.setattr(toy_jobs, "tidy", tidy, raising=False)
    host.run_job(JobSpec("toy", {}, tmp_path / "run"), lambda _e: None, RemoteControl())
    assert closed == [True]
