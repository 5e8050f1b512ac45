"""The whole way through the real window with real jobs: from drawn pictures to a live skeleton."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.core.job import JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.pages.evaluate import EvaluatePage
from studio.gui.pages.export import ExportPage
from studio.gui.pages.live import LivePage
from studio.gui.pages.train import TrainPage
from studio.gui.runner import Job

JOB_MS = 90_000

pytestmark = pytest.mark.slow


@pytest.fixture
def shots(window: MainWindow, tmp_path: Path) -> Callable[[str], Path]:
    """Saves what the window shows."""
    folder = tmp_path / "shots"
    folder.mkdir()

    def save(name: str) -> Path:
        path = folder / f"{name}.png"
        assert window.grab().save(str(path))
        assert path.stat().st_size > 10_000, f"{name} shows next to nothing"
        return path

    return save


def well(qtbot: QtBot, job: Job) -> Job:
    """Wait until a job has ended well."""
    qtbot.waitUntil(lambda: job.ended, timeout=JOB_MS)
    assert job.state == "ok", f"{job.spec.job}: {job.state}\n{job.problem}\n{job.log_tail()}"
    return job


def newest(window: MainWindow, kind: str) -> Job:
    """The job of a kind that was started last."""
    return next(j for j in reversed(window.studio.runner.jobs) if j.spec.job == kind)


def make_sample(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    options = {"out": str(folder), "pictures": 16, "clips": 1, "frames": 12, "size": 192,
               "photos": False}  # fmt: skip
    well(qtbot, window.studio.runner.start(JobSpec("sample", options)))
    assert window.open_project(folder)


def convert(window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path]) -> Path:
    window.open_page("datasets")
    page = window.current_page
    assert isinstance(page, DatasetsPage)
    form = page.new
    qtbot.waitUntil(form.convert.isEnabled, timeout=5000)
    training, validation, test = form.shares.counts
    assert min(training, validation) > 0
    assert test == 0
    form.name.setText("people")
    shots("datasets_new")
    form.check.click()
    qtbot.waitUntil(lambda: form.problems.isVisible() and form.check.isEnabled(), timeout=10_000)
    assert not [p for p in form.problems.problems() if p.severity == "error"]
    qtbot.mouseClick(form.convert, Qt.MouseButton.LeftButton)
    job = well(qtbot, newest(window, "convert"))
    qtbot.waitUntil(lambda: page.room.currentWidget() is page.view, timeout=5000)
    qtbot.waitUntil(lambda: page.view.grid.count() == training + validation, timeout=10_000)
    assert page.view.figures["train"].text() == str(training)
    assert page.view.figures["val"].text() == str(validation)
    qtbot.wait(300)
    shots("datasets")
    return Path(str(job.result["dataset"]))


def train(window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path]) -> Path:
    dataset_page = window.current_page
    assert isinstance(dataset_page, DatasetsPage)
    dataset_page.view._train()
    page = window.current_page
    assert isinstance(page, TrainPage)
    form = page.form.form
    assert form is not None
    assert form.editors["data"].text().endswith("people")
    form.set_values(
        {"pretrained": "yolo11n-pose.yaml", "epochs": 1, "imgsz": 64, "batch": 4, "workers": 0}
    )
    page.form.name.setText("tiny")
    qtbot.mouseClick(page.form.start, Qt.MouseButton.LeftButton)
    job = well(qtbot, newest(window, "train"))
    history = page.view.history
    assert history.steps == 4, "16 pictures at a ratio of .8 in batches of 4: 4 of them"
    page.view.plots.redraw()
    curves = page.view.plots.plots["loss_batch"].curves()
    assert len(curves[0].x) == history.steps
    assert page.view.state == "ok"
    qtbot.wait(200)
    shots("train")
    return job.run_dir


def evaluate(window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path], run: Path) -> None:
    train_page = window.current_page
    assert isinstance(train_page, TrainPage)
    qtbot.mouseClick(train_page.view.evaluate, Qt.MouseButton.LeftButton)
    page = window.current_page
    assert isinstance(page, EvaluatePage)
    assert page.form.editors["model"].text() == str(run)
    qtbot.waitUntil(page.start_button.isEnabled, timeout=5000)
    qtbot.mouseClick(page.start_button, Qt.MouseButton.LeftButton)
    well(qtbot, newest(window, "evaluate"))
    qtbot.waitUntil(lambda: page.room.currentWidget() is page.view, timeout=10_000)
    report = page.view.reports[0]
    assert report.path.is_relative_to(run)
    assert report.picture_count == len(report.pictures) > 0
    shots("evaluate")
    page.view.tabs.setCurrentIndex(2)
    qtbot.wait(400)
    shots("evaluate_worst")


def export(window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path], run: Path) -> Path:
    window.open_page("export", model=run)
    page = window.current_page
    assert isinstance(page, ExportPage)
    page.where.choose("openvino")
    shots("export_where")
    qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
    assert page.how.form is not None
    page.how.form.set_values({"half": True})
    page.how.name.setText("tiny-openvino")
    shots("export_options")
    qtbot.waitUntil(page.next.isEnabled, timeout=60_000)
    qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
    well(qtbot, newest(window, "export"))
    assert page.run.done.isVisible()
    assert page.run.model is not None
    assert (page.run.model / "model.json").is_file()
    compare = page.run.compare
    qtbot.mouseClick(compare.compare, Qt.MouseButton.LeftButton)
    well(qtbot, newest(window, "compare"))
    assert compare.table.isVisible()
    assert compare.table.as_text().startswith("Metric\tThe original\tExport\tDifference")
    shots("export_done")
    return page.run.model


def watch(window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path], clip: Path) -> None:
    export_page = window.current_page
    assert isinstance(export_page, ExportPage)
    qtbot.mouseClick(export_page.run.live, Qt.MouseButton.LeftButton)
    page = window.current_page
    assert isinstance(page, LivePage)
    page.receive(source=str(clip))
    page.start()
    job = newest(window, "live")
    frames: list[int] = []
    job.event_received.connect(
        lambda e: frames.append(e.data["index"]) if e.event == "frame" else None
    )
    qtbot.waitUntil(lambda: len(frames) >= 5, timeout=JOB_MS)
    shots("live")
    page.stop()
    qtbot.waitUntil(lambda: job.ended, timeout=20_000)
    assert job.state == "ok"


def test_from_pictures_to_a_live_skeleton(
    window: MainWindow, qtbot: QtBot, shots: Callable[[str], Path], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    make_sample(window, qtbot, project)
    convert(window, qtbot, shots)
    run = train(window, qtbot, shots)
    evaluate(window, qtbot, shots, run)
    export(window, qtbot, shots, run)
    clip = next(p for p in project.rglob("*") if p.suffix in (".mp4", ".avi"))
    watch(window, qtbot, shots, clip)


def test_a_training_that_is_killed_is_resumed_from_the_page(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    make_sample(window, qtbot, project)
    folder = convert_quietly(window, qtbot, project)
    window.open_page("train", dataset=folder)
    page = window.current_page
    assert isinstance(page, TrainPage)
    form = page.form.form
    assert form is not None
    form.set_values(
        {"pretrained": "yolo11n-pose.yaml", "epochs": 3, "imgsz": 64, "batch": 4, "workers": 0}
    )
    page.form.name.setText("tiny")
    qtbot.mouseClick(page.form.start, Qt.MouseButton.LeftButton)
    job = newest(window, "train")
    qtbot.waitUntil(lambda: page.view.history.epoch >= 2, timeout=JOB_MS)
    psutil.Process(job.pid).kill()
    qtbot.waitUntil(lambda: job.ended, timeout=10_000)
    assert job.state == "crashed"
    assert page.view.state == "crashed"
    assert page.banner.isVisible()
    qtbot.mouseClick(page.banner.action_button, Qt.MouseButton.LeftButton)
    resumed = newest(window, "train")
    assert resumed is not job
    well(qtbot, resumed)
    steps, _ = page.view.history.get("train", "loss").arrays()
    assert steps.tolist() == list(range(1, 13)), "three epochs of four batches, each once"
    assert page.view.history.epoch == 3


def convert_quietly(window: MainWindow, qtbot: QtBot, project: Path) -> Path:
    options = {"input": [str(project)], "output": str(project / "datasets"), "name": "people",
               "to": ["yolo"]}  # fmt: skip
    job = well(qtbot, window.studio.runner.start(JobSpec("convert", options)))
    return Path(str(job.result["dataset"]))
