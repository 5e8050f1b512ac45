"""Reports of clips and of heads on the Evaluate page, one and several."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.gui.evaluation_report import CLIPS, HEADS, read_report
from studio.gui.headlines import headline_words
from studio.gui.i18n import tr, translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.evaluate import EvaluatePage
from tests.gui.people import make_pictures, report_values, write_report
from tests.gui.reports import clip_report, head_report
from tests.gui.runs import make_run

WAIT = 30_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    pictures = make_pictures(folder / "pictures", 2)
    run = make_run(folder, "people")
    values = report_values(pictures, run / "weights" / "best.pt", 0.5)
    write_report(run / "report" / "people-val" / "report.json", values)
    clip_report(folder, "near", 1.0)
    clip_report(folder, "far", 6.0)
    head_report(folder, "straight", 2.0)
    head_report(folder, "askew", 8.0)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> EvaluatePage:
    assert window.open_project(project)
    window.open_page("evaluate", report=project / "reports" / "near" / "report.json")
    shown = window.current_page
    assert isinstance(shown, EvaluatePage)
    qtbot.waitUntil(lambda: shown.reports.count() == 5 and bool(shown.view.reports), timeout=WAIT)
    return shown


def test_reports_of_every_kind_are_read(project: Path) -> None:
    clips = read_report(project / "reports" / "near" / "report.json")
    assert clips.kind == CLIPS
    assert list(clips.hota) == ["", "left hand", "right hand", "scissors"]
    assert len(clips.hota[""]["HOTA"][1]) == 19
    assert len(clips.joints) == 15
    assert clips.pictures[0].missed == 1, "the frame without scissors is the worst"
    heads = read_report(project / "reports" / "askew" / "report.json")
    assert heads.kind == HEADS
    assert set(heads.angles) == {"yaw", "pitch", "roll"}
    assert heads.angles["yaw"].count.sum() == 60
    assert heads.pictures[0].people[0].angles is not None
    assert heads.pictures[0].likeness > heads.pictures[-1].likeness


def test_a_report_of_clips(page: EvaluatePage) -> None:
    view = page.view
    assert view.kind == CLIPS
    assert float(view.figures["HOTA-KP"].text()) > 0.9
    assert view.figures["people"].text() == "36"
    assert view.figures["joint-error"].text().endswith(" px")
    names = [c.name for c in view.curves.hota.curves()]
    assert names == ["All classes", "left hand", "right hand", "scissors"]
    assert view.curves.hota.isVisibleTo(view)
    assert view.curves.pck.isVisibleTo(view)
    assert not view.curves.precision_recall.isVisibleTo(view)
    assert view.tabs.tabText(1) == "Classes and joints"
    rows = view.details.classes.table.rows
    assert [r[0] for r in rows] == ["All classes", "left hand", "right hand", "scissors"]
    assert rows[0][1] == pytest.approx(view.reports[0].metrics["HOTA-KP"])
    view.tabs.setCurrentIndex(2)
    assert "1 missed" in view.worst.words.text()


def test_two_reports_of_clips(page: EvaluatePage, project: Path) -> None:
    page.reports.tick(project / "reports" / "far" / "report.json")
    view = page.view
    assert [c.name for c in view.curves.hota.curves()] == ["near", "far"]
    assert len(view.details.classes.table.columns) == 1 + 2 * 4
    lines = view.metrics.as_text().splitlines()
    assert lines[0].split("\t") == ["Metric", "near", "far", "Difference"]
    assert lines[1].startswith("HOTA-KP\t")
    assert "\t-0." in lines[1]


def test_a_report_of_heads(page: EvaluatePage, project: Path) -> None:
    page.reports.choose(project / "reports" / "askew" / "report.json")
    view = page.view
    assert view.kind == HEADS
    assert view.figures["geodesic"].text().endswith("°")
    assert [c.name for c in view.curves.against.curves()] == ["Yaw", "Pitch", "Roll"]
    assert [c.name for c in view.curves.within.curves()] == ["Heads"]
    assert not view.curves.hota.isVisibleTo(view)
    assert view.tabs.tabText(1) == "Angles"
    assert len(view.details.angles.table.rows) == 14
    assert not view.details.joints.isVisibleTo(view.details)
    view.tabs.setCurrentIndex(2)
    assert "° off. Yaw " in view.worst.words.text()
    assert view.worst.grid.item(0).badge.endswith("°")
    figures = view.worst.grid.item(0).figures
    assert [f.kind for f in figures] == ["truth", "predicted"], "both axes are drawn"
    page.reports.tick(project / "reports" / "straight" / "report.json")
    assert len(view.curves.against.curves()) == 6


def test_reports_of_other_kinds_do_not_stand_beside_it(page: EvaluatePage, project: Path) -> None:
    page.reports.tick(project / "reports" / "askew" / "report.json")
    assert [r.kind for r in page.view.reports] == [CLIPS]
    assert page.view.left_out.isVisibleTo(page.view)
    page.reports.tick(project / "reports" / "far" / "report.json")
    assert len(page.view.reports) == 2


def test_the_list_says_what_each_figure_is(page: EvaluatePage) -> None:
    texts = {}
    for number in range(page.reports.count()):
        item = page.reports.tree.topLevelItem(number)
        texts[item.text(0).split(" ")[0]] = (item.text(1), item.toolTip(1))
    assert texts["people"][0] == "0.500"
    assert texts["askew"][0].endswith("°")
    assert texts["near"][1].startswith("HOTA-KP ")
    assert headline_words({}) == ""


def test_a_run_brings_its_own_dataset(page: EvaluatePage, project: Path) -> None:
    data = project / "datasets" / "heads"
    data.mkdir(parents=True)
    run = project / "runs" / "sixdrepnet" / "heads"
    run.mkdir(parents=True)
    (run / "config.toml").write_text(
        f'family = "sixdrepnet"\n[options]\ndata = "{data.as_posix()}"\n'
    )
    page.receive(model=run)
    assert page.form.editors["model"].text() == str(run)
    assert Path(page.form.editors["data"].text()) == data


def test_a_report_speaks_the_language_chosen_later(page: EvaluatePage, project: Path) -> None:
    page.reports.choose(project / "reports" / "askew" / "report.json")
    view = page.view
    assert view.metrics.table.rows[0][0] == "Geodesic error"
    translator.set_language("ja")
    assert view.metrics.table.rows[0][0] == "測地誤差"
    assert view.curves.against.curves()[0].name == tr("Yaw") != "Yaw"
    assert view.tabs.tabText(1) == "角度"
