"""`pose-studio tools` and the list of targets, as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import registry
from studio.cli import main
from studio.io.toolchains import FOLDER
from tests.tooled_plugin import TOOLS, make_plugin

ROOT = Path(__file__).parents[2]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(make_plugin(tmp_path)))
    monkeypatch.setenv(FOLDER, str(tmp_path / "workers"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    registry.reload()
    yield tmp_path / "wheels"
    monkeypatch.undo()
    registry.reload()


def rows(capsysbinary: pytest.CaptureFixture[bytes], *words: str) -> list[dict]:
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_tools_are_listed_installed_and_then_ready(
    wheels: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    listed = {r["name"]: r for r in rows(capsysbinary, "tools")}
    assert listed[TOOLS]["state"] == "missing"
    assert listed[TOOLS]["megabytes"] == 3
    assert listed[TOOLS]["for"] == "kiln"
    target = next(r for r in rows(capsysbinary, "export", "--target", "list") if r["id"] == "kiln")
    assert target["usable"] is False
    assert f"pose-studio tools {TOOLS} (3 MB, MIT)" in target["needs"]
    done = subprocess.run(
        [sys.executable, "-m", "studio", "tools", TOOLS, "--wheels", str(wheels)],
        cwd=ROOT, env=dict(os.environ), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Kiln tools are installed" in done.stdout + done.stderr
    assert "Processing" not in done.stdout + done.stderr, "what pip prints is for the log"
    listed = {r["name"]: r for r in rows(capsysbinary, "tools", "--list")}
    assert listed[TOOLS]["state"] == "ready"
    target = next(r for r in rows(capsysbinary, "export", "--target", "list") if r["id"] == "kiln")
    assert target["usable"] is True


@pytest.mark.usefixtures("wheels")
def test_tools_that_are_not_known_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studio", "tools", "nothing"],
        cwd=ROOT, env=dict(os.environ), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Known are:" in done.stderr
    assert TOOLS in done.stderr
