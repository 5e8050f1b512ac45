"""The picture opened in labelme, and what it saves there seen here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.gui.pages.annotate import labelme_link
from studio.gui.pages.annotate.labelme_link import SETTING, labelme_command
from tests.gui.annotating import Hands, annotation, make_project

# Saves as labelme does, a moment after it was opened.
PROGRAM = """
import json, os, pathlib, sys, time
picture = pathlib.Path(sys.argv[1])
assert "QT_API" not in os.environ
time.sleep(0.2)
path = picture.with_suffix(".json")
data = json.loads(path.read_text())
data["shapes"][0]["label"] = "dog"
path.write_text(json.dumps(data, indent=2))
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "fake labelme.py"
    path.write_text(PROGRAM)
    return f'"{sys.executable}" "{path}"'


def test_what_the_other_program_saves_is_taken_on(
    hands: Hands, program: str, tmp_path: Path
) -> None:
    pictures = make_project(tmp_path / "p", 1)
    annotation(pictures[0], [{"label": "cat", "points": [[5.0, 5.0]]}])
    page = hands.open(tmp_path / "p", 1)
    page.studio.settings.set(SETTING, program)
    page.document.select([0])
    page.editor.nudge(3, 0)
    assert page.assist.labelme.open()
    hands.wait_until(lambda: hands.labels() == ["dog"], timeout=8000)
    assert page.document.content.shapes[0].points == ((8.0, 5.0),)
    page.undo()
    assert hands.labels() == ["cat"]


def test_unsaved_edits_are_asked_about(hands: Hands, program: str, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 1)
    annotation(pictures[0], [{"label": "cat", "points": [[5.0, 5.0]]}])
    page = hands.open(tmp_path / "p", 1)
    page.studio.settings.set(SETTING, program)
    assert page.assist.labelme.open()
    page.document.select([0])
    page.editor.nudge(3, 0)
    hands.wait_until(page.parts.conflict.isVisible, timeout=8000)
    assert hands.labels() == ["cat"]


def test_without_labelme_it_says_how_to_get_it(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path / "p", 1)
    page = hands.open(tmp_path / "p", 1)
    monkeypatch.setattr(labelme_link, "labelme_command", lambda _own: ())
    assert not page.assist.labelme.open()
    assert "pip install" in page.banner.hint.text()
    page.studio.settings.set(SETTING, str(tmp_path / "nothing"))
    monkeypatch.setattr(labelme_link, "labelme_command", labelme_command)
    assert not page.assist.labelme.open()
    assert "could not be started" in page.banner.message.text()


def test_the_real_one_is_found() -> None:
    command = labelme_command()
    if not command:
        pytest.skip("labelme is not installed")
    env = {k: v for k, v in os.environ.items() if k not in labelme_link._OURS}
    done = subprocess.run([*command, "--version"], env=env, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"labelme" in done.stdout.lower()
