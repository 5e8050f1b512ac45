"""The Train page: its form, its check, live plots, earlier runs, crashes and resuming."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.core.errors import Problem
from studio.core.job import JobEvent, JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.pages.train import TrainPage
from studio.gui.runner import Job
from studio.gui.widgets.parts import form_order
from tests.gui.people import make_pictures
from tests.gui.runs import events, make_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    dataset = folder / "datasets" / "people"
    dataset.mkdir(parents=True)
    data = {"v": 1, "name": "people", "counts": {"train": 4, "val": 2}, "skeleton": "coco17"}
    (dataset / "dataset.json").write_text(json.dumps(data), encoding="utf-8")
    (dataset / "pose.yaml").write_text("", encoding="utf-8")
    make_run(folder, "first")
    make_run(folder, "second", epochs=2)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> TrainPage:
    assert window.open_project(project)
    window.open_page("train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    qtbot.waitUntil(lambda: shown.runs.count() == 2, timeout=5000)
    return shown


def show_first(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    folder = project / "runs" / "yolo-pose" / "first"
    page.runs.choose(folder)
    qtbot.waitUntil(lambda: page.view.folder == folder, timeout=5000)


def test_the_form_is_made_from_the_familys_options(page: TrainPage) -> None:
    form = page.form.form
    assert form is not None
    assert page.form.family_id == "yolo-pose"
    assert {"data", "epochs", "imgsz", "batch"} <= set(form.editors)
    assert form.editors["data"].text().endswith("people"), "the newest dataset is the first guess"
    assert page.form.start.isEnabled()


def test_an_error_stands_under_its_field_and_keeps_start_off(page: TrainPage) -> None:
    form = page.form.form
    assert form is not None
    form.editors["epochs"].set_value(0)
    form._edited()
    assert "at least 1" in form.editors["epochs"].error.text()
    assert not page.form.start.isEnabled()
    form.editors["epochs"].reset()
    page.form.name.setText("a/b")
    assert page.form.name_error.isVisibleTo(page.form)
    assert not page.form.start.isEnabled()


def test_the_spec_names_a_free_folder(page: TrainPage, project: Path) -> None:
    page.form.name.setText("first")
    spec = page.form.spec()
    assert spec.run_dir == project / "runs" / "yolo-pose" / "first-2"
    assert spec.options["family"] == "yolo-pose"
    assert Path(spec.options["data"]) == project / "datasets" / "people"
    assert page.form.spec(check_only=True).options["check_only"] is True


def test_the_tab_key_follows_the_eye(page: TrainPage) -> None:
    form = page.form.form
    assert form is not None
    shown = [w for w in form_order(form) if w.isVisible()]
    expected = [page.form.name, *shown, page.form.check, page.form.start]
    place = {w: i for i, w in enumerate(expected)}
    met: list[int] = []
    widget = page.form.name
    for _ in range(500):
        if widget in place and widget.isVisible():
            met.append(place[widget])
        widget = widget.nextInFocusChain()
        if widget is page.form.name:
            break
    assert met == list(range(len(expected)))
    nameless = [
        w
        for w in expected
        if not w.accessibleName() and not (isinstance(w, QPushButton) and w.text())
    ]
    assert not nameless


def test_presets_keep_changed_options_without_the_dataset(page: TrainPage) -> None:
    form = page.form.form
    assert form is not None
    form.set_values({"epochs": 7, "imgsz": 320})
    page.form.presets.save("quick")
    form.reset()
    page.form.preset.setCurrentIndex(page.form.preset.findData("quick"))
    page.form.presets.load()
    assert form.values()["epochs"] == 7
    assert "data" not in page.form.presets.presets.load("quick")
    page.form.presets.delete()
    assert page.form.preset.findData("quick") < 0


def test_an_earlier_run_comes_back_with_every_batch(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    show_first(page, project, qtbot)
    assert page.view.state == "ok"
    loss = next(c for c in page.view.plots.plots["loss_batch"].curves() if c.name == "Loss")
    assert loss.x.tolist() == list(range(1, 41))
    assert page.view.figures["best"].text() == "3"
    assert page.view.figures["result"].text() == "0.600"
    assert "Epoch 4 is done." in page.view.log.toPlainText()


def test_ticked_runs_are_laid_over_the_one_chosen(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    show_first(page, project, qtbot)
    for item in page.runs._items():
        item.setCheckState(0, Qt.CheckState.Checked)
    plot = page.view.plots.plots["loss_batch"]
    qtbot.waitUntil(lambda: len(plot.curves()) == 2, timeout=5000)
    assert {c.name for c in plot.curves()} == {"first", "second"}
    assert len({c.color for c in plot.curves()}) == 2


def test_a_crashed_run_says_so_and_offers_to_resume(
    page: TrainPage, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = make_run(project, "crashed", finished=False)
    page.refresh_runs()
    qtbot.waitUntil(lambda: page.runs.count() == 3, timeout=5000)
    page.runs.choose(crashed)
    qtbot.waitUntil(page.banner.isVisible, timeout=5000)
    assert page.view.state == "crashed"
    assert page.view.resume.isVisible()
    started: list[JobSpec] = []
    monkeypatch.setattr(page, "start", started.append)
    qtbot.mouseClick(page.banner.action_button, Qt.MouseButton.LeftButton)
    assert started[0].run_dir == crashed
    assert started[0].options == {"family": "yolo-pose", "resume": str(crashed)}


def live_job(page: TrainPage, folder: Path) -> Job:
    """A job whose process is this test."""
    folder.mkdir(parents=True)
    spec = JobSpec("train", {"family": "yolo-pose", "name": folder.name}, folder)
    job = Job(spec, folder, parent=page.studio.runner)
    page.studio.runner._add(job)
    job._set_state("running")
    page.show_job(job)
    return job


def test_a_live_run_shows_every_batch(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    job = live_job(page, project / "runs" / "yolo-pose" / "live")
    redraws: list[int] = []
    plots = page.view.plots
    draw = plots.redraw
    plots.coalescer._redraw = lambda: (redraws.append(1), draw())
    for line in events(5, 60, finished=False):
        job.event_received.emit(JobEvent.from_mapping(line))
    loss = plots.plots["loss_batch"]
    qtbot.waitUntil(lambda: len(loss.curves()) > 0 and len(loss.curves()[0].x) == 300, timeout=3000)
    assert len(redraws) <= 3, "three hundred batches at once are painted once or twice"
    qtbot.waitUntil(lambda: page.view.figures["epoch"].text() == "5", timeout=3000)
    assert page.view.stop.isVisible()
    assert not page.view.resume.isVisible()


def test_a_training_started_elsewhere_is_followed(page: TrainPage, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    job = Job(JobSpec("train", {"family": "yolo-pose"}, folder), folder, parent=page)
    page.studio.runner._add(job)
    assert page.view.job is job
    assert page.room.currentWidget() is page.view
    check = Job(JobSpec("train", {"check_only": True}, folder), folder, parent=page)
    page.studio.runner._add(check)
    assert page.view.job is job


def test_a_killed_job_is_shown_as_crashed(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    folder = project / "runs" / "yolo-pose" / "killed"
    job = live_job(page, folder)
    (folder / "weights").mkdir()
    (folder / "weights" / "last.pt").write_bytes(b"weights")
    for line in events(2, 5, finished=False):
        job.event_received.emit(JobEvent.from_mapping(line))
    job.problem = job._crash_problem("exit status 9")
    job._set_state("crashed")
    qtbot.waitUntil(page.banner.isVisible, timeout=3000)
    assert "Crashed" in page.banner.message.text()
    assert page.banner.action_button.isVisible()
    assert page.view.resume.isVisible()


def test_a_run_out_of_memory_offers_the_batch_to_try(
    page: TrainPage, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = live_job(page, project / "runs" / "yolo-pose" / "big")
    job.event_received.emit(JobEvent("suggest", {"option": "batch", "value": 8}, 1.0))
    job.problem = Problem("The memory is full.")
    job._set_state("failed")
    qtbot.waitUntil(page.banner.isVisible, timeout=3000)
    assert page.banner.action_button.text() == "Try with batch 8"
    started: list[JobSpec] = []
    monkeypatch.setattr(page, "start", started.append)
    qtbot.mouseClick(page.banner.action_button, Qt.MouseButton.LeftButton)
    assert started[0].options["batch"] == 8


def test_pictures_of_a_run_have_a_tab_when_there_are_any(page: TrainPage, project: Path) -> None:
    job = live_job(page, project / "runs" / "yolo-pose" / "live")
    assert not page.view.tabs.isTabVisible(1)
    (picture,) = make_pictures(project / "shown", 1)
    job.event_received.emit(JobEvent("artifact", {"kind": "picture", "path": str(picture)}, 1.0))
    assert page.view.tabs.isTabVisible(1)
    assert page.view.pictures.count() == 1


def test_what_the_check_found_is_listed(page: TrainPage, qtbot: QtBot) -> None:
    folder = page.studio.settings.folder / "check"
    job = Job(JobSpec("train", {"check_only": True}, folder), folder, parent=page)
    problem = {"message": "Column 4 is no number.", "where": "labels/a.txt", "line": 3,
               "hint": "", "severity": "error"}  # fmt: skip
    job.result = {"problems": [problem]}
    job.state = "ok"
    option = {"message": "There are no such weights.", "where": "pretrained", "hint": ""}
    job.result["problems"].append(option)
    page._check_ended(job)
    assert page.form.form is not None
    assert "no such weights" in page.form.form.editors["pretrained"].error.text()
    assert page.form.problems.summary.text() == "Errors: 2, warnings: 0"
    assert "a.txt:3" in page.form.problems.list.item(0).text()


def test_without_a_run_the_page_says_what_to_do_first(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert window.open_project(tmp_path / "empty")
    window.open_page("train")
    page = window.current_page
    assert isinstance(page, TrainPage)
    assert page.room.currentWidget() is page.empty
    assert page.empty.button is not None
    assert page.empty.button.isVisible()
    page.empty.button.click()
    assert window.current_page.page_id == "datasets"


def test_with_a_dataset_the_thing_to_do_next_is_to_start(window: MainWindow, project: Path) -> None:
    shutil.rmtree(project / "runs")
    assert window.open_project(project)
    window.open_page("train")
    page = window.current_page
    assert isinstance(page, TrainPage)
    assert page.room.currentWidget() is page.empty
    assert page.empty.button is not None
    assert not page.empty.button.isVisible()


def test_another_project_brings_its_own_dataset(
    page: TrainPage, window: MainWindow, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    assert page.form.form is not None
    data = page.form.form.editors["data"]
    assert data.text() == str(project / "datasets" / "people")
    other = Path(shutil.copytree(project, tmp_path / "other"))
    assert window.open_project(other)
    assert data.text() == str(other / "datasets" / "people")
    assert window.open_project(project)
    assert data.text() == str(project / "datasets" / "people")


def test_an_earlier_run_that_failed_says_why(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    failed = make_run(project, "failed", epochs=0, finished=False)
    why = {"message": "There is no such folder.", "hint": "Check the path."}
    with (failed / "events.jsonl").open("a", encoding="utf-8") as stream:
        for name, data in (("error", why), ("finished", {"status": "failed"})):
            stream.write(json.dumps({"v": 1, "event": name, "t": 1_700_000_900.0, **data}) + "\n")
    show_first(page, project, qtbot)
    page.refresh_runs()
    qtbot.waitUntil(lambda: page.runs.count() == 3)
    page.runs.choose(failed)
    qtbot.waitUntil(page.view.reason.isVisible)
    assert page.view.reason.text() == "There is no such folder. Check the path."
    assert page.view.figures["result"].text() == "–", "nothing is left of the run before"
    show_first(page, project, qtbot)
    assert not page.view.reason.isVisible()


def test_another_page_can_send_a_dataset(
    page: TrainPage, window: MainWindow, tmp_path: Path
) -> None:
    window.open_page("train", dataset=tmp_path / "other")
    form = page.form.form
    assert form is not None
    assert form.editors["data"].text() == str(tmp_path / "other")


def test_it_fits_a_small_window(
    page: TrainPage, window: MainWindow, project: Path, qtbot: QtBot
) -> None:
    show_first(page, project, qtbot)
    window.resize(1280, 720)
    assert window.minimumSizeHint().width() <= 1280
    assert window.minimumSizeHint().height() <= 720


def test_a_run_without_a_stream_is_listed_with_its_table(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    folder = project / "runs" / "yolo-pose" / "silent"
    (folder / "weights").mkdir(parents=True)
    model = {"v": 1, "family": "yolo-pose", "metrics": {"AP": 0.25}}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    table = "epoch,time,train/pose_loss,metrics/mAP50-95(P),metrics/mAP50-95(B),val/pose_loss\n"
    table += "1,2.0,6.0,0.2,0.5,5.0\n2,4.0,4.0,0.3,0.6,4.5\n"
    (folder / "results.csv").write_text(table, encoding="utf-8")
    page.refresh_runs()
    qtbot.waitUntil(lambda: page.runs.count() == 3, timeout=5000)
    page.runs.choose(folder)
    qtbot.waitUntil(lambda: page.view.folder == folder, timeout=5000)
    assert page.view.state == "ok"
    x, y = page.view.history.get("val", "AP").arrays()
    assert (x.tolist(), y.tolist()) == ([1, 2], [0.2, 0.3])
    assert page.view.figures["best"].text() == "2"
    assert page.view.figures["spent"].text() == "0:04"


def test_the_form_begins_with_weights_that_are_there(page: TrainPage, project: Path) -> None:
    weights = project / "runs" / "yolo-pose" / "first" / "weights" / "best.pt"
    weights.write_bytes(b"weights")
    model = {"v": 1, "family": "yolo-pose", "weights": "weights/best.pt"}
    (weights.parents[1] / "model.json").write_text(json.dumps(model), encoding="utf-8")
    form = page.form.form
    assert form is not None
    page.form._family_changed()
    form = page.form.form
    assert form is not None
    start = form.editors["pretrained"]
    box = start.input
    assert isinstance(box, QComboBox)
    offered = [str(box.itemData(row)) for row in range(box.count())]
    assert str(weights) in offered
    assert "yolo11n-pose.yaml" in offered
    assert offered.index(str(weights)) < offered.index("yolo11n-pose.yaml")
    assert "yolo11n-pose.pt" not in offered, "nothing is offered that is not there"
    assert start.text() == offered[0]
    assert page.form.start.isEnabled()


def test_a_file_that_is_not_there_is_told_while_typing(page: TrainPage, qtbot: QtBot) -> None:
    form = page.form.form
    assert form is not None
    box = form.editors["pretrained"].input
    assert isinstance(box, QComboBox)
    line = box.lineEdit()
    assert line is not None
    line.selectAll()
    qtbot.keyClicks(line, "nowhere/best.pt")
    assert form.editors["pretrained"].error.text() == "This is not there."
    assert not page.form.start.isEnabled()
    line.selectAll()
    qtbot.keyClicks(line, "yolo11n-pose.yaml")
    assert form.editors["pretrained"].error.text() == ""
    assert page.form.start.isEnabled()
