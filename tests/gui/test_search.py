"""The Search tab: what is varied, a real search with its trials live, and what becomes of the best."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

import studio.registry as registry
from studio.core.search_space import parse_space
from studio.gui.main_window import MainWindow
from studio.gui.pages.train import TrainPage
from studio.gui.pages.train.space_editor import suggestion
from studio.gui.search_state import read_search, searches
from studio.gui.widgets.trial_plots import Scale
from studio.registry import contributions, find
from tests.jobs.toys import FAMILIES, make_data

TIMEOUT = 120_000


@pytest.fixture(autouse=True)
def with_toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(FAMILIES))
    registry.reload()
    yield
    monkeypatch.undo()
    registry.reload()


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> TrainPage:
    project = tmp_path / "project"
    project.mkdir()
    assert window.open_project(project)
    window.open_page("train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    shown.form.family.setCurrentIndex(shown.form.family.findData("toy"))
    shown.form.set_values({"data": str(make_data(tmp_path / "data")), "epochs": 2})
    shown.tabs.setCurrentIndex(2)
    return shown


def searched(page: TrainPage, qtbot: QtBot, trials: int = 3) -> Path:
    """A finished search's folder."""
    form = page.desk.form
    form.space.set_text("lr=1e-4..1e-1:log,width=4|8")
    form.form.set_values({"trials": trials, "pruner": "none"})
    assert form.start.isEnabled(), form.error.text()
    form.start.click()
    view = page.desk.view
    qtbot.waitUntil(lambda: view.job is not None, timeout=TIMEOUT)
    qtbot.waitUntil(
        lambda: view.job is None and view.state is not None and view.state.best is not None,
        timeout=TIMEOUT,
    )
    assert view.state is not None
    return view.state.folder


@pytest.mark.parametrize("family", [c.id for c in contributions("family")] + ["toy"])
def test_what_is_suggested_can_be_taken(family: str) -> None:
    declared = find("family", family).options_class()
    offered = {f.name: suggestion(f) for f in declared.fields()}
    assert sum(bool(v) for v in offered.values()) >= 4
    for name, values in offered.items():
        if values:
            assert parse_space(f"{name}={values}", declared)[0].name == name
    assert not {"data", "seed", "device"} & {n for n, v in offered.items() if v}


def test_rows_say_what_is_wrong_and_keep_start_off(page: TrainPage) -> None:
    form = page.desk.form
    (first,) = form.space.rows
    assert first.name == "lr"
    assert form.start.isEnabled()
    first.values.setText("1e-9..1")
    assert "at least 1e-06" in first.error.text()
    assert not form.start.isEnabled()
    first.values.setText("1e-3|1e-2")
    assert form.start.isEnabled()
    form.space.add.click()
    second = form.space.rows[1]
    second.option.setCurrentIndex(second.option.findData("lr"))
    assert "above already" in second.error.text()
    assert not form.start.isEnabled()
    form.space.remove(second)
    form.space.remove(first)
    assert not form.start.isEnabled()


def test_what_is_wrong_on_the_first_tab_is_said_here(page: TrainPage) -> None:
    assert page.form.form is not None
    page.form.form.editors["epochs"].set_value(0)
    page.form.form._edited()
    page.tabs.setCurrentIndex(0)
    page.tabs.setCurrentIndex(2)
    assert "at least 1" in page.desk.form.error.text()
    assert not page.desk.form.start.isEnabled()
    # What is varied need not be right there.
    page.desk.form.space.set_text("epochs=1|2")
    assert page.desk.form.start.isEnabled()


def test_the_spec_varies_some_and_keeps_the_rest(page: TrainPage, tmp_path: Path) -> None:
    form = page.desk.form
    page.form.set_values({"width": 16})
    page.form.where.set_values({"on": "ray://far:10001", "send": "never"})
    form.space.set_text("lr=1e-3..1e-2:log,width=4|8")
    form.form.set_values({"trials": 7, "name": "mine"})
    spec = form.spec()
    assert spec.job == "search"
    assert spec.run_dir == tmp_path / "project" / "searches" / "toy" / "mine"
    assert spec.options == {
        "family": "toy", "space": "lr=0.001..0.01:log,width=4|8", "epochs": 2, "trials": 7,
        "data": str(tmp_path / "data"), "name": "mine", "on": "ray://far:10001", "send": "never",
    }  # fmt: skip


