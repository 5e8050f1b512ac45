"""The Live page's choices, banners and keys: on the real window, with a job led step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.core.options import Options
from studio.core.requests.live import CHANGEABLE, LiveOptions
from studio.gui.context import StudioContext
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.live import LivePage
from studio.gui.pages.live.side import LiveSide
from studio.gui.pages.live.source import STREAM, SourcePicker, holds_password, kind_of
from studio.io.cameras import Camera, Mode
from studio.runtime.sources import source_kind
from tests.gui.live_jobs import Play, play

CAMERAS = (
    Camera(0, "Lid", "/dev/video0", (Mode(1280, 720, (30.0, 15.0)), Mode(640, 480, (30.0,)))),
    Camera(2, "Desk", "/dev/video2"),
    Camera(4, "Twin", "/dev/video4"),
    Camera(6, "Twin", "/dev/video6"),
)
Step = tuple[str, Any]
UNPLUGGED: Step = (
    "status", {"state": "waiting", "message": "camera 0 went away; it is waited for."},
)  # fmt: skip


@pytest.fixture
def page(window: MainWindow) -> LivePage:
    window.open_page("live")
    made = window.pages["live"]
    assert isinstance(made, LivePage)
    return made


@pytest.fixture
def picker(qtbot: QtBot) -> SourcePicker:
    made = SourcePicker()
    qtbot.addWidget(made)
    made.set_source("0")
    made._background.drop()
    made.show_cameras(CAMERAS)
    return made


def start(page: LivePage, folder: Path) -> None:
    page.receive(source="synthetic:", model=folder)
    assert page.session.running


def led(
    qtbot: QtBot, page: LivePage, monkeypatch: pytest.MonkeyPatch, folder: Path, *steps: Step
) -> Play:
    """A session that has shown frames and stands before "go"."""
    made = play(monkeypatch, folder, [("frames", 3), ("until", "go"), *steps, ("hear", None)])
    start(page, folder)
    qtbot.waitUntil(lambda: page.view.painted > 0)
    return made


def end(qtbot: QtBot, page: LivePage) -> None:
    page.stop()
    qtbot.waitUntil(lambda: not page.session.running)


def test_cameras_stand_by_name_with_what_they_can_do(picker: SourcePicker) -> None:
    titles = [picker.camera.itemText(i) for i in range(picker.camera.count())]
    assert titles == ["0: Lid", "2: Desk", "4: Twin", "6: Twin"]
    assert picker.source() == "camera:Lid"
    sizes = picker.modes.size_box
    assert [sizes.itemText(i) for i in range(sizes.count())] == [
        "Automatic", "640 × 480", "1280 × 720",
    ]  # fmt: skip
    assert picker.wish() == {}
    sizes.setCurrentIndex(2)
    rates = picker.modes.rate_box
    assert [rates.itemText(i) for i in range(rates.count())] == ["Automatic", "15 fps", "30 fps"]
    rates.setCurrentIndex(2)
    assert picker.wish() == {"width": 1280, "height": 720, "fps": 30.0}


def test_two_cameras_of_one_name_are_told_apart_by_number(picker: SourcePicker) -> None:
    picker.camera.setCurrentIndex(3)
    assert picker.source() == "6"


def test_a_camera_that_is_not_there_stays_written(picker: SourcePicker) -> None:
    picker.set_source("camera:Gone")
    picker.show_cameras(CAMERAS)
    assert picker.source() == "camera:Gone"
    picker.set_source("camera:Desk")
    picker.show_cameras(CAMERAS[:2])
    assert picker.source() == "camera:Desk"


def test_recent_sources_are_offered_without_passwords(
    page: LivePage, studio: StudioContext
) -> None:
    picker = page.side.source_picker
    for source in ("/tmp/a.mp4", "rtsp://me:secret@host/b", "rtsp://host/c", "/tmp/a.mp4"):
        picker.set_source(source)
        page.side.remember()
    assert picker.recent() == ["/tmp/a.mp4", "rtsp://host/c"]
    assert "secret" not in (studio.settings.folder / "window.ini").read_text(encoding="utf-8")
    picker.recent_menu.aboutToShow.emit()
    picker.recent_menu.actions()[1].trigger()
    assert picker.source() == "rtsp://host/c"
    again = LiveSide(studio.settings)
    assert again.source_picker.recent() == ["/tmp/a.mp4", "rtsp://host/c"]
    again.deleteLater()


@pytest.mark.parametrize("source", ["a.mp4", "/b/c.MTS", "0", "http://h/a", "photos", "synthetic:"])
def test_the_page_and_the_job_agree_on_what_a_source_is(source: str) -> None:
    kind = source_kind(source)
    assert kind_of(source) == {"images": "folder"}.get(kind, kind)


@pytest.mark.parametrize(
    ("address", "secret"),
    [("rtsp://me:x@h/a", True), ("rtsp://h/a", False), ("rtsp://me@h", False), ("C:/a:b@c", False)],
)
def test_which_addresses_hold_a_password(address: str, secret: bool) -> None:
    assert holds_password(address) == secret


def test_what_is_asked_is_what_the_job_takes(page: LivePage, tmp_path: Path) -> None:
    page.side.source_picker.set_source("synthetic:")
    page.side.model_picker.set_model(tmp_path)
    page.side.head_picker.set_model(tmp_path / "heads.onnx")
    asked = page.side.options(own_folder=True)
    options = LiveOptions.from_mapping(asked).validated()
    assert isinstance(options, Options)
    assert (options.track, options.head_model) == ("oks", tmp_path / "heads.onnx")
    assert set(page.side.drawing_panel.values()) <= CHANGEABLE
    assert set(page.side.keeping.values()) <= CHANGEABLE


def test_a_tracker_is_asked_with_its_own_options(page: LivePage) -> None:
    picker = page.side.tracker_picker
    listed = [picker.combo.itemData(i) for i in range(picker.combo.count())]
    assert {"", "oks", "bytetrack"} <= set(listed)
    picker.set_tracker("oks")
    assert picker.values() == []
    picker.more.setChecked(True)
    assert picker.form is not None
    picker.form.set_values({"lost": 45, "smooth": False})
    assert sorted(picker.values()) == ["lost=45", "smooth=false"]
    assert page.side.options(own_folder=False)["track_options"] == picker.values()
    picker.set_tracker("")
    assert page.side.options(own_folder=False)["track_options"] == []
    assert not picker.more.isVisible()


def test_what_a_tracker_cannot_do_without_is_asked_for(page: LivePage, tmp_path: Path) -> None:
    page.side.source_picker.set_source("synthetic:")
    page.side.model_picker.set_model(tmp_path)
    picker = page.side.tracker_picker
    picker.set_tracker("pointtrack")
    assert picker.form is not None
    assert picker.more.isChecked()
    assert not page.side.start_button.isEnabled()
    picker.form.set_values({"weights": str(tmp_path / "points.onnx")})
    picker.form.changed.emit()
    assert page.side.start_button.isEnabled()
    assert picker.values() == [f"weights={tmp_path / 'points.onnx'}"]


def test_what_the_command_line_chose_is_shown(page: LivePage, tmp_path: Path) -> None:
    page.receive(
        source="/tmp/walk.mp4", head_model=str(tmp_path / "h.onnx"), head_draw="axis",
        track="bytetrack", device="npu", conf="0.6", kp_conf="nonsense",
    )  # fmt: skip
    asked = page.side.options(own_folder=False)
    assert not page.session.running
    expected = {
        "source": "/tmp/walk.mp4", "head_model": str(tmp_path / "h.onnx"), "head_draw": "axis",
        "track": "bytetrack", "device": "npu", "conf": 0.6, "kp_conf": 0.3,
    }  # fmt: skip
    assert expected.items() <= asked.items()


def test_choices_come_back(page: LivePage, studio: StudioContext) -> None:
    panel, keeping = page.side.drawing_panel, page.side.keeping
    panel.trail.set_value(60)
    panel.boxes.setChecked(False)
    panel.next_heads()
    keeping.record_as.setCurrentIndex(2)
    page.side.device_picker.set_device("npu")
    page.side.tracker_picker.set_tracker("")
    page.side.remember()
    again = LiveSide(studio.settings)
    look = again.drawing()
    assert (look.trail, look.boxes, look.heads) == (60, False, "axis")
    assert again.keeping.values()["record_as"] == "both"
    assert again.device_picker.device() == "npu"
    assert again.tracker_picker.tracker() == ""
    again.deleteLater()


def test_an_unplugged_camera_is_a_banner_until_frames_come(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (UNPLUGGED, ("until", "back"), ("frames", 3))
    made = led(qtbot, page, monkeypatch, tmp_path, *steps)
    made.go("go")
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.property("role") == "banner-warning"
    assert "camera 0" in page.banner.message.text()
    assert "Plug it in" in page.banner.hint.text()
    assert page.view.message
    translator.set_language("ja")
    assert "カメラ" in page.banner.message.text() or "camera 0" in page.banner.message.text()
    assert "接続" in page.banner.hint.text()
    made.go("back")
    qtbot.waitUntil(lambda: not page.banner.isVisible())
    assert page.view.message == ""
    end(qtbot, page)


@pytest.mark.parametrize(
    ("state", "role", "says"),
    [("stalled", "banner-warning", "network"), ("disk-full", "banner-error", "played"),
     ("ended", "banner-info", "source"), ("serving", "banner-info", "")],
)  # fmt: skip
def test_every_state_says_what_to_do(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    state: str, role: str, says: str,
) -> None:  # fmt: skip
    told: Step = ("status", {"state": state, "message": "It happened.", "hint": ""})
    led(qtbot, page, monkeypatch, tmp_path, told).go("go")
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.property("role") == role
    assert page.banner.message.text().endswith("It happened.")
    assert says in page.banner.hint.text()
    end(qtbot, page)


def test_a_recording_that_a_full_disk_ended_can_be_begun_again_at_once(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full: Step = ("status", {"state": "disk-full", "message": "Full.", "hint": "Make room."})
    made = led(qtbot, page, monkeypatch, tmp_path, full)
    page.toggle_recording()
    assert page.record_button.isChecked()
    made.go("go")
    qtbot.waitUntil(lambda: not page.record_button.isChecked())
    qtbot.waitUntil(lambda: made.wanted().get("record") is False)
    page.toggle_recording()
    qtbot.waitUntil(lambda: made.wanted().get("record") is True)
    end(qtbot, page)


def test_a_warning_of_the_job_is_told_once(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full: Step = ("status", {"state": "disk-full", "message": "Full.", "hint": "Make room."})
    steps: tuple[Step, ...] = (
        full,
        ("log", {"level": "warning", "message": "/a: Full."}),
        ("until", "more"),
        ("log", {"level": "warning", "message": "Another thing."}),
    )
    made = led(qtbot, page, monkeypatch, tmp_path, *steps)
    made.go("go")
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.hint.text() == "Make room."
    made.go("more")
    qtbot.waitUntil(lambda: page.banner.message.text() == "Another thing.")
    end(qtbot, page)


def test_doubtful_frames_are_counted_and_hide_no_warning(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: Step = ("artifact", {"kind": "doubtful", "path": str(tmp_path / "doubtful-1.jpg")})
    steps: tuple[Step, ...] = (kept, kept, ("until", "more"), UNPLUGGED, kept, ("until", "back"))
    made = led(qtbot, page, monkeypatch, tmp_path, *steps, ("frames", 3), kept)
    made.go("go")
    qtbot.waitUntil(lambda: page.banner.message.text() == "Doubtful frames kept: 2")
    assert "doubtful-1.jpg" in page.banner.hint.text()
    made.go("more")
    qtbot.waitUntil(lambda: "went away" in page.banner.message.text())
    made.go("back")
    qtbot.waitUntil(lambda: page.banner.message.text() == "Doubtful frames kept: 4")
    end(qtbot, page)


def test_sliders_and_keys_reach_the_running_job(
    qtbot: QtBot, page: LivePage, window: MainWindow, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    made = led(qtbot, page, monkeypatch, tmp_path)
    made.go("go")
    page.side.drawing_panel.conf.set_value(0.6)
    page.side.drawing_panel.smoothing.set_value(0.5)
    window.activateWindow()
    page.view.setFocus()
    for key, control in (
        (Qt.Key.Key_R, True), (Qt.Key.Key_D, True), (Qt.Key.Key_T, False), (Qt.Key.Key_H, False),
    ):  # fmt: skip
        modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier(0)
        qtbot.keyClick(page.view, key, modifier)
    window.studio.actions.trigger("live.serve")
    window.studio.actions.trigger("live.snapshot")
    expected = {
        "conf": 0.6, "smoothing": 0.5, "record": True, "keep_doubtful": True, "trail": 0,
        "head_draw": "axis", "serve": "tcp://127.0.0.1:8765", "snapshot": True,
    }  # fmt: skip
    qtbot.waitUntil(lambda: expected.items() <= made.wanted().items())
    assert not page.view.style_values.trails
    assert page.view.style_values.heads == "axis"
    end(qtbot, page)
    assert not page.record_button.isChecked()


def test_keys_work_on_the_full_screen_and_escape_ends_it(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = led(qtbot, page, monkeypatch, tmp_path)
    made.go("go")
    page.toggle_full_screen()
    full = page.full_screen
    assert full is not None
    qtbot.waitUntil(full.isFullScreen)
    full.activateWindow()
    qtbot.keyClick(full, Qt.Key.Key_B)
    assert not page.view.style_values.boxes
    qtbot.keyClick(full, Qt.Key.Key_Escape)
    assert page.full_screen is None
    assert page.stack.currentWidget() is page.view
    end(qtbot, page)


def test_a_stream_is_checked_before_it_is_used(qtbot: QtBot, page: LivePage) -> None:
    """The real job asks an address where nobody listens."""
    picker = page.side.source_picker
    picker.set_source("tcp://127.0.0.1:9")
    assert picker.kind.currentData() == STREAM
    qtbot.mouseClick(picker.check_button, Qt.MouseButton.LeftButton)
    assert not picker.check_button.isEnabled()
    qtbot.waitUntil(picker.check_button.isEnabled)
    assert picker.verdict.isVisible()
    assert picker.verdict.property("role") == "error"
    assert "does not answer" in picker.verdict.text()


def test_buttons_tell_the_keys_that_they_have(page: LivePage, studio: StudioContext) -> None:
    assert page.full_button.toolTip() == "Full screen (F11)"
    assert "(T)" in page.side.drawing_panel.trails.toolTip()
    before = page.side.drawing_panel.trails.toolTip()
    page.activate()
    assert page.side.drawing_panel.trails.toolTip() == before
    translator.set_language("zh_CN")
    assert page.full_button.toolTip().endswith("(F11)")
    assert "Full" not in page.full_button.toolTip()
