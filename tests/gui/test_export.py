"""The Export page: four steps, targets with and without their tools, and the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio import registry
from studio.core.job import JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.pages.export import ExportPage
from studio.gui.pages.export.page import OPTIONS, RUN, WHAT, WHERE
from studio.gui.pages.export.result import certificate_facts, comparison
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
    page.go(OPTIONS)
    assert page.room.currentIndex() == OPTIONS, "openvino is the only target whose tools are here"


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
    assert page.form is not None
    assert "half" in page.form.editors
    assert page.name.text() == "first-openvino"
    (project / "exports" / "there").mkdir(parents=True)
    page.name.setText("there")
    assert "already" in page.name_error.text()
    assert not page.next.isEnabled()
    page.name.setText("mine")
    page.form.set_values({"half": True})
    spec = page.spec()
    assert spec.job == "export"
    assert spec.options["half"] is True
    assert spec.options["target"] == "openvino"
    assert Path(spec.options["weights"]) == project / "runs" / "yolo-pose" / "first"
    assert Path(spec.options["out"]) == project / "exports" / "mine"


def ended_export(page: ExportPage, folder: Path) -> Job:
    folder.mkdir(parents=True)
    model = {"input": {"size": [320, 256]}, "precision": "fp16"}
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
    assert ("Input", "256 × 320 px") in page.run.facts.table.rows
    assert page.run.commands.count() == 1
    opened: list[object] = []
    page.studio._open_page = lambda page_id, **payload: opened.append((page_id, payload))
    qtbot.mouseClick(page.run.live, Qt.MouseButton.LeftButton)
    assert opened == [("live", {"model": folder})]


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


def test_a_certificate_in_words() -> None:
    said = {
        "bytes": 6_300_000,
        "parity": {"shift_px": {"mean": 0.0176, "p95": 0.05, "max": 0.105}},
        "ap": {"weights": 0.2958, "artifact": 0.2957, "difference": -0.0001},
        "latency_ms": {"median": 11.32, "device": "CPU", "precision": "bf16"},
        "passed": True,
    }
    assert certificate_facts(said) == [
        ("Size", "6.3 MB"),
        ("Shift of joints against the original", "0.018 px on average, 0.105 px at most"),
        ("AP of the original → of the export", "0.2958 → 0.2957"),
        ("Time a picture", "11.3 ms (CPU bf16)"),
        ("Certificate", "Passed"),
    ]
    nobody = {"bytes": 0, "parity": {"shift_px": {"mean": None}}, "ap": None, "passed": None}
    assert certificate_facts(nobody) == []


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