def test_a_place_that_is_none_keeps_the_start_off(page: TrainPage) -> None:
    page.form.where.set_values({"on": "nowhere"})
    page.form.where.changed.emit()
    assert not page.form.start.isEnabled()
    page.form.where.set_values({"on": "local-ray"})
    page.form.where.changed.emit()
    assert page.form.start.isEnabled()
    assert page.form.spec().options["on"] == "local-ray"
    page.form.where.reset()
    assert "on" not in page.form.spec().options


@pytest.mark.slow
def test_a_search_is_watched_used_kept_and_gone_on_with(
    page: TrainPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, window: MainWindow
) -> None:
    folder = searched(page, qtbot)
    view = page.desk.view
    said = json.loads((folder / "search.json").read_text())
    assert page.room.currentWidget() is page.desk.room
    assert view.status.text() == "Done"
    assert view.figures["trials"].text() == "3 / 3"
    rows = view.table.table.rows
    assert [r[0] for r in rows] == [0, 1, 2]
    assert [r[1] for r in rows].count("Best") == 1
    assert [r[4] for r in rows] == [t["value"] for t in said["trials"]]
    best = said["trials"][said["best"]]
    assert view.figures["best"].text() == f"{best['value']:.4g}"
    assert len(view.plots.course.curves()[0].x) == 3
    assert list(view.plots.course.curves()[1].y)[-1] == best["value"]
    assert len(view.plots.scatter.points) == 3
    assert [view.plots.option.itemText(i) for i in range(2)] == ["lr", "width"]
    # The best options go to the first tab, and into a preset.
    view.use.click()
    assert page.tabs.currentIndex() == 0
    assert page.form.form is not None
    assert page.form.form.values()["lr"] == best["params"]["lr"]
    assert page.form.form.values()["data"] == said["fixed"]["data"]
    monkeypatch.setattr(QInputDialog, "getText", lambda *_a, **_k: ("found", True))
    view.keep.click()
    assert page.form.preset.findData("found") > 0
    kept = window.studio.settings.folder / "presets" / "train" / "toy" / "found.toml"
    assert tomllib.loads(kept.read_text()) == {"epochs": 2, **best["params"]}
    # A trial is a run like any other.
    page.tabs.setCurrentIndex(2)
    view._open_row(1)
    qtbot.waitUntil(lambda: page.view.folder == folder / "trials" / "0001", timeout=TIMEOUT)
    assert page.room.currentWidget() is page.view
    assert page.view.history.epoch == 2
    # More trials of the same search.
    page.tabs.setCurrentIndex(2)
    page.desk.go_on(folder, 5)
    qtbot.waitUntil(lambda: view.busy, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not view.busy and len(view.table.table.rows) == 5, timeout=TIMEOUT)
    assert view.figures["trials"].text() == "5 / 5"
    assert read_search(folder).rows[:3][1].params == said["trials"][1]["params"]


@pytest.mark.slow
def test_a_search_of_an_earlier_day_is_shown(
    page: TrainPage, qtbot: QtBot, window: MainWindow
) -> None:
    folder = searched(page, qtbot, trials=2)
    project = folder.parents[2]
    assert searches(project) == [folder]
    page.desk.set_project(project)
    assert page.desk.room.currentWidget() is page.desk.empty
    qtbot.waitUntil(lambda: page.desk.room.currentWidget() is page.desk.view, timeout=TIMEOUT)
    assert page.desk.view.state is not None
    assert page.desk.view.state.ended == 2
    qtbot.waitUntil(lambda: page.desk.form.earlier.count() == 2, timeout=TIMEOUT)
    (folder / "search.json").write_text("{")
    page.desk.show_folder(folder)
    qtbot.waitUntil(lambda: "cannot be read" in page.banner.message.text(), timeout=TIMEOUT)


def test_a_scale_places_numbers_words_and_rates() -> None:
    assert [Scale([1, 2, 3]).place(v) for v in (1, 2, 3)] == [0, 0.5, 1]
    rates = Scale([1e-5, 1e-3, 1e-1])
    assert rates.place(1e-3) == pytest.approx(0.5)
    assert [text for _, text in rates.ticks()] == ["1e-05", "0.001", "0.1"]
    words = Scale(["b", "a", True])
    assert [text for _, text in words.ticks()] == ["a", "b", "true"]
    assert words.place("b") == 0.5
    assert Scale([4, 4]).place(4) == 0.5
    assert Scale([]).ticks() == [(0.5, "0")]
