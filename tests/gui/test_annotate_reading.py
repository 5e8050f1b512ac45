"""Annotation files are read beside the window: neighbours ahead of time, large ones when asked."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui import document as document_module
from studio.gui import sheet_reader
from studio.gui.sheets import Sheet
from tests.gui.annotating import Hands, annotation, make_project

WAIT = 20_000
Key = Qt.Key


class Readings:
    """Which annotations were read, and whether the window had to wait for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.beside: list[str] = []
        self.waited: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        real = sheet_reader.read_sheet

        def read(picture: Path, size: tuple[int, int] = (0, 0)) -> Sheet:
            if threading.current_thread() is threading.main_thread():
                self.waited.append(picture.stem)
            else:
                self.gate.wait()
                self.beside.append(picture.stem)
            return real(picture, size)

        monkeypatch.setattr(sheet_reader, "read_sheet", read)
        monkeypatch.setattr(document_module, "read_sheet", read)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch):
    made = Readings(monkeypatch)
    yield made
    made.gate.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight pictures of one joint each; the last two have files of more than 200 kB."""
    pictures = make_project(tmp_path / "p", 8)
    for number, picture in enumerate(pictures):
        count = 1500 if number >= 6 else 1
        shapes = [
            {"label": "nose", "group_id": n, "points": [[10 + n % 300, 20]]} for n in range(count)
        ]
        annotation(picture, shapes)
    assert pictures[6].with_suffix(".json").stat().st_size > sheet_reader.SMALL
    return tmp_path / "p"


def test_the_next_pictures_are_read_before_they_are_asked_for(
    hands: Hands, readings: Readings, folder: Path
) -> None:
    page = hands.open(folder, 8)
    hands.wait_until(lambda: {"a1", "a2"} <= set(readings.beside), timeout=WAIT)
    hands.wait_until(lambda: page.document._reader.has(folder / "a2.png"), timeout=WAIT)
    assert readings.waited == ["a0"]
    for number in (1, 2, 3):
        hands.wait_until(
            lambda n=number: page.document._reader.has(folder / f"a{n}.png"), timeout=WAIT
        )
        hands.key(Key.Key_D)
        assert page.document.picture == folder / f"a{number}.png"
        assert hands.labels() == ["nose"]
    assert readings.waited == ["a0"], "the window read none of them itself"
    assert not page.document.unsaved()


def test_what_was_read_ahead_is_not_shown_when_the_file_is_another(
    hands: Hands, readings: Readings, folder: Path
) -> None:
    page = hands.open(folder, 8)
    second = folder / "a1.png"
    hands.wait_until(lambda: page.document._reader.has(second), timeout=WAIT)
    path = annotation(second, [{"label": "ball", "points": [[1, 1]]}])
    os.utime(path, ns=(1, 1))
    hands.key(Key.Key_D)
    assert hands.labels() == ["ball"]
    path.unlink()
    third = folder / "a2.png"
    hands.wait_until(lambda: page.document._reader.has(third), timeout=WAIT)
    third.with_suffix(".json").unlink()
    hands.key(Key.Key_D)
    assert page.document.picture == third
    assert hands.labels() == []
    assert page.document.content.width == 320


def test_a_large_file_is_waited_for_without_a_halt(
    hands: Hands, readings: Readings, folder: Path
) -> None:
    page = hands.open(folder, 8)
    hands.wait_until(lambda: page.document._reader.has(folder / "a2.png"), timeout=WAIT)
    readings.gate.clear()
    view, large = page.pictures.view, folder / "a6.png"
    view.setCurrentIndex(page.pictures.model.index(6))
    document = page.document
    assert document.coming == large
    assert document.picture == folder / "a0.png", "the picture in hand stays until then"
    assert "a6.png" in page.parts.hint.text()
    assert page.pictures.view.currentIndex().row() == 6
    # It can even be worked on.
    hands.click(100, 100)
    readings.gate.set()
    hands.wait_until(lambda: document.picture == large, timeout=WAIT)
    assert document.coming is None
    assert len(document.content.shapes) == 1500
    assert "a6" not in readings.waited
    hands.wait_picture()


def test_another_click_meanwhile_wins(hands: Hands, readings: Readings, folder: Path) -> None:
    page = hands.open(folder, 8)
    document, view = page.document, page.pictures.view
    hands.wait_until(lambda: document._reader.has(folder / "a2.png"), timeout=WAIT)
    readings.gate.clear()
    view.setCurrentIndex(page.pictures.model.index(6))
    # The keys go on from the picture that comes, not from the one still in hand.
    hands.key(Key.Key_D)
    assert document.coming == folder / "a7.png"
    hands.key(Key.Key_A)
    assert document.coming == folder / "a6.png"
    view.setCurrentIndex(page.pictures.model.index(1))
    assert document.coming is None
    assert document.picture == folder / "a1.png"
    readings.gate.set()
    hands.wait_until(lambda: document._reader.has(folder / "a6.png"), timeout=WAIT)
    assert document.picture == folder / "a1.png"
    # A step of the history, or a finding, does not wait.
    page.open_picture(folder / "a6.png")
    assert document.picture == folder / "a6.png"


def test_what_waits_is_bounded(qtbot: QtBot, folder: Path, monkeypatch) -> None:
    from PySide6.QtCore import QObject

    monkeypatch.setattr(sheet_reader, "KEPT", 3)
    owner = QObject()
    reader = sheet_reader.SheetReader(owner)
    for number in range(6):
        reader.ask(folder / f"a{number}.png")
    qtbot.waitUntil(lambda: reader.has(folder / "a5.png"), timeout=WAIT)
    assert [reader.has(folder / f"a{n}.png") for n in range(6)] == [False] * 3 + [True] * 3
    assert reader.take(folder / "a5.png") is not None
    assert not reader.has(folder / "a5.png")
    # A project that was left gets no answer.
    reader.ask(folder / "a6.png")
    reader.drop()
    reader.ask(folder / "a7.png")
    qtbot.waitUntil(lambda: reader.has(folder / "a7.png"), timeout=WAIT)
    assert not reader.has(folder / "a6.png")
    owner.deleteLater()
