"""What is drawn over the live picture: layers, trails, heads, zoom, figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from studio.core.head import Angles, rotation_of
from studio.core.prediction import HeadPose, Prediction
from studio.core.skeleton import Skeleton
from studio.gui import style
from studio.gui.pages.live.figures import Figures
from studio.gui.pages.live.frame import LiveFrame, to_image
from studio.gui.pages.live.layers import Ground, LiveStyle, draw_people, name_of
from studio.gui.pages.live.trails import LONGEST, Trails
from studio.gui.pages.live.view import LARGEST_ZOOM, LiveView
from studio.gui.theme import theme

CHAIN = Skeleton(
    "chain",
    ("a", "b"),
    edges=((0, 1),),
    colors=("#ff0000", "#00ff00"),
    edge_colors=("#0000ff",),
)
BARE = LiveStyle(boxes=False, ids=False, trails=False, heads="none", overlay=False)


def person(
    x: float = 20.0, score: float = 1.0, track: int | None = None, head: HeadPose | None = None
) -> Prediction:
    joints = np.array([[x, 50, score], [x + 60, 50, score]], np.float32)
    box = np.array([x - 10, 20, x + 70, 80], np.float32)
    return Prediction(box, 0.75, joints, track_id=track, head=head)


def paint(people: list[Prediction], look: LiveStyle, ground: str, scale: float = 1.0) -> QImage:
    image = QImage(round(120 * scale), round(100 * scale), QImage.Format.Format_RGB32)
    image.fill(QColor(ground))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    room = QRectF(0, 0, image.width(), image.height())
    draw_people(painter, people, CHAIN, look, Ground(scale, QPointF(0, 0), room))
    painter.end()
    return image


def thickness(image: QImage, x: int, ground: str) -> int:
    """How many pixels of the column are not the ground's."""
    column = [image.pixelColor(x, y) for y in range(image.height())]
    return sum(color != QColor(ground) for color in column)


def test_limbs_and_joints_have_the_skeletons_own_colours(qtbot: QtBot) -> None:
    image = paint([person()], BARE, "#808080")
    assert image.pixelColor(50, 50) == QColor("#0000ff")
    assert image.pixelColor(20, 50) == QColor("#ff0000")
    assert image.pixelColor(80, 50) == QColor("#00ff00")


@pytest.mark.parametrize("scale", [1.0, 3.0, 8.0])
def test_lines_are_as_wide_at_any_zoom(qtbot: QtBot, scale: float) -> None:
    image = paint([person()], BARE, "#808080", scale)
    assert thickness(image, round(50 * scale), "#808080") == 6


def test_what_is_less_sure_is_fainter(qtbot: QtBot) -> None:
    sure, unsure = (paint([person(score=s)], BARE, "#808080") for s in (0.95, 0.35))
    assert sure.pixelColor(50, 50).blue() > 2 * unsure.pixelColor(50, 50).blue()
    below = paint([person(score=0.2)], BARE, "#808080")
    assert thickness(below, 50, "#808080") == 0


def test_a_tracked_person_keeps_a_colour(qtbot: QtBot) -> None:
    look = replace(BARE, boxes=True, skeletons=False)
    three = paint([person(track=3)], look, "#808080")
    both = paint([person(x=200, track=1), person(track=3)], look, "#808080")
    color = three.pixelColor(10, 50)
    assert color == both.pixelColor(10, 50)
    assert abs(color.hslHue() - style.person_color(3).hslHue()) < 5
    assert paint([person()], look, "#808080").pixelColor(10, 50).hslSaturation() < 10


def test_a_name_says_who_what_and_how_sure() -> None:
    assert name_of(person(), 2, ("person",)) == "3  0.75"
    assert name_of(person(track=7), 0, ("person", "hand")) == "#7  person  0.75"


def test_trails_are_as_long_as_asked() -> None:
    trails = Trails()
    for index in range(40):
        trails.take(index, [person(x=10.0 + index, track=5)])
    assert [x for x, _ in trails.of(5, 3)] == [76.0, 77.0, 78.0, 79.0]
    trails.take(40 + LONGEST, [])
    assert trails.of(5, LONGEST) == [], "who is gone so long leaves no trail"
    trails.take(0, [person(track=5)])
    assert len(trails.of(5, LONGEST)) == 1, "a film that begins again begins anew"


