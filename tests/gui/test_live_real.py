"""The Live page with the real job and the model that comes along: watched, kept, sent on."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from studio import RESOURCES
from studio.gui.main_window import MainWindow
from studio.gui.pages.live import LivePage
from studio.io.video import VideoReader
from tests.gui.people import make_pictures

SAMPLE = RESOURCES / "sample" / "weights"


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> LivePage:
    folder = tmp_path / "project"
    make_pictures(folder / "pictures", 2)
    assert window.open_project(folder)
    window.open_page("live")
    made = window.pages["live"]
    assert isinstance(made, LivePage)
    made.side.source_picker.set_source("synthetic:")
    made.side.model_picker.set_model(SAMPLE)
    return made


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def begin(qtbot: QtBot, page: LivePage) -> None:
    page.start()
    over = lambda: page.view.painted > 2 or not page.session.running  # noqa: E731
    qtbot.waitUntil(over, timeout=300_000)
    assert page.view.painted > 2, page.banner.message.text()


def end(qtbot: QtBot, page: LivePage) -> None:
    page.stop()
    qtbot.waitUntil(lambda: not page.session.running, timeout=120_000)
    assert page.session.job is not None
    assert page.session.job.state == "ok"


def test_people_are_tracked_recorded_and_sent_on(
    qtbot: QtBot, page: LivePage, window: MainWindow
) -> None:
    port = free_port()
    page.side.keeping.address.setText(f"tcp://127.0.0.1:{port}")
    page.side.keeping.serve.setChecked(True)
    page.side.keeping.record_as.setCurrentIndex(page.side.keeping.record_as.findData("both"))
    page.side.drawing_panel.conf.set_value(0.1)
    begin(qtbot, page)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        lines = line.makefile("r", encoding="utf-8")
        head, told = json.loads(lines.readline()), json.loads(lines.readline())
    assert "skeleton" in head
    assert {"index", "predictions"} <= set(told)

    def tracked() -> bool:
        frame = page.view.frame
        return frame is not None and any(p.track_id is not None for p in frame.people)

    qtbot.waitUntil(tracked, timeout=120_000)
    assert page.view.frame is not None
    assert page.view.frame.taken > 0
    assert "Track" in dict(page.view.figures.stages())
    page.record_button.setChecked(True)
    qtbot.waitUntil(lambda: page.view.frame is not None and page.view.frame.recording)
    before = page.view.painted
    page.snapshot()
    qtbot.waitUntil(lambda: page.view.painted > before + 8, timeout=120_000)
    end(qtbot, page)
    project = window.studio.project
    assert project is not None
    folder = Path(project.folder) / "runs" / "live"
    videos, snapshots = sorted(folder.rglob("*.mp4")), sorted(folder.rglob("snapshot*.png"))
    assert len(videos) == 2, "drawn and raw"
    for video in videos:
        with VideoReader(video) as reader:
            assert sum(1 for _ in reader) > 3
    assert len(snapshots) == 1
    assert not QImage(str(snapshots[0])).isNull()


def test_a_head_model_of_another_kind_is_a_banner(qtbot: QtBot, page: LivePage) -> None:
    page.side.head_picker.set_model(SAMPLE)
    page.start()
    qtbot.waitUntil(lambda: not page.session.running, timeout=300_000)
    assert page.banner.isVisible()
    assert page.banner.property("role") == "banner-error"
    assert "head" in page.banner.message.text()
    assert page.banner.hint.text(), "it says what to do"
    assert page.empty.isVisible()


def test_devices_are_asked_of_a_job(qtbot: QtBot, page: LivePage) -> None:
    picker = page.side.device_picker
    page.asking.ask_devices()
    assert not picker.ask.isEnabled()
    qtbot.waitUntil(picker.ask.isEnabled, timeout=300_000)
    assert not page.banner.isVisible()
    assert [picker.combo.itemData(i) for i in range(picker.combo.count())][:2] == ["auto", "cpu"]
    assert picker.device() == "auto"
