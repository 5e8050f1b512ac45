"""The Live page: what it asks, what it draws, and a real job through shared memory."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from studio import RESOURCES
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.gui import job as job_module
from studio.gui.main_window import MainWindow
from studio.gui.pages.live import LivePage
from studio.gui.pages.live.frame import FrameRate, LiveFrame, to_image
from studio.gui.pages.live.layers import Ground, LiveStyle, draw_people
from studio.gui.pages.live.parts import ValueSlider
from studio.gui.pages.live.source import kind_of
from studio.gui.pages.live.view import LiveView
from studio.gui.theme import theme

SHARED_WEIGHTS = RESOURCES.parent.parent / "shared" / "data" / "weights" / "yolo11n-pose.pt"
PAIR = Skeleton(
    "pair", ("left_hand", "right_hand", "nose"), edges=((0, 1), (1, 2)), flip_pairs=((0, 1),)
)

# A job's process in little: it makes a real ring and speaks the real events.
PROGRAM = """
import json, sys, time
import numpy as np
from studio.core.skeleton import Skeleton
from studio.runtime.ring import FrameRing

def say(event, **data):
    print(json.dumps({"v": 1, "event": event, "t": time.time(), **data}), flush=True)

skeleton = Skeleton("pair", ("left_hand", "right_hand"), ((0, 1),), ((0, 1),))
say("started", job="live", pid=1)
with FrameRing.create(3, 120 * 160 * 3) as ring:
    say("ring", name=ring.name, slots=3, max_bytes=120 * 160 * 3, width=160, height=120, source="drawn",
        kind="synthetic", engine="none", device="cpu", precision="f32",
        skeleton=skeleton.to_mapping(), categories=["person"])
    say("status", state="running", message="")
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:, :, 2] = 200
    person = {"bbox": [40, 30, 60, 60], "score": 0.8, "category_id": 0,
              "keypoints": [50, 40, 0.9, 90, 80, 0.9]}
    for index in range(400):
        slot, seq = ring.write(frame)
        say("frame", index=index, time=index / 30, slot=slot, seq=seq, predictions=[person],
            timings={"capture": 1.0, "infer": 5.0, "latency": 12.0}, fps={"capture": 30.0, "infer": 29.0},
            dropped=0, recording=False)
        time.sleep(0.01)
