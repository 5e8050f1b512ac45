"""The window asks once a file before a job opens a checkpoint that brings code of its own."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - hostile files are made here
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from studio.core.job import JobSpec
from studio.gui.context import StudioContext
from studio.gui.job import Job
from studio.gui.jobs_drawer import JobRow
from studio.gui.main_window import MainWindow
from studio.gui.settings import Settings
from studio.gui.trust import TrustGuard, Untrusted, ask_in_a_box
from studio.io.images import write_image
from studio.io.trust import AGREED, Probe, fingerprint, probe


class Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"echo run > {self.marker}",)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Weights that leave a marker when they are opened."""
    path = tmp_path / "hostile.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"model": Runs(tmp_path / "marker")}, 2))
        archive.writestr("model/version", "3\n")
        archive.writestr("model/byteorder", "little")
    return path


def spec(weights: Path, tmp_path: Path) -> JobSpec:
    options = {"model": str(weights), "source": str(tmp_path / "one.png")}
    return JobSpec("predict", options, tmp_path / "run")


def test_no_starts_nothing_and_says_why(
    studio: StudioContext, hostile: Path, tmp_path: Path
) -> None:
    asked: list[Probe] = []
    studio.trust.ask = lambda found: bool(asked.append(found))
    for _ in range(2):
        with pytest.raises(Untrusted, match=r"system.*looks hostile") as refused:
            studio.runner.start(spec(hostile, tmp_path))
        assert refused.value.where == str(hostile)
        assert "run code" in refused.value.hint
    assert len(asked) == 2, "a no is not remembered"
    assert asked[0].mischief
    assert studio.runner.jobs == []
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "marker").exists()


def test_trying_again_from_the_drawer(window: MainWindow, hostile: Path, tmp_path: Path) -> None:
    """A retry is asked about too, and a no is told on the page in front."""
    studio = window.studio
    studio.trust.ask = lambda _found: False
    asked = spec(hostile, tmp_path)
    job = Job(asked, tmp_path / "run", parent=studio.runner)
    row = JobRow(job, studio)
    row.retry_button.click()
    assert window.current_page.banner.isVisible()
    assert "looks hostile" in window.current_page.banner.message.text()


def test_a_yes_is_remembered_for_this_content(
    studio: StudioContext, hostile: Path, tmp_path: Path
) -> None:
    asked: list[Probe] = []

    def agree(found: Probe) -> bool:
        asked.append(found)
        return True

    studio.trust.ask = agree
    environment = studio.trust.admit(spec(hostile, tmp_path))
    assert environment == {AGREED: fingerprint(hostile)}
    later = TrustGuard(Settings(studio.settings.folder), agree)
    copy = tmp_path / "copy.pt"
    copy.write_bytes(hostile.read_bytes())
    later.admit(spec(hostile, tmp_path))
    later.admit(spec(copy, tmp_path))
    assert len(asked) == 1, "another window, and a copy of the file"
    with zipfile.ZipFile(hostile, "a") as archive:
        archive.writestr("more.txt", "changed")
    later.admit(spec(hostile, tmp_path))
    assert len(asked) == 2
    assert not (tmp_path / "marker").exists()


def test_a_job_that_was_not_admitted_refuses_by_itself(
    studio: StudioContext, hostile: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """Also where the probe were deceived, the job's process opens only what was agreed to."""
    studio.runner.guard = lambda _spec: {AGREED: ""}
    write_image(tmp_path / "one.png", np.full((64, 64, 3), 90, np.uint8))
    job = studio.runner.start(spec(hostile, tmp_path))
    qtbot.waitUntil(lambda: job.ended, timeout=60_000)
    assert job.state == "failed"
    assert job.problem is not None
    assert "nobody agreed" in job.problem.message
    assert "system" in job.problem.message
    assert not (tmp_path / "marker").exists()


def test_the_page_says_it(window: MainWindow, hostile: Path, tmp_path: Path) -> None:
    window.studio.trust.ask = lambda _found: False
    assert window.open_project(tmp_path)
    window.open_page("evaluate", model=hostile, dataset=tmp_path)
    page = window.current_page
    page.start_button.click()  # type: ignore[attr-defined]
    assert page.banner.isVisible()
    assert "looks hostile" in page.banner.message.text()
    assert str(hostile) in page.banner.hint.text()
    assert not [j for j in window.studio.runner.jobs if j.spec.job == "evaluate"]


@pytest.mark.parametrize(
    ("press", "answer"), [("agree", True), ("escape", False), ("enter", False)]
)
def test_the_question(qtbot: QtBot, hostile: Path, press: str, answer: bool) -> None:
    seen: list[str] = []

    def respond() -> None:
        box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox))
        seen.extend((box.text(), box.informativeText(), box.detailedText()))
        chosen = box.defaultButton() if press == "enter" else box.escapeButton()
        if press == "agree":
            chosen = next(
                b for b in box.buttons() if box.buttonRole(b) == box.ButtonRole.AcceptRole
            )
        assert chosen is not None
        chosen.click()

    QTimer.singleShot(50, respond)
    assert ask_in_a_box(probe(hostile)) is answer
    assert "hostile.pt" in seen[0]
    assert "system" in seen[1]
    assert str(hostile) in seen[2]
