"""The window or its job killed in the middle of a training: nothing is lost, nothing runs on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.core.job import JobContext, JobEvent, JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.runner import CRASHED, replay
from studio.jobs.control import RemoteControl
from studio.jobs.host import run_job
from studio.registry.jobs import job_entry

ROOT = Path(__file__).parents[2]
EPOCHS = 7

WINDOW = """
import sys, time
from pathlib import Path
from studio.core.job import JobSpec
from studio.gui.app import make_application, make_window
application = make_application()
window = make_window()
window.show()
project = Path(sys.argv[1])
window.open_project(project)
options = {"family": "yolo-pose", "pretrained": "yolo11n-pose.yaml", "data": sys.argv[2],
           "epochs": int(sys.argv[3]), "imgsz": 64, "batch": 4, "workers": 2, "device": "cpu"}
job = window.studio.runner.start(JobSpec("train", options, project=project), title="Training")
told = False
while True:
    application.processEvents()
    time.sleep(0.002)
    if not told and job.last_metrics:
        print(job.pid, job.run_dir, flush=True)
        told = True
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen drawn pictures, converted."""
    folder = tmp_path_factory.mktemp("killed")
    context = JobContext(lambda event: None, run_dir=folder)
    for job, options in (
        ("sample", {"out": folder / "p", "pictures": 12, "clips": 0}),
        ("convert", {"input": [folder / "p"], "output": folder / "d", "to": ("yolo",)}),
    ):
        entry = job_entry(job)
        entry.load()(entry.options_class().from_mapping(options), context)
    return folder / "d"


@pytest.fixture
def window_process(tmp_path: Path, dataset: Path) -> Iterator[subprocess.Popen[str]]:
    """A real window of its own, in which a training runs."""
    project = tmp_path / "project"
    project.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(project), str(dataset), str(EPOCHS)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"POSE_STUDIO_CONFIG_DIR": str(tmp_path / ".config")},
    )
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def epochs_done(run_dir: Path) -> list[int]:
    return [
        event.data["epoch"]
        for event in replay(run_dir)
        if event.event == "metrics" and event.data["split"] == "val"
    ]


@pytest.mark.slow
def test_a_killed_window_ends_its_training_which_then_resumes(
    window_process: subprocess.Popen[str],
) -> None:
    assert window_process.stdout is not None
    pid_text, run_text = window_process.stdout.readline().split(maxsplit=1)
    pid, run_dir = int(pid_text), Path(run_text.strip())
    wait_for(lambda: len(epochs_done(run_dir)) >= 2, 120)
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]

    window_process.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(p.is_running() for p in family), 60)

    whole = epochs_done(run_dir)[-1]
    assert whole < EPOCHS
    finished = [e for e in replay(run_dir) if e.event == "finished"]
    assert [e.data["status"] for e in finished] == ["cancelled"]

    heard: list[JobEvent] = []
    spec = JobSpec("train", {"family": "yolo-pose", "resume": str(run_dir)})
    outcome = run_job(spec, heard.append, RemoteControl())
    assert outcome.status == "ok", outcome.error
    first = next(e for e in heard if e.event == "metrics")
    assert first.data["epoch"] == whole + 1
    assert epochs_done(run_dir) == [*range(1, EPOCHS + 1)]
    assert (run_dir / "weights" / "last.pt").is_file()


@pytest.mark.slow
def test_a_killed_job_is_told_and_resumes(
    window: MainWindow, dataset: Path, tmp_path: Path, qtbot
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    assert window.open_project(project)
    window.open_page("train")
    options = {
        "family": "yolo-pose", "pretrained": "yolo11n-pose.yaml", "data": str(dataset),
        "epochs": EPOCHS, "imgsz": 64, "batch": 4, "workers": 0, "device": "cpu",
    }  # fmt: skip
    job = window.studio.runner.start(JobSpec("train", options, project=project), title="Training")
    qtbot.waitUntil(lambda: len(epochs_done(job.run_dir)) >= 1, timeout=120_000)
    os.kill(job.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: job.ended, timeout=10_000)
    assert job.state == CRASHED
    assert job.problem is not None
    assert job.resumable
    assert "finished" not in [event.event for event in replay(job.run_dir)]

    outcome = run_job(
        JobSpec("train", {"family": "yolo-pose", "resume": str(job.run_dir)}),
        lambda event: None,
        RemoteControl(),
    )
    assert outcome.status == "ok", outcome.error
    assert epochs_done(job.run_dir) == [*range(1, EPOCHS + 1)]
