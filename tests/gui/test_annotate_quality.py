"""The quality desk on the real page."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtTest import QAbstractItemModelTester

from studio.gui.i18n import translator
from studio.gui.pages.annotate import AnnotatePage
from tests.gui.annotating import Hands, annotation, make_project


def _person(group: int, nose: tuple[float, float]) -> list[dict]:
    return [
        {
            "label": "person",
            "shape_type": "rectangle",
            "points": [[10.0, 10.0], [110.0, 210.0]],
            "group_id": group,
            "absent": ["left_eye"],
        },
        {"label": "nose", "points": [list(nose)], "group_id": group},
    ]


def _checked(hands: Hands, folder: Path, pictures: int) -> AnnotatePage:
    page = hands.open(folder, pictures)
    page.assist.show_quality()
    job = page.assist.quality.job
    assert job is not None
    hands.wait_until(lambda: job.ended, timeout=60000)
    assert job.state == "ok", job.problem
    hands.wait_until(lambda: bool(page.assist.quality.model.all), timeout=5000)
    return page


def test_findings_are_listed_opened_mended_and_ignored(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    annotation(pictures[1], _person(1, (60.0, 40.0)))
    annotation(
        pictures[2], [*_person(4, (400.0, 40.0)), {"label": "left_ear", "points": [[5.0, 5.0]]}]
    )
    page = _checked(hands, tmp_path / "p", 3)
    panel = page.assist.quality
    tester = QAbstractItemModelTester(panel.model)
    assert page.parts.tabs.currentWidget() is panel
    kinds = [s.finding.kind for s in panel.model.shown]
    assert kinds == ["picture", "nobody", "missing", "missing"]
    assert panel.model.shown[0].picture == pictures[2]
    panel.list.clicked.emit(panel.model.index(0, 0))
    assert page.document.picture == pictures[2]
    assert [page.document.content.shapes[i].label for i in page.document.selection] == ["nose"]
    page.editor.nudge(-340, 0)
    hands.wait_until(lambda: panel.model.shown[0].finding.kind == "nobody", timeout=5000)
    panel.next()
    page.undo()
    hands.wait_until(lambda: panel.model.shown[0].finding.kind == "picture", timeout=5000)
    panel.kinds.setCurrentIndex(panel.kinds.findData("missing"))
    panel.kinds.activated.emit(panel.kinds.currentIndex())
    assert {s.finding.kind for s in panel.model.shown} == {"missing"}
    panel.list.setCurrentIndex(panel.model.index(0, 0))
    chosen = panel.current()
    assert chosen is not None
    panel.ignore()
    assert len(panel.model.shown) == 1
    page.document.save_all()
    marks = json.loads(chosen.picture.with_suffix(".json").read_text())["quality_ignored"]
    assert marks == [chosen.finding.key]
    page.undo()
    panel.recheck()
    assert len(panel.model.shown) == 2
    del tester


def test_the_desk_speaks_the_language(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 1)
    annotation(pictures[0], _person(1, (60.0, 40.0)))
    page = _checked(hands, tmp_path / "p", 1)
    panel = page.assist.quality
    english = panel.model.index(0, 0).data()
    assert english.startswith("Joints missing\n")
    assert english.endswith(" · Person 1 · a0.png")
    translator.set_language("ja")
    assert panel.model.index(0, 0).data() != english


def test_another_project_starts_anew(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 1)
    annotation(pictures[0], _person(1, (60.0, 40.0)))
    make_project(tmp_path / "q", 1)
    page = _checked(hands, tmp_path / "p", 1)
    hands.open(tmp_path / "q", 1)
    assert page.assist.quality.model.all == []
    assert page.assist.quality.count.text() == "Nothing has been checked yet."
