"""Widgets of the working pages: pictures with people, tables, bars, work in the background."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.core.errors import FileProblem, UsageError
from studio.gui.background import Background
from studio.gui.widgets.bars import Bar, Bars
from studio.gui.widgets.figures import (
    PREDICTED,
    TRUTH,
    Figure,
    draw_figures,
    read_scaled,
    size_of,
)
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.picture_grid import PictureGrid, PictureItem
from studio.gui.widgets.problem_list import problem_of
from studio.io.skeletons import load_skeleton
from tests.gui.people import make_pictures, person

READ_ONLY = QAbstractItemModelTester.FailureReportingMode.Fatal


def test_pictures_are_read_upright_and_small(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "red").save(tmp_path / "turned.jpg", exif=exif)
    size = size_of(tmp_path / "turned.jpg")
    assert (size.width(), size.height()) == (200, 400)
    small = read_scaled(tmp_path / "turned.jpg", 100)
    assert (small.width(), small.height()) == (50, 100)
    with pytest.raises(FileProblem, match="not there"):
        read_scaled(tmp_path / "absent.jpg")


def test_truth_prediction_and_their_distance_are_all_drawn(qapp: QApplication) -> None:
    skeleton = load_skeleton("coco17")
    truth = person(20, 20).keypoints
    found = truth + np.array([30.0, 0.0, 0.0])
    image = QImage(160, 120, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    figures = [Figure(truth, TRUTH, pair=found), Figure(found, PREDICTED)]
    draw_figures(painter, figures, skeleton, 1.0, 2.0)
    painter.end()
    colors = {image.pixelColor(x, y).name() for x in range(160) for y in range(120)}
    assert {"#ffffff", "#ff3d81", "#ffd60a"} <= colors


def test_a_grid_reads_pictures_as_they_come_into_sight(tmp_path: Path, qtbot: QtBot) -> None:
    grid = PictureGrid()
    qtbot.addWidget(grid)
    QAbstractItemModelTester(grid._model, READ_ONLY, grid)
    paths = make_pictures(tmp_path, 3)
    paths[1].write_bytes(b"no picture")
    figure = Figure(person(20, 20).keypoints)
    items = [PictureItem(p, badge="1", figures=(figure,)) for p in paths]
    grid.set_items(items, load_skeleton("coco17"))
    grid.resize(600, 300)
    grid.show()
    qtbot.waitUntil(lambda: len(grid._model._pixmaps) == 3, timeout=5000)
    assert grid._model._pixmaps[1].isNull(), "a damaged picture is shown as one"
    assert not grid._model._pixmaps[0].isNull()
    with qtbot.waitSignal(grid.chosen) as chosen:
        grid.choose(2)
    assert chosen.args == [items[2]]
    with qtbot.waitSignal(grid.opened) as opened:
        qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert opened.args == [items[2]]


def test_a_table_sorts_numbers_and_copies_itself(qtbot: QtBot) -> None:
    table = MetricTable([Column("Joint"), Column("AP", ".2f", "high")])
    qtbot.addWidget(table)
    QAbstractItemModelTester(table.table, READ_ONLY, table)
    table.set_rows([("nose", 0.5), ("ear", float("nan")), ("knee", 0.75)])
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    lines = table.as_text().splitlines()
    assert lines == ["Joint\tAP", "knee\t0.75", "nose\t0.50", "ear\t–"]
    table.show()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == table.as_text()
    best = table.table.index(2, 1).data(Qt.ItemDataRole.FontRole)
    assert best is not None
    assert best.bold() or best.weight() >= 600


def test_bars_tell_screen_readers_what_they_show(qtbot: QtBot) -> None:
    bars = Bars(("series_1", "series_2"))
    qtbot.addWidget(bars)
    bars.set_bars([Bar("nose", (3.0, 1.0), "4"), Bar("knee", (1.0, 0.0), "1")])
    assert bars.accessibleName() == "nose: 4; knee: 1"
    bars.resize(300, bars.sizeHint().height())
    shown = bars.grab().toImage()
    colors = {shown.pixelColor(QPoint(x, 11)).name() for x in range(300)}
    assert len(colors) > 2


def test_only_the_newest_work_is_answered(qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    background = Background(owner)
    wait = threading.Event()
    answers: list[object] = []

    def slow() -> str:
        wait.wait(5)
        return "old"

    background.start(slow, answers.append, answers.append)
    background.start(lambda: "new", answers.append, answers.append)
    qtbot.waitUntil(lambda: answers == ["new"], timeout=3000)
    wait.set()
    qtbot.waitUntil(lambda: not background.busy, timeout=3000)
    assert answers == ["new"]

    def wrong() -> None:
        raise UsageError("Not so.")

    background.start(wrong, answers.append, answers.append)
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=3000)
    assert isinstance(answers[1], UsageError)


def test_work_outlives_its_owner(qtbot: QtBot) -> None:
    owner = QWidget()
    wait = threading.Event()
    answers: list[object] = []

    def slow() -> str:
        wait.wait(5)
        return "late"

    Background(owner).start(slow, answers.append, answers.append)
    owner.deleteLater()
    qtbot.wait(20)
    wait.set()
    qtbot.wait(100)
    assert answers == []


def test_a_problem_as_a_job_carries_it() -> None:
    problem = problem_of({"message": "Wrong.", "where": "a.txt", "line": 3, "hint": None})
    assert str(problem) == "a.txt:3: Wrong."
    assert problem.severity == "error"


def test_a_narrow_table_keeps_its_first_column(qtbot: QtBot) -> None:
    table = MetricTable([Column("Run"), *(Column(f"run {n}") for n in range(3))], sortable=False)
    qtbot.addWidget(table)
    long = "/a/path/that/is/longer/than/any/column/of/a/table/ought/to/be"
    table.set_rows([("Dataset (--data)", long, long, long)])
    table.resize(480, 200)
    table.show()
    assert table.columnWidth(0) >= table.sizeHintForColumn(0)
    table.resize(2400, 200)
    assert sum(table.columnWidth(n) for n in range(4)) == table.viewport().width()
