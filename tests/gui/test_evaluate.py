"""The Evaluate page: reports as tables, curves and pictures; two side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.core.errors import FormatError
from studio.gui.evaluation_marks import marks_file, read_marks
from studio.gui.evaluation_report import model_name, read_report
from studio.gui.main_window import MainWindow
from studio.gui.pages.evaluate import EvaluatePage
from studio.gui.pages.evaluate.worst import figures_of
from tests.gui.people import make_pictures, report_values, write_report
from tests.gui.runs import make_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    pictures = make_pictures(folder / "pictures", 4)
    for name, ap in (("first", 0.5), ("second", 0.7)):
        run = make_run(folder, name)
        values = report_values(pictures, run / "weights" / "best.pt", ap)
        write_report(run / "report" / "people-val" / "report.json", values)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> EvaluatePage:
    assert window.open_project(project)
    window.open_page(
        "evaluate", report=project / "runs/yolo-pose/first/report/people-val/report.json"
    )
    shown = window.current_page
    assert isinstance(shown, EvaluatePage)
    qtbot.waitUntil(lambda: shown.reports.count() == 2 and bool(shown.view.reports), timeout=5000)
    return shown


def test_a_report_is_read_as_the_job_writes_it(project: Path) -> None:
    report = read_report(project / "runs/yolo-pose/first/report/people-val/report.json")
    assert report.title == "first · people"
    assert report.metrics["AP"] == 0.5
    assert np.isnan(report.metrics["APM"]), "-1 means there was nothing to judge"
    assert np.isnan(report.metrics["AP75"])
    assert report.metric_names() == ("AP", "AP50", "AP75", "APM", "AR")
    assert report.pictures[0].people[0].truth is not None
    assert report.skeleton is not None
    assert len(report.precision_recall["0.50"][0]) == 101


def test_what_is_no_report_is_said_to_be_none(tmp_path: Path) -> None:
    path = write_report(tmp_path / "report.json", {"v": 1, "metrics": {}})
    with pytest.raises(FormatError, match="not an evaluation report"):
        read_report(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("runs/yolo-pose/a/weights/best.pt", "a"),
        ("exports/b/model.xml", "b"),
        ("x/yolo11n.pt", "yolo11n"),
    ],
)
def test_models_are_called_by_what_a_person_knows(path: str, name: str) -> None:
    assert model_name(Path(path)) == name


def test_figures_curves_and_joints(page: EvaluatePage) -> None:
    view = page.view
    assert view.figures["AP"].text() == "0.500"
    assert view.figures["speed"].text() == "12 ms"
    text = view.metrics.as_text().splitlines()
    assert text[1].split("\t") == ["AP", "0.500"]
    assert text[3].split("\t") == ["AP75", "–"]
    assert [c.name for c in view.curves.precision_recall.curves()] == ["OKS 0.50", "OKS 0.75"]
    assert [c.name for c in view.curves.pck.curves()] == ["PCK"]
    assert view.details.joints.table.rowCount() == 17
    assert view.details.joints.table.rows[0][:3] == ("nose", 4, 5.0)


def test_two_reports_stand_side_by_side(page: EvaluatePage, project: Path) -> None:
    second = project / "runs/yolo-pose/second/report/people-val/report.json"
    page.reports.tick(second)
    assert [r.title for r in page.view.reports] == ["first · people", "second · people"]
    heads = page.view.metrics.as_text().splitlines()
    assert heads[0].split("\t") == ["Metric", "first", "second", "Difference"]
    assert heads[1].split("\t") == ["AP", "0.500", "0.700", "+0.200"]
    assert [c.name for c in page.view.curves.pck.curves()] == ["first", "second"]


def test_the_worst_picture_comes_first_and_opens_in_annotate(
    page: EvaluatePage, project: Path, qtbot: QtBot
) -> None:
    page.view.tabs.setCurrentIndex(2)
    worst = page.view.worst
    assert worst.grid.item(0).path.name == "picture_00.png"
    qtbot.waitUntil(lambda: not worst.big._pixmap.isNull(), timeout=5000)
    assert "1 people missed" in worst.words.text()
    opened: list[object] = []
    page.studio._open_page = lambda page_id, **payload: opened.append((page_id, payload["picture"]))
    qtbot.mouseClick(worst.big, Qt.MouseButton.LeftButton)
    assert opened == [("annotate", project / "pictures" / "picture_00.png")]


def test_truth_and_prediction_are_joined(page: EvaluatePage) -> None:
    picture = page.view.reports[0].pictures[0]
    truth, predicted = figures_of(picture)
    assert (truth.kind, predicted.kind) == ("truth", "predicted")
    assert truth.pair is predicted.keypoints
    assert [f.kind for f in figures_of(picture, truth=False)] == ["predicted"]
    worst = page.view.worst
    page.view.tabs.setCurrentIndex(2)
    worst.predicted.setChecked(False)
    assert [f.kind for f in worst.big._figures] == ["truth"]


def test_the_spec_puts_the_report_beside_the_model(page: EvaluatePage, project: Path) -> None:
    run = project / "runs" / "yolo-pose" / "first"
    page.receive(model=run, dataset=project / "datasets" / "people")
    spec = page.spec()
    assert Path(spec.options["out"]) == run / "report" / "people-val" / "report.json"
    page.receive(model=project.parent / "other.pt")
    assert Path(page.spec().options["out"]).is_relative_to(project / "reports")


def test_without_model_and_dataset_it_cannot_start(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert window.open_project(tmp_path / "empty")
    window.open_page("evaluate")
    page = window.current_page
    assert isinstance(page, EvaluatePage)
    assert page.room.currentWidget() is page.empty
    assert not page.start_button.isEnabled()
    assert page.empty.button is not None
    assert page.empty.button.isVisible()
    make_run(tmp_path / "empty", "first")
    page.activate()
    assert not page.empty.button.isVisible(), "a model is there: the thing to do is to judge it"


def test_a_picture_is_marked_as_the_models_error(
    page: EvaluatePage, project: Path, qtbot: QtBot
) -> None:
    path = project / "runs/yolo-pose/first/report/people-val/report.json"
    page.view.tabs.setCurrentIndex(2)
    worst = page.view.worst
    qtbot.waitUntil(worst.mark.isEnabled, timeout=3000)
    qtbot.mouseClick(worst.mark, Qt.MouseButton.LeftButton)
    picture = project / "pictures" / "picture_00.png"
    qtbot.waitUntil(lambda: marks_file(path).is_file(), timeout=3000)
    qtbot.waitUntil(lambda: read_marks(path) == {picture}, timeout=3000)
    worst.which.setCurrentIndex(1)
    assert worst.grid.count() == 3
    assert not worst.mark.isChecked()
    worst.which.setCurrentIndex(2)
    assert [worst.grid.item(r).path for r in range(worst.grid.count())] == [picture]
    assert worst.mark.isChecked()
    worst.which.setCurrentIndex(0)
    page._show([read_report(path)])
    qtbot.waitUntil(worst.mark.isChecked, timeout=3000)
    qtbot.mouseClick(worst.mark, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not read_marks(path), timeout=3000)


def test_damaged_marks_are_told_and_not_written_over(
    page: EvaluatePage, project: Path, qtbot: QtBot
) -> None:
    path = project / "runs/yolo-pose/second/report/people-val/report.json"
    marks_file(path).write_text("[", encoding="utf-8")
    page.reports.choose(path)
    qtbot.waitUntil(page.banner.isVisible, timeout=5000)
    assert not page.view.worst.mark.isEnabled()
    assert marks_file(path).read_text(encoding="utf-8") == "["