@pytest.fixture
def view(qtbot: QtBot) -> LiveView:
    made = LiveView()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.skeleton = CHAIN
    made.style_values = BARE
    made.show()
    return made


def frame(index: int = 0, people: tuple[Prediction, ...] = ()) -> LiveFrame:
    pixels = np.full((300, 400, 3), 128, np.uint8)
    pixels[:, 200:] = (0, 0, 255)
    return LiveFrame(to_image(pixels), people, index=index)


def shown(view: LiveView, qtbot: QtBot, given: LiveFrame) -> QImage:
    before = view.painted
    view.show_frame(given)
    qtbot.waitUntil(lambda: view.painted > before)
    return view.grab().toImage()


def test_trails_are_drawn_behind_people(qtbot: QtBot, view: LiveView) -> None:
    view.style_values = replace(BARE, skeletons=False, trails=True, trail=30)
    for index in range(30):
        last = frame(index, (person(x=20.0 + 4 * index, track=2),))
        view.show_frame(last)
    image = shown(view, qtbot, frame(30, (person(x=140.0, track=2),)))
    assert image.pixelColor(165, 50) == style.person_color(2)
    view.style_values = replace(BARE, skeletons=False, trails=False)
    assert shown(view, qtbot, frame(31)).pixelColor(165, 50) == QColor(128, 128, 128)


@pytest.mark.parametrize(("how", "token"), [("cube", "front"), ("axis", "left")])
def test_heads_are_drawn_as_asked(qtbot: QtBot, view: LiveView, how: str, token: str) -> None:
    around = np.array([60, 60, 160, 160], np.float32)
    head = HeadPose(rotation_of(Angles(25, 10, 5)), 25, 10, 5, around)
    people = (person(head=head),)
    view.style_values = replace(BARE, skeletons=False, heads=how)
    image = shown(view, qtbot, frame(0, people))
    wanted = theme.color(f"overlay_head_{token}")
    colors = {image.pixelColor(x, y).rgb() for x in range(40, 180) for y in range(40, 180)}
    assert wanted.rgb() in colors
    view.style_values = replace(BARE, skeletons=False, heads="none")
    image = shown(view, qtbot, frame(1, people))
    assert image.pixelColor(110, 110) == QColor(128, 128, 128)


def test_the_wheel_zooms_at_the_cursor(qtbot: QtBot, view: LiveView) -> None:
    shown(view, qtbot, frame())
    spot = QPointF(100, 75)
    view.zoom_by(2.0, spot)
    room = view.picture_rect()
    assert (room.width(), room.height()) == (800, 600)
    assert (spot.x() - room.x()) / room.width() == pytest.approx(0.25)
    assert (spot.y() - room.y()) / room.height() == pytest.approx(0.25)
    view.zoom_by(1000.0)
    assert view.zoom == LARGEST_ZOOM
    view.show_whole()
    assert view.picture_rect() == QRectF(0, 0, 400, 300)
    view.zoom_out()
    assert view.zoom == 1.0


def test_dragging_moves_no_farther_than_the_edge(qtbot: QtBot, view: LiveView) -> None:
    shown(view, qtbot, frame())
    view.zoom_by(2.0)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    for x in (260, 320, 399):
        qtbot.mouseMove(view, QPoint(x, 150))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(399, 150))
    assert view.picture_rect().x() == 0
    view.zoom_by(0.01)
    assert view.picture_rect() == QRectF(0, 0, 400, 300)


def test_figures_tell_means_and_stages(qtbot: QtBot) -> None:
    figures = Figures()
    assert figures.rows() == []
    one = LiveFrame(
        to_image(np.zeros((4, 4, 3), np.uint8)),
        timings={"infer": 20.0, "track": 0.4, "latency": 30.0},
        fps={"capture": 30.0, "infer": 29.5},
        dropped=4,
    )
    figures.take(one, 28.0)
    assert dict(figures.rows()) == {
        "Capture": "30.0 fps",
        "Inference": "29.5 fps",
        "Display": "28.0 fps",
        "Latency": "30 ms",
        "People": "0",
        "Dropped": "4",
    }
    assert figures.stages() == [("Infer", "20.0 ms"), ("Track", "0.4 ms")]
    figures.clear()
    assert figures.stages() == []
