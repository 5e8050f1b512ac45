"""What a killed window had in hand comes back, and another's change waits for an answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from studio.io import journal, labelme
from tests.gui.annotating import LEFT, NONE, Hands, annotation, make_project, person

CRASH = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from studio.gui.app import make_window
from studio.gui.context import StudioContext
from tests.gui.annotating import Hands, person
app = QApplication([])
studio = StudioContext()
window = make_window(studio)
window.resize(1280, 800)
window.show()
def until(done, timeout=8000):
    for _ in range(timeout // 5):
        if done():
            return
        QTest.qWait(5)
    raise SystemExit("too slow")
hands = Hands(window, until)
hands.open(Path(sys.argv[1]), 2)
hands.wait_picture()
hands.key(Qt.Key.Key_K)
for n in range(4):
    hands.click(40 + 20 * n, 60)
hands.key(Qt.Key.Key_D)
hands.wait_picture()
hands.key(Qt.Key.Key_P)
for n in range(int(sys.argv[2])):
    hands.click(40 + 20 * n, 60)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_window_gives_its_edits_back(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(pictures[0].parent), "3"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    # The picture that was left is saved; the one in hand is in the journal.
    assert len(labelme.read(pictures[0].with_suffix(".json")).shapes) == 4
    assert not pictures[1].with_suffix(".json").exists()
    page = hands.open(pictures[0].parent, 2)
    assert not page.parts.recovery.isHidden()
    (found,) = journal.leftovers(pictures[0].parent)
    assert found.picture == pictures[1]
    restore = next(
        b for b in page.parts.recovery.findChildren(QPushButton) if b.text() == "Restore all"
    )
    QTest.mouseClick(restore, LEFT, NONE)
    assert page.document.picture == pictures[1]
    assert len(page.document.content.shapes) == 3
    assert page.parts.recovery.isHidden()
    assert journal.leftovers(pictures[0].parent) == ()
    page.keeper.save()
    hands.written()
    assert len(labelme.read(pictures[1].with_suffix(".json")).shapes) == 3
    page.undo()
    assert page.document.content.shapes == ()


def test_a_conflict_waits_for_an_answer(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    path = annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.key(Qt.Key.Key_P)
    hands.click(200, 100)
    annotation(picture, person(9, 60))
    os.utime(path, ns=(7, 7))
    hands.ctrl(Qt.Key.Key_S)
    assert not page.parts.conflict.isHidden()
    assert labelme.read(path).group_ids() == (9,)
    keep = next(b for b in page.parts.conflict.findChildren(QPushButton) if "mine" in b.text())
    QTest.mouseClick(keep, LEFT, NONE)
    assert page.parts.conflict.isHidden()
    assert labelme.read(path).group_ids() == (1,)
