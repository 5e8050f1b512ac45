"""Hands for the tests of the Annotate page: a project of drawn pictures, mouse and keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtTest import QTest

from studio.gui.main_window import MainWindow
from studio.gui.pages.annotate import AnnotatePage

SIZE = (320, 240)
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def make_picture(path: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> Path:
    """A small coloured picture."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    shade = QLinearGradient(0, 0, *size)
    shade.setColorAt(0, QColor.fromHsv(37 * seed % 360, 120, 200))
    shade.setColorAt(1, QColor.fromHsv((37 * seed + 120) % 360, 160, 90))
    painter = QPainter(image)
    painter.fillRect(image.rect(), shade)
    painter.end()
    assert image.save(str(path))
    return path


def make_project(folder: Path, count: int = 3) -> list[Path]:
    """`count` pictures a0.png, a1.png, ... without annotations."""
    folder.mkdir(parents=True, exist_ok=True)
    return [make_picture(folder / f"a{n}.png", seed=n) for n in range(count)]


def annotation(path: Path, shapes: Iterable[dict[str, Any]], size: tuple[int, int] = SIZE) -> Path:
    """A labelme file beside the picture, as labelme 5 writes it."""
    target = path.with_suffix(".json")
    full = [
        {"group_id": None, "description": "", "flags": {}, "shape_type": "point", **shape}
        for shape in shapes
    ]
    value = {
        "version": "5.5.0",
        "flags": {},
        "shapes": full,
        "imagePath": path.name,
        "imageData": None,
        "imageHeight": size[1],
        "imageWidth": size[0],
    }
    target.write_text(json.dumps(value, indent=2), encoding="utf-8")
    return target


class Hands:
    """The page as a person has it."""

    def __init__(self, window: MainWindow, wait_until: Callable[..., Any]) -> None:
        self.window = window
        self.wait_until = wait_until
        self.actions = 0

    @property
    def page(self) -> AnnotatePage:
        page = self.window.page("annotate")
        assert isinstance(page, AnnotatePage)
        return page

    def open(self, folder: Path, pictures: int = 1) -> AnnotatePage:
        """Open the folder and wait until the first picture is there."""
        assert self.window.open_project(folder)
        self.window.open_page("annotate")
        page = self.page
        self.wait_until(lambda: len(page.pictures.model.entries) == pictures, timeout=8000)
        self.wait_until(lambda: page.document.picture is not None, timeout=8000)
        self.wait_until(lambda: not page.library._scan.busy, timeout=8000)
        page.canvas.setFocus()
        return page

    def wait_picture(self) -> None:
        """Until the picture in hand is decoded."""
        page = self.page
        self.wait_until(
            lambda: (
                page.canvas.picture is not None
                and page.canvas.picture.path == page.document.picture
            ),
            timeout=8000,
        )

    def spot(self, x: float, y: float) -> QPoint:
        """Where a spot of the picture lies on the canvas."""
        return self.page.canvas.view.to_canvas(x, y).toPoint()

    def hover(self, x: float, y: float) -> None:
        """Move the mouse there; from beside it, for a cursor that is there already is silent."""
        QTest.mouseMove(self.page.canvas, self.spot(x, y) + QPoint(3, 3))
        QTest.mouseMove(self.page.canvas, self.spot(x, y))

    def click(self, x: float, y: float, modifier: Qt.KeyboardModifier = NONE) -> None:
        """One click of the left button."""
        self.hover(x, y)
        QTest.mouseClick(self.page.canvas, LEFT, modifier, self.spot(x, y))
        self.actions += 1

    def double(self, x: float, y: float) -> None:
        """A double click, as the window system tells it."""
        spot = self.spot(x, y)
        QTest.mouseClick(self.page.canvas, LEFT, NONE, spot)
        QTest.mouseDClick(self.page.canvas, LEFT, NONE, spot)
        self.actions += 1

    def drag(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        modifier: Qt.KeyboardModifier = NONE,
        button: Qt.MouseButton = LEFT,
    ) -> None:
        """Press, move, release."""
        canvas = self.page.canvas
        a, b = self.spot(*start), self.spot(*end)
        QTest.mouseMove(canvas, a)
        QTest.mousePress(canvas, button, modifier, a)
        for part in (0.3, 0.7, 1.0):
            between = a + QPoint(round((b - a).x() * part), round((b - a).y() * part))
            QTest.mouseMove(canvas, between)
        QTest.mouseRelease(canvas, button, modifier, b)
        self.actions += 1

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """One key on the canvas; a file that it saves is written when this returns."""
        QTest.keyClick(self.page.canvas, key, modifier)
        self.actions += 1
        self.written()

    def written(self) -> None:
        """Until what is being saved stands on the disk."""
        if self.page.document.writing:
            self.wait_until(lambda: not self.page.document.writing, timeout=8000)

    def ctrl(self, key: Qt.Key) -> None:
        """Ctrl and a key."""
        self.key(key, Qt.KeyboardModifier.ControlModifier)

    def labels(self) -> list[str]:
        """Labels of the picture in hand."""
        return [s.label for s in self.page.document.content.shapes]


def person(group: int, x: float) -> list[dict]:
    """Two joints of one person, as labelme writes them."""
    return [
        {"label": "nose", "group_id": group, "points": [[x, 40]]},
        {"label": "left_hip", "group_id": group, "points": [[x, 120]]},
    ]
