"""How fast the canvas is: next picture, many joints, many outlines, finding under the cursor."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from studio.core import shape_edits
from studio.core.annotation import AnnotatedImage, Shape
from studio.gui.document import Document
from studio.gui.pages.annotate.canvas import Canvas
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.pictures import PictureLoader, load_picture, picture_size
from studio.gui.pages.annotate.tools import TOOLS
from studio.io import labelme
from studio.io.skeletons import load_skeleton
from tests.benchmarks import Report

WIDTH, HEIGHT = 4000, 3000
FRAMES = 120
JOINTS, OUTLINES, CORNERS = 5000, 500, 20
FRAME_LIMIT_MS = 1000 / 60


def run(report: Report) -> None:
    """Print the figures of the canvas."""
    application = QApplication.instance() or QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        pictures = [_picture(Path(folder) / f"{n}.jpg", n) for n in range(6)]
        _next_picture(report, pictures)
        for name, shapes in (("5,000 joints", _joints()), ("500 outlines", _outlines())):
            labelme.write(pictures[0].with_suffix(".json"), _image(shapes))
            _many(report, name, pictures[0])
    application.processEvents()


def _picture(path: Path, seed: int) -> Path:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.gray)
    painter = QPainter(image)
    dice = np.random.default_rng(seed)
    for _ in range(400):
        x, y, w, h, hue = (int(v) for v in dice.uniform(0, [WIDTH, HEIGHT, 600, 600, 359]))
        painter.fillRect(x, y, w, h, Qt.GlobalColor(7 + hue % 11))
    painter.end()
    image.save(str(path), quality=92)
    people = [s for g in range(6) for s in _person(dice, g)]
    labelme.write(path.with_suffix(".json"), _image(people))
    return path


def _image(shapes: list[Shape]) -> AnnotatedImage:
    return AnnotatedImage("0.jpg", WIDTH, HEIGHT, tuple(shapes), version=labelme.FORMAT_VERSION)


def _person(dice: np.random.Generator, group: int) -> list[Shape]:
    x, y = dice.uniform(0, WIDTH - 200), dice.uniform(0, HEIGHT - 300)
    skeleton = load_skeleton("coco17")
    pairs = zip(skeleton.keypoints, skeleton.template, strict=True)
    return [
        Shape(name, "point", ((float(x + 180 * u), float(y + 280 * v)),), group)
        for name, (u, v) in pairs
    ]


def _joints() -> list[Shape]:
    dice = np.random.default_rng(1)
    return [s for g in range(JOINTS // 17 + 1) for s in _person(dice, g)][:JOINTS]


def _outlines() -> list[Shape]:
    dice = np.random.default_rng(2)
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    made: list[Shape] = []
    for group in range(OUTLINES):
        x, y = dice.uniform(200, WIDTH - 200), dice.uniform(200, HEIGHT - 200)
        radius = dice.uniform(50, 120, CORNERS)
        corners = np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)])
        points = tuple((float(u), float(v)) for u, v in corners)
        made.append(Shape("person", "polygon", points, group))
    return made


def _desk() -> tuple[Document, Editor, Canvas]:
    document = Document()
    editor = Editor(document, load_skeleton("coco17"))
    canvas = Canvas(editor)
    editor.tools = {tool.id: tool(editor, canvas) for tool in TOOLS}
    editor.use("select")
    canvas.resize(1280, 800)
    canvas.show()
    while not canvas.windowHandle().isExposed():
        QApplication.processEvents()
    return document, editor, canvas


def _next_picture(report: Report, pictures: list[Path]) -> None:
    """As the page does it: annotations read, the picture decoded in a thread, all painted."""
    document, _editor, canvas = _desk()
    loader = PictureLoader(canvas)
    loader.loaded.connect(canvas.set_picture)
    cold: list[float] = []
    whole: list[float] = []
    warm: list[float] = []
    for _ in range(3):
        loader.forget()
        for number, path in enumerate(pictures):
            first, all_of_it = _show(document, canvas, loader, path, number)
            cold.append(first)
            whole.append(all_of_it)
    for round_ in range(4):
        for number, path in enumerate(pictures):
            ahead = pictures[(number + 1) % len(pictures)]
            first, _ = _show(document, canvas, loader, path, number, ahead)
            if round_ or number:
                warm.append(first)
            while loader.busy:
                QApplication.processEvents()
    loader.stop()
    canvas.hide()
    peer = _labelme(pictures)
    said = f"labelme 6.3.1: {_p95(peer):.4g} ms" if peer else ""
    name = "annotate: next picture of 12 MP with 6 people"
    report.add(f"{name}, fetched ahead, p95", _p95(warm), "ms", at_most=33, peer=said)
    report.add(f"{name}, cold, first sight, p95", _p95(cold), "ms", at_most=120, peer=said)
    report.add(f"{name}, cold, at full size, p95", _p95(whole), "ms", peer=said)


def _show(
    document: Document,
    canvas: Canvas,
    loader: PictureLoader,
    path: Path,
    number: int,
    *ahead: Path,
) -> tuple[float, float]:
    """Seconds until the picture is first seen, and until it is there at full size."""
    canvas.set_picture(None)
    start = time.perf_counter()
    document.open(path, picture_size(path))
    loader.request(path, ahead)
    while canvas.picture is None:
        QApplication.processEvents()
    canvas.repaint()
    first = time.perf_counter() - start
    while canvas.picture.preview:
        QApplication.processEvents()
    canvas.repaint()
    assert len(document.content.shapes) == 6 * 17, number
    return first, time.perf_counter() - start


LABELME = """
import json, os, sys, time
from loguru import logger
logger.remove()
from PyQt5 import QtWidgets
application = QtWidgets.QApplication([])
from labelme.app import MainWindow
window = MainWindow()
window.resize(1280, 800)
window.show()
application.processEvents()
times = []
for path in sys.argv[1:] * 3:
    start = time.perf_counter()
    window._load_file(path)
    window._canvas_widgets.canvas.repaint()
    times.append(time.perf_counter() - start)
