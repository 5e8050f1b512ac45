"""Head-pose sets on the Datasets page: a look before the conversion, and the set afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui.i18n import tr, translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.pages.datasets.looking import look, see
from studio.io.headpose_set import load_heads
from tests.gui.people import make_pictures
from tests.plugins.test_head_pose_formats import landmarks_set, motion_set

WAIT = 30_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    make_pictures(folder, 1)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path) -> DatasetsPage:
    assert window.open_project(project)
    window.open_page("datasets")
    shown = window.current_page
    assert isinstance(shown, DatasetsPage)
    shown.show_heads()
    return shown


def test_some_heads_are_shown_with_their_crop_and_cube(
    page: DatasetsPage, tmp_path: Path, qtbot: QtBot
) -> None:
    form = page.heads
    form.set_source(landmarks_set(tmp_path / "300W_LP"))
    qtbot.waitUntil(lambda: form.seen is not None, timeout=WAIT)
    assert form.what.text().startswith("300W-LP")
    assert form.number.maximum() == 1
    assert form.seen is not None
    assert form.seen.found
    # The crop's edge, and the sides of a cube that are turned to the viewer.
    assert 2 <= len(form.seen.outlines) <= 4
    assert "yaw 20°, pitch 5°, roll -3°" in form.facts.text()
    form.number.setValue(1)
    qtbot.waitUntil(lambda: "three.jpg" in form.facts.text(), timeout=WAIT)
    assert form.convert.isEnabled()


def test_another_margin_is_seen_at_once(page: DatasetsPage, tmp_path: Path, qtbot: QtBot) -> None:
    form = page.heads
    form.set_source(motion_set(tmp_path / "set"))
    qtbot.waitUntil(lambda: form.seen is not None, timeout=WAIT)
    assert form.seen is not None
    narrow = form.seen.outlines[0]
    form.form.editors["crop_margin"].set_value(2.0)
    form.form.changed.emit()
    qtbot.waitUntil(
        lambda: form.seen is not None and form.seen.outlines[0][0][0] < narrow[0][0] - 1,
        timeout=WAIT,
    )


def test_the_set_is_made_and_can_be_looked_through(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form = page.heads
    form.set_source(motion_set(tmp_path / "set"))
    qtbot.waitUntil(form.convert.isEnabled, timeout=WAIT)
    form.name.setText("turned")
    with qtbot.waitSignal(form.made, timeout=WAIT):
        qtbot.mouseClick(form.convert, Qt.MouseButton.LeftButton)
    assert len(load_heads(project / "datasets" / "turned").samples) == 4
    assert "heads for training" in page.banner.message.text()
    view = page.view
    qtbot.waitUntil(lambda: view.dataset is not None, timeout=WAIT)
    assert view.dataset is not None
    assert view.dataset.kind == "headpose"
    assert len(view.dataset.samples) == 4
    assert view.figures["people"].text() == "4"
    view.again_asked.emit(view.item)
    assert page.room.currentWidget() is form
    assert form.name.text() == "turned"


def test_a_folder_that_is_nothing_is_said(page: DatasetsPage, tmp_path: Path, qtbot: QtBot) -> None:
    form = page.heads
    (tmp_path / "empty").mkdir()
    form.set_source(tmp_path / "empty")
    qtbot.waitUntil(
        lambda: "annotated" in form.what.text() or "No" in form.what.text(), timeout=WAIT
    )
    why = form.what.text()
    translator.set_language("ja")
    assert form.what.text() not in (why, tr("Nothing is chosen yet."))
    translator.set_language("en")
    assert form.what.text() == why
    assert not form.convert.isEnabled()
    form.set_source(tmp_path / "gone")
    assert form.what.text() == "This is not there."


def test_a_head_that_is_not_found_is_said(tmp_path: Path) -> None:
    from studio.core.requests.convert_heads import ConvertHeadsOptions

    source = motion_set(tmp_path / "set")
    for path in (source / "keypoint").rglob("*.csv"):
        path.unlink()
    options = ConvertHeadsOptions.from_mapping(
        {"input": [str(source)], "output": str(tmp_path), "face_detect_method": "keypoint"}
    )
    seen = see(look(source, options, None), 0)
    assert not seen.found
    assert seen.outlines