say("finished", status="ok", result={})
"""


@pytest.fixture
def page(window: MainWindow) -> LivePage:
    window.open_page("live")
    made = window.pages["live"]
    assert isinstance(made, LivePage)
    return made


def person(x: float = 20.0) -> Prediction:
    keypoints = np.array([[x, 20, 0.9], [x + 40, 20, 0.9], [x, 60, 0.1]], np.float32)
    return Prediction(np.array([10, 10, 80, 70], np.float32), 0.75, keypoints)


def test_what_a_source_is() -> None:
    texts = {
        "0": "camera", "/dev/video2": "camera", "rtsp://host/a": "stream", "clip.MP4": "video",
        "/some/folder": "folder", "synthetic:3": "synthetic",
    }  # fmt: skip
    assert {text: kind_of(text) for text in texts} == texts


def test_every_kind_of_source_comes_back(page: LivePage) -> None:
    picker = page.side.source_picker
    for source in ("7", "rtsp://host/a", "/tmp/clip.mp4", "/tmp/folder", "synthetic:7"):
        picker.set_source(source)
        assert picker.source() == source


def test_empty_state_says_what_to_do(page: LivePage) -> None:
    page.side.source_picker.set_source("/tmp/clip.mp4")
    page.side.source_picker.video.clear()
    assert page.empty.isVisible()
    assert not page.side.start_button.isEnabled()
    assert page.empty.button is None, "one button starts, beside what it starts"
    page.start()
    assert "source" in page.banner.message.text()


def test_frame_rate() -> None:
    rate = FrameRate()
    assert rate.value() == 0
    for number in range(11):
        rate.tick(number * 0.1)
    assert rate.value() == pytest.approx(10)


def test_slider_steps(qtbot: QtBot) -> None:
    slider = ValueSlider("Confidence", 0.05, 0.95, 0.05, 0.25)
    qtbot.addWidget(slider)
    assert slider.value() == 0.25
    slider.set_value(0.61)
    assert slider.value() == 0.6
    assert slider.number.text() == "0.60"


def paint(style: LiveStyle, ground: str) -> QImage:
    image = QImage(100, 100, QImage.Format.Format_RGB32)
    image.fill(QColor(ground))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    place = Ground(1.0, QPointF(0, 0), QRectF(0, 0, 100, 100))
    draw_people(painter, [person()], PAIR, style, place)
    painter.end()
    return image


@pytest.mark.parametrize("ground", ["#000000", "#ffffff", "#2fb8ff", "#808080"])
def test_joints_stay_visible_on_any_ground(qtbot: QtBot, ground: str) -> None:
    """Across a joint there is always both something bright and something dark."""
    image = paint(LiveStyle(boxes=False, ids=False), ground)
    row = [image.pixelColor(x, 20).lightnessF() for x in range(8, 30)]
    assert max(row) - min(row) > 0.4


def alike(first: QColor, second: QColor) -> bool:
    """The same but for what rounding takes."""
    pairs = zip(first.getRgb(), second.getRgb(), strict=True)  # type: ignore[arg-type]
    return all(abs(a - b) <= 2 for a, b in pairs)


def test_left_and_right_differ_by_more_than_hue(qtbot: QtBot) -> None:
    """A left joint is a disc, a right one a square: they differ in their corners."""
    image = paint(LiveStyle(boxes=False, ids=False, radius=8, width=1), "#000000")
    assert alike(image.pixelColor(20, 20), theme.color("overlay_left"))
    assert alike(image.pixelColor(60, 20), theme.color("overlay_right"))
    left, right = (image.pixelColor(x + 6, 26) for x in (20, 60))
    assert not alike(left, theme.color("overlay_left"))
    assert alike(right, theme.color("overlay_right"))


def test_doubtful_joints_are_left_out(qtbot: QtBot) -> None:
    without = paint(LiveStyle(boxes=False, ids=False), "#000000")
    assert without.pixelColor(20, 60) == QColor("#000000")
    with_all = paint(LiveStyle(boxes=False, ids=False, joint_confidence=0.0), "#000000")
    assert with_all.pixelColor(20, 60) != QColor("#000000")


def test_the_view_fits_the_picture_and_shows_figures(qtbot: QtBot) -> None:
    view = LiveView()
    qtbot.addWidget(view)
    view.resize(640, 640)
    view.skeleton = PAIR
    frame = np.full((50, 100, 3), (0, 0, 255), np.uint8)
    view.show_frame(
        LiveFrame(to_image(frame), (person(),), timings={"latency": 21.0}, fps={"infer": 9.5})
    )
    view.show()
    qtbot.waitUntil(lambda: view.painted > 0)
    room = view.picture_rect()
    assert (room.width(), room.height()) == (640, 320)
    assert view.grab().toImage().pixelColor(620, 460) == QColor(255, 0, 0)
    figures = dict(view.figures.rows())
    assert figures["Latency"] == "21 ms"
    assert figures["Inference"] == "9.5 fps"
    assert figures["People"] == "1"


def test_frames_come_through_shared_memory(
    qtbot: QtBot, page: LivePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "job.py"
    program.write_text(PROGRAM, encoding="utf-8")
    monkeypatch.setattr(
        job_module, "job_command", lambda spec: [sys.executable, str(program), str(spec)]
    )
    page.receive(source="synthetic:", model=tmp_path)
    assert page.session.running
    qtbot.waitUntil(lambda: page.view.painted > 5, timeout=20_000)
    frame = page.view.frame
    assert frame is not None
    assert (frame.image.width(), frame.image.height()) == (160, 120)
    assert frame.image.pixelColor(0, 0) == QColor(200, 0, 0)
    assert len(frame.people) == 1
    assert page.view.skeleton is not None
    assert page.view.skeleton.keypoints == ("left_hand", "right_hand")
    assert "drawn" in page.state_label.text()
    assert page.side.start_button.text() == "Stop"
    page.toggle_full_screen()
    full = page.full_screen
    assert full is not None
    qtbot.waitUntil(full.isFullScreen)
    qtbot.keyClick(page.view, Qt.Key.Key_Escape)
    assert page.full_screen is None
    assert page.view.isVisible()
    qtbot.waitUntil(lambda: not page.session.running, timeout=20_000)
    assert page.empty.isVisible()
    assert page.side.start_button.text() == "Start"


def test_a_failure_is_a_banner(qtbot: QtBot, page: LivePage, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{")
    page.receive(source=str(tmp_path / "no-such-film.mp4"), model=tmp_path)
    qtbot.waitUntil(lambda: not page.session.running, timeout=30_000)
    assert page.banner.isVisible()
    assert page.banner.property("role") == "banner-error"
    assert page.empty.isVisible()


@pytest.mark.skipif(not SHARED_WEIGHTS.is_file(), reason="the shared weights are not here")
def test_a_real_model_watches_drawn_people(qtbot: QtBot, page: LivePage) -> None:
    page.receive(source="synthetic:", model=SHARED_WEIGHTS)
    qtbot.waitUntil(lambda: page.view.painted > 3, timeout=120_000)
    page.side.drawing_panel.conf.set_value(0.5)
    page.snapshot()
    page.stop()
    qtbot.waitUntil(lambda: not page.session.running, timeout=20_000)
    assert page.session.job is not None
    assert page.session.job.state == "ok"
