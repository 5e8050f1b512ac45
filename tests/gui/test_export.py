"""The Export page: four steps, targets with and without their tools, and the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio import registry
from studio.core.job import JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.pages.export import ExportPage
from studio.gui.pages.export.certificate import read_certificate
from studio.gui.pages.export.comparing import comparison
from studio.gui.pages.export.page import OPTIONS, RUN, WHAT, WHERE
from studio.gui.runner import Job
from tests.gui.runs import make_run

MANIFEST = """
name = "far_device"
title = "Far device"
requires = ["no_such_tool"]
install = "pip install no-such-tool"
[[contributes]]
kind = "target"
id = "far-device"
title = "Far device"
summary = "A device far away."
entry = "target:Far"
"""


@pytest.fixture
def far_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A target whose tools are not here."""
    folder = tmp_path / "plugins" / "far_device"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(tmp_path / "plugins"))
    registry.reload()
    yield
    monkeypatch.undo()
    registry.reload()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    make_run(folder, "first")
    return folder


@pytest.fixture
def page(far_device: None, window: MainWindow, project: Path, qtbot: QtBot) -> ExportPage:
    assert window.open_project(project)
    window.open_page("export")
    shown = window.current_page
    assert isinstance(shown, ExportPage)
    qtbot.waitUntil(lambda: shown.what.model() is not None, timeout=5000)
    return shown


def test_a_step_opens_when_the_one_before_is_chosen(page: ExportPage, tmp_path: Path) -> None:
    page.what.path.setText(str(tmp_path / "nothing.pt"))
    assert page.what.error.isVisible()
    assert not page.next.isEnabled()
    page.go(OPTIONS)
    assert page.room.currentIndex() == WHAT
    page.what.path.setText(str(tmp_path / "project" / "runs" / "yolo-pose" / "first"))
    assert page.next.isEnabled()
    page.where.choose("openvino")
    page.go(OPTIONS)
    assert page.room.currentIndex() == OPTIONS


def test_a_target_without_its_tools_says_what_it_needs(page: ExportPage, qtbot: QtBot) -> None:
    page.go(WHERE)
    cards = {card.target.id: card for card in page.where.cards}
    assert {"openvino", "far-device"} <= set(cards)
    assert not cards["far-device"].target.enabled
    assert "no_such_tool" in cards["far-device"].target.reason
    qtbot.mouseClick(cards["far-device"], Qt.MouseButton.LeftButton)
    assert page.where.target != "far-device"
    qtbot.mouseClick(cards["openvino"], Qt.MouseButton.LeftButton)
    assert page.where.target == "openvino"
    assert cards["openvino"].property("selected") is True


def test_cards_are_chosen_by_keyboard(page: ExportPage, qtbot: QtBot) -> None:
    page.go(WHERE)
    card = next(c for c in page.where.cards if c.target.id == "openvino")
    page.where.target = ""
    qtbot.keyClick(card, Qt.Key.Key_Space)
    assert page.where.target == "openvino"


def test_options_come_from_the_target_and_names_are_checked(
    page: ExportPage, project: Path
) -> None:
    page.where.choose("openvino")
    page.go(OPTIONS)
    assert page.how.form is not None
    assert "half" in page.how.form.editors
    assert page.how.name.text() == "first-openvino"
    (project / "exports" / "there").mkdir(parents=True)
    page.how.name.setText("there")
    assert "already" in page.how.name_error.text()
    assert not page.next.isEnabled()
    page.how.name.setText("mine")
    page.how.form.set_values({"half": True})
    spec = page.spec()
    assert spec.job == "export"
    assert spec.options["half"] is True
    assert spec.options["target"] == "openvino"
    assert Path(spec.options["weights"]) == project / "runs" / "yolo-pose" / "first"
    assert Path(spec.options["out"]) == project / "exports" / "mine"


def ended_export(page: ExportPage, folder: Path) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    model = {"input": {"size": [320, 256]}, "precision": "fp16"}
    if not (folder / "model.json").exists():
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    job = Job(JobSpec("export", {}, folder), folder, parent=page.studio.runner)
    command = {"title": "Predict", "command": "pose-studio predict --model X --source FILE"}
    job.result = {"model": str(folder), "certificate": None, "commands": [command]}
    page.run.job = job
    page.studio.runner._add(job)
    page.room.setCurrentIndex(RUN)
    job._set_state("running")
    job._set_state("ok")
    return job