print(json.dumps(times), flush=True)
os._exit(0)
"""


def _labelme(pictures: list[Path]) -> list[float]:
    """What labelme's own window takes for the same pictures; nothing where it is not installed."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(pictures[0].parent)}
    done = subprocess.run(
        [sys.executable, "-c", LABELME, *map(str, pictures)],
        capture_output=True, text=True, check=False, env=environment, timeout=120,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else []


def _many(report: Report, name: str, path: Path) -> None:
    document, editor, canvas = _desk()
    document.open(path, (WIDTH, HEIGHT))
    canvas.set_picture(load_picture(path))
    canvas.repaint()

    def move(number: int) -> None:
        if number % 2:
            canvas.set_view(canvas.view.moved(QPointF(3, 2)), moving=True)
        else:
            canvas.zoom(1.01, QPointF(600, 400))
        canvas.repaint()

    def rest(_number: int) -> None:
        canvas._come_to_rest()
        canvas.repaint()

    def edit(_number: int) -> None:
        document.apply(shape_edits.move_shapes(document.content, [3], (1.0, 0.0)))
        canvas.repaint()

    dice = np.random.default_rng(3)
    spots = [(float(x), float(y)) for x, y in dice.uniform(0, 3000, (200, 2))]

    def find(number: int) -> None:
        x, y = spots[number]
        editor.scene.hits.at(x, y, 8.0)
        editor.scene.limb_at(x, y, 8.0)

    def away(_number: int) -> None:
        canvas.set_view(canvas.view.moved(QPointF(1, 1)), moving=True)

    _tell(report, f"{name}: a frame while the view moves", _timed(move, FRAMES), FRAME_LIMIT_MS)
    _tell(report, f"{name}: sharp again after the rest", _timed(rest, 10, away), 100)
    _tell(report, f"{name}: one of them edited and painted", _timed(edit, 10), 100)
    _tell(report, f"{name}: what is under the cursor", _timed(find, len(spots)), 2)
    canvas.hide()


Times = tuple[list[float], list[float]]


def _timed(
    act: Callable[[int], None], count: int, before: Callable[[int], None] | None = None
) -> Times:
    """Seconds of the window's thread at work, and seconds that went by, each time."""
    work: list[float] = []
    wall: list[float] = []
    for number in range(count):
        if before is not None:
            before(number)
        start, used = time.perf_counter(), time.thread_time()
        act(number)
        work.append(time.thread_time() - used)
        wall.append(time.perf_counter() - start)
    return work, wall


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1] * 1000


def _tell(report: Report, name: str, times: Times, limit: float) -> None:
    """All of it is done by the window's thread alone, so what it works is what a machine that does
    nothing else takes; what went by on this one stands beside it.
    """
    work, wall = times
    went = f"{_p95(wall):.3g} ms went by (p95), {statistics.median(wall) * 1e3:.3g} ms (median)"
    report.add(f"annotate: {name}, work, p95", _p95(work), "ms", at_most=limit, note=went)
