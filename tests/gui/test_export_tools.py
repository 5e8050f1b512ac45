"""Cards whose tools are missing: installed by a button, from real wheels, usable at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from studio import registry
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.export import ExportPage
from studio.gui.pages.export.cards import TargetCard
from studio.gui.pages.export.page import OPTIONS, WHERE
from studio.io.toolchains import FOLDER, READY, find_worker
from tests.gui.runs import make_run
from tests.tooled_plugin import TOOLS, make_plugin

LACKING = """
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


def describe(run: Path, task: str) -> None:
    """A whole model.json, as a training writes it."""
    from studio.io.skeletons import load_skeleton

    values = {
        "v": 1, "family": "toy", "task": task, "weights": "best.pt",
        "input": {"size": [64, 64]}, "categories": ["person"],
        "skeleton": load_skeleton("coco17").to_mapping(), "output": "decoded",
    }  # fmt: skip
    (run / "weights").mkdir(parents=True, exist_ok=True)
    (run / "weights" / "best.pt").write_bytes(b"weights")
    (run / "weights" / "model.json").write_text(json.dumps(values), encoding="utf-8")
    (run / "model.json").unlink(missing_ok=True)


@pytest.fixture
def page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: MainWindow, qtbot: QtBot
) -> Iterator[ExportPage]:
    plugins = make_plugin(tmp_path)
    (plugins / "far_device").mkdir()
    (plugins / "far_device" / "plugin.toml").write_text(LACKING, encoding="utf-8")
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(plugins))
    monkeypatch.setenv(FOLDER, str(tmp_path / "workers"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    registry.reload()
    project = tmp_path / "project"
    describe(make_run(project, "people"), "pose")
    describe(make_run(project, "heads"), "head-pose")
    assert window.open_project(project)
    window.open_page("export")
    shown = window.current_page
    assert isinstance(shown, ExportPage)
    shown.where.refresh()
    qtbot.waitUntil(lambda: shown.what.model() is not None)
    shown.what.set_model(project / "runs" / "yolo-pose" / "people")
    shown.go(WHERE)
    yield shown
    monkeypatch.undo()
    registry.reload()


def card_of(page: ExportPage, target: str) -> TargetCard:
    return next(c for c in page.where.cards if c.target.id == target)


def test_tools_are_installed_by_the_button_and_the_card_is_usable(
    page: ExportPage, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_of(page, "kiln")
    assert not card.usable
    assert "Kiln tools: 3 MB on the disk, MIT." in card.state.text()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert page.where.target != "kiln"
    chosen = str(tmp_path / "wheels")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen)
    qtbot.mouseClick(card.wheels, Qt.MouseButton.LeftButton)
    assert card.cancel.isVisible()
    assert not card.install.isVisible()
    qtbot.waitUntil(lambda: card.usable)
    assert find_worker(TOOLS).state() == READY
    assert card.state.text() == "Its tools are here."
    assert not card.cancel.isVisible()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert page.where.target == "kiln"
    assert page.next.isEnabled()


def test_an_installation_that_fails_says_so_and_the_button_comes_back(
    page: ExportPage, tmp_path: Path, qtbot: QtBot
) -> None:
    card = card_of(page, "kiln")
    (tmp_path / "wheels" / "glazier-1.0-py3-none-any.whl").unlink()
    page.where.install(card, tmp_path / "wheels")
    qtbot.waitUntil(lambda: not page.where.jobs)
    assert page.banner.isVisible()
    assert "glazier" in page.banner.message.text()
    assert card.install.isVisible()
    assert not card.usable


def test_an_installation_is_cancelled(page: ExportPage, tmp_path: Path, qtbot: QtBot) -> None:
    card = card_of(page, "kiln")
    page.where.install(card, tmp_path / "wheels")
    qtbot.mouseClick(card.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.where.jobs)
    assert not page.banner.isVisible()
    assert card.install.isVisible() or card.usable, "it may have been done already"


def test_missing_packages_show_their_command(page: ExportPage, qtbot: QtBot) -> None:
    card = card_of(page, "far-device")
    assert "no_such_tool" in card.state.text()
    assert not card.install.isVisible()
    qtbot.mouseClick(card.copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "pip install no-such-tool"


def test_a_target_that_the_model_cannot_go_to_says_why(
    page: ExportPage, tmp_path: Path, qtbot: QtBot
) -> None:
    page.what.set_model(tmp_path / "project" / "runs" / "yolo-pose" / "heads")
    page.go(WHERE)
    qtbot.waitUntil(lambda: card_of(page, "kiln").state.text() == "Clay has no heads.")
    card = card_of(page, "kiln")
    assert not card.install.isVisible(), "nothing is installed for a model that cannot go there"
    page.what.set_model(tmp_path / "project" / "runs" / "yolo-pose" / "people")
    page.go(WHERE)
    qtbot.waitUntil(lambda: not card_of(page, "kiln").misfit)
    assert card_of(page, "kiln").install.isVisible()


def test_switches_that_exclude_each_other_are_disabled_with_the_reason(
    page: ExportPage, tmp_path: Path, qtbot: QtBot
) -> None:
    page.where.install(card_of(page, "kiln"), tmp_path / "wheels")
    qtbot.waitUntil(lambda: card_of(page, "kiln").usable)
    page.where.choose("kiln")
    page.go(OPTIONS)
    form = page.how.form
    assert form is not None
    half, int8 = form.editors["half"], form.editors["int8"]
    qtbot.mouseClick(int8.input, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not half.input.isEnabled())
    assert half.note.text() == "Either half or int8."
    translator.set_language("ja")
    qtbot.waitUntil(lambda: not page.how._fits.busy)
    assert half.note.text() == "Either half or int8.", "nobody translated it, and it stays"
    translator.set_language("en")
    assert int8.input.isEnabled()
    qtbot.mouseClick(int8.input, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(half.input.isEnabled)
    assert not half.note.isVisible()


def test_presets_fill_the_form_and_leave_places_alone(
    page: ExportPage, tmp_path: Path, qtbot: QtBot
) -> None:
    page.where.install(card_of(page, "kiln"), tmp_path / "wheels")
    qtbot.waitUntil(lambda: card_of(page, "kiln").usable)
    page.where.choose("kiln")
    page.go(OPTIONS)
    assert page.how.form is not None
    page.how.form.set_values({"int8": True})
    page.how.presets.save("baked")
    page.how.form.reset()
    page.how.presets.combo.setCurrentIndex(page.how.presets.combo.findData("baked"))
    page.how.presets.load()
    assert page.how.values()["int8"] is True
    kept = page.studio.settings.folder / "presets" / "export" / "kiln" / "baked.toml"
    assert kept.read_text("utf-8") == "int8 = true\n"


def test_arrows_go_from_card_to_card(page: ExportPage, qtbot: QtBot) -> None:
    first, second = page.where.cards[0], page.where.cards[1]
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Left)
    assert first.hasFocus()
    qtbot.keyClick(first, Qt.Key.Key_Down)
    assert not first.hasFocus()


def test_cards_speak_the_language(page: ExportPage) -> None:
    card = card_of(page, "kiln")
    translator.set_language("ja")
    assert "専用のツール" in card.state.text()