def test_the_result_offers_what_comes_next(page: ExportPage, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "made"
    ended_export(page, folder)
    assert page.run.done.isVisible()
    assert page.run.heading.text() == "Exported"
    shown = page.run.certificate.certificate
    assert shown is not None
    assert ("Input", "256 × 320") in shown.figures
    assert page.run.certificate.verdict.text() == "No certificate"
    assert page.run.commands.count() == 1
    assert page.run.live.isVisible()
    opened: list[object] = []
    page.studio._open_page = lambda page_id, **payload: opened.append((page_id, payload))
    qtbot.mouseClick(page.run.live, Qt.MouseButton.LeftButton)
    assert opened == [("live", {"model": folder})]


def test_an_export_is_held_against_another(page: ExportPage, project: Path, tmp_path: Path) -> None:
    (project / "datasets" / "people").mkdir(parents=True)
    (project / "datasets" / "people" / "dataset.json").write_text("{}", encoding="utf-8")
    write_certificate(project / "exports" / "half")
    page.run.original = tmp_path / "original.pt"
    ended_export(page, project / "exports" / "whole")
    box = page.run.compare
    offered = [box.other.itemText(n) for n in range(box.other.count())]
    assert offered == ["The original", "half"]
    assert box.dataset.currentText() == "people"
    assert box.compare.isEnabled()
    started: list[JobSpec] = []
    page.studio.runner.guard = lambda spec: started.append(spec) or {}
    box.other.setCurrentIndex(1)
    box.start()
    assert started[0].options["a"] == str(project / "exports" / "half")
    assert started[0].options["b"] == str(project / "exports" / "whole")
    assert started[0].options["data"] == str(project / "datasets" / "people")


def test_what_no_engine_opens_is_not_offered_to_live(page: ExportPage, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    write_certificate(folder)
    model = {"input": {"size": [320, 256]}, "weights": "model.plan"}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    ended_export(page, folder)
    assert not page.run.live.isVisible()


def test_a_failed_export_shows_why(page: ExportPage, tmp_path: Path, qtbot: QtBot) -> None:
    page.what.set_model(tmp_path / "project" / "runs" / "yolo-pose" / "first")
    page.where.choose("openvino")
    page.go(OPTIONS)
    qtbot.waitUntil(page.next.isEnabled, timeout=5000)
    qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
    assert page.run.job is not None
    qtbot.waitUntil(lambda: not page.run.busy, timeout=30_000)
    assert page.run.job.state == "failed", "the run's model.json is not whole"
    assert page.banner.isVisible()
    assert page.run.heading.text() == "The export failed"
    assert page.back.isEnabled()


def write_certificate(folder: Path, **changed: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = {"input": {"size": [320, 256]}, "precision": "int8"}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    (folder / "certificate_files").mkdir(exist_ok=True)
    picture = QImage(64, 32, QImage.Format.Format_RGB32)
    picture.fill(0)
    assert picture.save(str(folder / "certificate_files" / "01.jpg"))
    values = {
        "v": 1,
        "bytes": 3_300_000,
        "weights_bytes": 6_600_000,
        "ap": {"weights": 0.8512, "artifact": 0.8449, "difference": -0.0063},
        "load_ms": 41.0,
        "latency_ms": {"median": 11.32, "device": "CPU", "precision": "int8"},
        "pictures": {"count": 8, "source": "drawn people"},
        "checks": [
            {"title": "Shift", "value": "0.3 px", "limit": "at most 0.5 px", "passed": True,
             "kind": "limit"},
            {"title": "SRAM", "value": "600 KiB", "limit": "512 KiB", "passed": False,
             "kind": "device"},
        ],
        "not_run": "",
        "worst": [
            {"file": "certificate_files/01.jpg", "shift": 1.234, "unit": "px"},
            {"file": "../../../outside.jpg", "shift": 9.0, "unit": "px"},
        ],
        "passed": False,
    }  # fmt: skip
    text = json.dumps({**values, **changed})
    (folder / "certificate.json").write_text(text, encoding="utf-8")
    (folder / "certificate.html").write_text("<html></html>", encoding="utf-8")


def test_a_certificate_as_a_page(page: ExportPage, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    write_certificate(folder)
    ended_export(page, folder)
    view = page.run.certificate
    assert view.verdict.text() == "Not passed"
    assert view.band.property("role") == "banner-error"
    assert view.headline.text() == "Beyond its limit: SRAM."
    texts = [w.text() for w in view.findChildren(QLabel) if w.isVisibleTo(view)]
    for text in (
        "3.3 MB",
        "50%",
        "0.851 → 0.845",
        "11.3 ms",
        "CPU int8",
        "0.3 px",
        "600 KiB",
        "at most 512 KiB",
    ):
        assert text in texts
    assert view.pictures.count() == 1, "nothing outside the folder is shown"
    assert view.pictures.item(0).caption == "1.23 px"
    assert page.run.open_page.isVisible()


def test_what_was_never_run_is_said(tmp_path: Path) -> None:
    write_certificate(tmp_path, passed=None, not_run="The device is not here.", checks=[])
    found = read_certificate(tmp_path)
    assert (found.verdict, found.not_run) == ("open", "The device is not here.")
    write_certificate(tmp_path, passed=None, checks=[])
    assert read_certificate(tmp_path).headline() == "Nobody was found in the test pictures."
    write_certificate(tmp_path, passed=True)
    assert "on 8 pictures" in read_certificate(tmp_path).headline()


def test_a_comparison_as_a_table() -> None:
    result = {
        "a": {"ap": {"AP": 0.5}, "ms_per_picture": 20.0, "size_mb": 6.0},
        "b": {"ap": {"AP": 0.49}, "ms_per_picture": 8.0, "size_mb": 6.0},
        "people": {"both": 12, "only_a": 1, "only_b": 0},
        "shift_px": {"count": 100, "mean": 0.1, "p95": 0.2, "max": 0.4},
    }
    columns, rows = comparison(result)
    assert [c.title for c in columns] == ["Metric", "Original", "Export", "Difference"]
    assert rows[0] == ("AP", 0.5, 0.49, pytest.approx(-0.01))
    assert rows[-1][-1] == 0.4
