"""The button that fetches published weights, on the real page, from a server on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.pages.train import TrainPage
from studio.runtime.weights import weights_folder
from tests.plugins.test_yolo_release import weights
from tests.serving import served


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> TrainPage:
    dataset = tmp_path / "project" / "datasets" / "people"
    dataset.mkdir(parents=True)
    data = {"v": 1, "name": "people", "counts": {"train": 4, "val": 2}, "skeleton": "coco17"}
    (dataset / "dataset.json").write_text(json.dumps(data), encoding="utf-8")
    assert window.open_project(tmp_path / "project")
    window.open_page("train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    return shown


def test_known_weights_that_are_not_there_are_offered(
    page: TrainPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    form = page.form
    form.set_values({"pretrained": "mine.pt"})
    assert not form.offer.isVisible()
    assert not form.start.isEnabled()
    form.set_values({"pretrained": "yolo11s-pose.pt"})
    assert form.offer.isVisible()
    assert "yolo11s-pose.pt" in form.offer.words.text()
    assert not form.start.isEnabled()
    with served({"/yolo11s-pose.pt": weights()}) as (base, asked):
        assert asked == [], "nothing before the button is pressed"
        monkeypatch.setenv("POSE_STUDIO_WEIGHTS_URL", base)
        form.offer.start.click()
        assert form.offer.cancel.isVisible()
        qtbot.waitUntil(lambda: form.offer.job is None, timeout=60_000)
    assert asked == ["/yolo11s-pose.pt"]
    assert (weights_folder() / "yolo11s-pose.pt").read_bytes() == weights()
    assert not form.offer.isVisible()
    assert form.form is not None
    assert form.form.editors["pretrained"].error.text() == ""
    assert form.start.isEnabled()


def test_what_went_wrong_is_said_on_the_page(
    page: TrainPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    form = page.form
    form.set_values({"pretrained": "yolo11s-pose.pt"})
    with served({}) as (base, _asked):
        monkeypatch.setenv("POSE_STUDIO_WEIGHTS_URL", base)
        form.offer.start.click()
        qtbot.waitUntil(lambda: form.offer.job is None, timeout=60_000)
    assert "404" in page.banner.message.text()
    assert str(weights_folder()) in page.banner.hint.text()
    assert form.offer.isVisible()
    assert form.offer.start.isVisible()
