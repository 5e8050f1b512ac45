"""The Train page for every family: its form, its figures, the batch before the start, runs compared."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from studio.core.job import JobSpec
from studio.gui.i18n import translator
from studio.gui.load import gpu_load
from studio.gui.main_window import MainWindow
from studio.gui.pages.train import TrainPage
from studio.gui.pages.train.run_view import COMPARE
from studio.jobs.control import RemoteControl
from studio.jobs.host import run_job
from studio.registry import contributions
from tests.gui.test_pages_fit import too_narrow
from tests.training_runs import make_dataset, needs_yolo

WAIT = 60_000


def write_run(
    project: Path, family: str, name: str, judged: list[dict[str, float]], **options: Any
) -> Path:
    """A finished run whose epochs were judged so."""
    folder = project / "runs" / family / name
    (folder / "weights").mkdir(parents=True)
    now = 1_700_000_000.0
    lines: list[dict[str, Any]] = [{"v": 1, "event": "started", "t": now, "job": "train"}]
    for epoch, values in enumerate(judged, 1):
        for batch in range(5):
            step = (epoch - 1) * 5 + batch + 1
            values_of_batch = {"loss": 2 * math.exp(-step / 9), "lr": 1e-3}
            lines.append({"v": 1, "event": "metrics", "t": now + step, "epoch": epoch, "step": step,
                          "split": "train", "values": values_of_batch})  # fmt: skip
        lines.append({"v": 1, "event": "metrics", "t": now + step, "epoch": epoch, "step": step,
                      "split": "val", "values": values})  # fmt: skip
    lines.append({"v": 1, "event": "finished", "t": now + 99, "status": "ok", "result": {}})
    (folder / "events.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    text = "".join(f"{k} = {json.dumps(v)}\n" for k, v in options.items())
    (folder / "config.toml").write_text(f'family = "{family}"\n[options]\n{text}')
    (folder / "spec.json").write_text(json.dumps({"v": 1, "job": "train", "options": options}))
    metrics = judged[-1]
    model = {"v": 1, "family": family, "metrics": metrics}
    (folder / "model.json").write_text(json.dumps(model))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    heads = [{"geodesic": 20.0, "MAE": 12.0, "loss": 0.4}, {"geodesic": 8.0, "MAE": 5.0, "loss": 0.2},
             {"geodesic": 9.5, "MAE": 5.5, "loss": 0.1}]  # fmt: skip
    write_run(folder, "sixdrepnet", "heads", heads, lr=1e-4, epochs=3, backbone="resnet18")
    slower = [{"geodesic": 25.0, "MAE": 15.0}, {"geodesic": 14.0, "MAE": 9.0}]
    write_run(folder, "sixdrepnet", "slower", slower, lr=1e-5, epochs=2, backbone="resnet18")
    clips = [{"HOTA-KP": 0.2, "DetA": 0.3, "joint-error": 30.0}, {"HOTA-KP": 0.6, "DetA": 0.7, "joint-error": 9.0}]  # fmt: skip
    write_run(folder, "kpnet", "clips", clips)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> TrainPage:
    assert window.open_project(project)
    window.open_page("train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    qtbot.waitUntil(lambda: shown.runs.count() == 3, timeout=WAIT)
    return shown


def show(page: TrainPage, folder: Path, qtbot: QtBot) -> None:
    page.runs.choose(folder)
    qtbot.waitUntil(lambda: page.view.folder == folder, timeout=WAIT)


def test_a_run_of_heads(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    show(page, project / "runs/sixdrepnet/heads", qtbot)
    view = page.view
    assert view.figures["best"].text() == "2", "fewer degrees are better"
    assert view.figures["result"].text() == "8.00°"
    names = [c.name for c in view.plots.plots["metrics_epoch"].curves()]
    assert names == ["Geodesic error", "MAE"]
    items = {i.text(0): i for i in page.runs._items()}
    assert items["heads"].text(1) == "9.50°"
    assert items["heads"].toolTip(1).startswith("Geodesic error")


def test_plots_speak_the_language_chosen_later(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    show(page, project / "runs/sixdrepnet/heads", qtbot)
    translator.set_language("zh_CN")
    plots = page.view.plots
    assert plots.plots["metrics_epoch"].curves()[0].name == "测地误差"
    assert plots.plots["loss_batch"].curves()[-1].name == "损失"
    assert "测地误差" in [a.text() for a in plots._menus["metrics_epoch"].actions()]


def test_a_run_of_clips(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    show(page, project / "runs/kpnet/clips", qtbot)
    assert page.view.figures["result"].text() == "0.600"
    names = [c.name for c in page.view.plots.plots["metrics_epoch"].curves()]
    assert names == ["HOTA-KP"], "pixels are not drawn on the scale of shares"
    menu = page.view.plots._menus["metrics_epoch"]
    action = next(a for a in menu.actions() if a.text() == "Joint error")
    action.trigger()
    names = [c.name for c in page.view.plots.plots["metrics_epoch"].curves()]
    assert "Joint error" in names


def test_runs_side_by_side(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    show(page, project / "runs/sixdrepnet/heads", qtbot)
    view = page.view
    assert not view.tabs.isTabVisible(COMPARE)
    slower = next(i for i in page.runs._items() if i.text(0) == "slower")
    slower.setCheckState(0, Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: view.tabs.isTabVisible(COMPARE), timeout=WAIT)
    table = view.compare.table
    qtbot.waitUntil(lambda: "--lr" in table.as_text(), timeout=WAIT)
    rows = {r[0]: r[1:] for r in table.table.rows}
    assert [c.title for c in table.table.columns] == ["Run", "heads", "slower"]
    assert rows["Best epoch"] == ("2", "2")
    assert rows["Geodesic error"] == ("8.00°", "14.00°")
    assert rows["Learning rate (--lr)"] == ("0.0001", "1e-05")
    assert not any("--backbone" in r for r in rows), "what is the same needs no line"
    slower.setCheckState(0, Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: not view.tabs.isTabVisible(COMPARE), timeout=WAIT)


def test_pictures_of_a_run_follow_it_until_one_is_chosen(page: TrainPage, tmp_path: Path) -> None:
    pictures = page.view.pictures
    names = ("batch", "val_0001", "val_0010")
    paths = [tmp_path / f"{name}.png" for name in names]
    for path in paths:
        QImage(8, 8, QImage.Format.Format_RGB32).save(str(path))
    pictures.show_pictures(paths[:2])
    assert pictures.shown == paths[1]
    captions = [pictures.grid.item(n).caption for n in range(pictures.count())]
    assert captions == ["First batch", "Epoch 1"]
    pictures.show_pictures(paths)
    assert pictures.shown == paths[2], "the newest is followed"
    pictures.grid.choose(0)
    more = tmp_path / "val_0011.png"
    QImage(8, 8, QImage.Format.Format_RGB32).save(str(more))
    pictures.show_pictures([*paths, more])
    assert pictures.shown == paths[0], "what somebody looks at stays"
    pictures.show_pictures([])
    assert pictures.shown is None


def test_more_epochs_are_asked_for_as_each_family_counts_them(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    asked: list[tuple[str, int]] = []
    page.view.continue_asked.disconnect()
    page.view.continue_asked.connect(lambda folder, epochs: asked.append((folder.name, epochs)))
    show(page, project / "runs/sixdrepnet/heads", qtbot)
    page.view.go_on_for(5)
    show(page, project / "runs/kpnet/clips", qtbot)
    page.view.go_on_for(5)
    assert asked == [("heads", 3 + 5), ("clips", 5)]


def test_runs_of_one_name_are_told_apart(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    write_run(project, "kpnet", "heads", [{"HOTA-KP": 0.1}])
    page.refresh_runs()
    qtbot.waitUntil(lambda: page.runs.count() == 4, timeout=WAIT)
    names = {i.text(0) for i in page.runs._items()}
    assert names == {"sixdrepnet/heads", "kpnet/heads", "slower", "clips"}


def test_every_family_has_a_form_that_begins_with_its_data(page: TrainPage) -> None:
    families = [c.id for c in contributions("family") if c.enabled]
    for family in families:
        page.form.family.setCurrentIndex(page.form.family.findData(family))
        form = page.form.form
        assert form is not None
        basic = [e.field.name for e in form.editors.values() if not e.field.advanced]
        assert basic[0] == "data", family
        groups = list(dict.fromkeys(e.field.group for e in form.editors.values()))
        assert len(groups) == len({e.field.group for e in form.editors.values()})
        assert page.form.summary.text(), family


@pytest.mark.parametrize("language", ["en", "ja", "zh_CN"])
def test_every_form_fits(window: MainWindow, page: TrainPage, qtbot: QtBot, language: str) -> None:
    window.resize(1280, 720)
    translator.set_language(language)
    for family in [c.id for c in contributions("family") if c.enabled]:
        page.form.family.setCurrentIndex(page.form.family.findData(family))
        form = page.form.form
        assert form is not None
        form.advanced_button.setChecked(True)
        qtbot.wait(200)
        assert too_narrow(page.form) == [], family


def test_each_family_is_offered_the_dataset_that_it_can_be_trained_on(
    page: TrainPage, project: Path
) -> None:
    marks = {"heads": "poses.csv", "clips": "video-keypoints", "people": "pose.yaml"}
    for name, mark in marks.items():
        folder = project / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "dataset.json").write_text("{}")
        (folder / mark).write_text("")
    wanted = {"sixdrepnet": "heads", "kpnet": "clips", "fastpose": "people", "yolo-pose": "people"}
    for family in [c.id for c in contributions("family") if c.enabled and c.id in wanted]:
        page.form.family.setCurrentIndex(page.form.family.findData(family))
        form = page.form.form
        assert form is not None
        assert Path(form.editors["data"].text()).name == wanted[family]


def test_a_word_in_place_of_weights_is_no_missing_file(page: TrainPage) -> None:
    families = [c.id for c in contributions("family") if c.enabled]
    if "sixdrepnet" not in families:
        pytest.skip("sixdrepnet cannot be used here")
    page.form.family.setCurrentIndex(page.form.family.findData("sixdrepnet"))
    form = page.form.form
    assert form is not None
    start = form.editors["pretrained"]
    assert start.text() == "auto"
    assert not start.is_changed(), "a run's weights do not take the place of what is declared"
    assert not start.error.text()


def test_the_family_chosen_last_comes_back(window: MainWindow, page: TrainPage) -> None:
    families = [c.id for c in contributions("family") if c.enabled]
    if "sixdrepnet" not in families:
        pytest.skip("sixdrepnet cannot be used here")
    page.form.family.setCurrentIndex(page.form.family.findData("sixdrepnet"))
    page.form.family.activated.emit(page.form.family.currentIndex())
    page.form._fill_families()
    assert page.form.family_id == "sixdrepnet"


@needs_yolo
def test_the_first_batch_is_drawn_before_anything_is_trained(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    data = make_dataset(project / "datasets" / "dots")
    page.form.family.setCurrentIndex(page.form.family.findData("yolo-pose"))
    form = page.form.form
    assert form is not None
    form.set_values({"data": str(data), "pretrained": "yolo11n-pose.yaml", "imgsz": 64})
    page.form._state()
    qtbot.mouseClick(page.form.preview, Qt.MouseButton.LeftButton)
    assert page.room.currentWidget() is page.preview
    assert not page.form.preview.isEnabled(), "one at a time"
    qtbot.waitUntil(lambda: page.preview.job is None, timeout=WAIT)
    assert not page.banner.isVisible(), page.banner.text() if hasattr(page.banner, "text") else ""
    qtbot.waitUntil(lambda: not page.preview.picture._pixmap.isNull(), timeout=WAIT)
    picture = project / ".studio" / "preview" / "yolo-pose" / "report" / "batch.jpg"
    assert picture.is_file()
    assert len(list((project / "runs").rglob("events.jsonl"))) == 3, "no run was begun"
    page.preview.close_button.click()
    assert page.room.currentWidget() is page.view
    assert page.form.preview.isEnabled()


def test_a_preview_that_cannot_be_drawn_says_why(
    page: TrainPage, project: Path, qtbot: QtBot
) -> None:
    empty = project / "datasets" / "empty"
    empty.mkdir(parents=True)
    page.form.family.setCurrentIndex(page.form.family.findData("yolo-pose"))
    form = page.form.form
    assert form is not None
    form.set_values({"data": str(empty), "pretrained": "yolo11n-pose.yaml"})
    page.form._state()
    page.form.preview.click()
    qtbot.waitUntil(lambda: page.preview.job is None, timeout=WAIT)
    assert page.banner.isVisibleTo(page)
    assert page.room.currentWidget() is not page.preview


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a shebang")
def test_the_load_of_a_graphics_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_load() is None
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        f"#!{sys.executable}\nprint('3, 500, 24576\\n87, 12000, 24576\\n[N/A], 1, 2')\n"
    )
    tool.chmod(0o755)
    load = gpu_load()
    assert load is not None
    assert (load.busy, load.memory, load.total) == (0.87, 12000 * 2**20, 24576 * 2**20)
    tool.write_text(f"#!{sys.executable}\nraise SystemExit(9)\n")
    assert gpu_load() is None


def test_a_training_on_the_studios_own_loop_from_the_window(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """Two runs are started one after the other: the second waits, both are drawn to their end."""
    for needed in ("torch", "timm"):
        pytest.importorskip(needed)
    folder = tmp_path / "heads"
    made = run_job(
        JobSpec("sample", {"out": str(folder), "pictures": 1, "clips": 0, "heads": 24,
                           "head_size": 48, "photos": False}),
        lambda _: None,
        RemoteControl(),
    )  # fmt: skip
    assert made.status == "ok", made.error
    assert window.open_project(folder)
    window.open_page("train")
    page = window.current_page
    assert isinstance(page, TrainPage)
    page.form.family.setCurrentIndex(page.form.family.findData("sixdrepnet"))
    form = page.form.form
    assert form is not None
    assert Path(form.editors["data"].text()).name == "heads", "the heads are the first guess"
    values = {"backbone": "test_resnet", "imgsz": 32, "epochs": 2, "batch": 8, "device": "cpu"}
    form.set_values(values)
    for name in ("one", "two"):
        page.form.name.setText(name)
        page.tabs.setCurrentIndex(0)
        page.form.start.click()
    jobs = {j.run_dir.name: j for j in page.studio.runner.jobs if j.spec.job == "train"}
    assert list(jobs) == ["one", "two"]
    assert jobs["two"].state == "queued"
    assert page.view.folder is not None
    assert page.view.folder.name == "two"
    assert page.view.status.text() == "In the queue"
    qtbot.waitUntil(lambda: all(j.ended for j in jobs.values()), timeout=10 * WAIT)
    assert [j.state for j in jobs.values()] == ["ok", "ok"], jobs["two"].log_tail()
    qtbot.waitUntil(lambda: page.view.state == "ok", timeout=WAIT)
    view = page.view
    assert view.figures["result"].text().endswith("°")
    plot = view.plots.plots["metrics_epoch"]
    qtbot.waitUntil(lambda: len(plot.curves()) >= 2, timeout=WAIT)
    assert [c.name for c in plot.curves()][:2] == ["Geodesic error", "MAE"]
    losses = view.plots.plots["loss_batch"]
    qtbot.waitUntil(lambda: len(losses.curves()[0].x) == 2 * 3, timeout=WAIT)
    assert view.pictures.count() >= 2, "the first batch and what was found"
    qtbot.waitUntil(lambda: page.runs.count() == 2, timeout=WAIT)
    assert view.evaluate.isVisibleTo(view)
