"""The rule of the house, checked on the house itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "ultralytics", "openvino", "onnxruntime", "cv2", "av", "labelme")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=os.environ | environment,
        check=False,
    )


def test_rooms_import_only_from_floors_below() -> None:
    done = run("-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [("check", "--no-cache"), ("format", "--check", "--no-cache")])
def test_ruff_is_clean(command: tuple[str, ...]) -> None:
    done = run("-m", "ruff", *command, ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_are_clean() -> None:
    done = run("-m", "pyright", "--pythonpath", sys.executable, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", ["core", "registry", "gui", "io", "cli"])
def test_importing_a_light_room_imports_nothing_heavy(room: str) -> None:
    code = f"""
import importlib, pkgutil, sys, studio.{room} as room
for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):
    importlib.import_module(module.name)
heavy = [name for name in {HEAVY!r} if name in sys.modules]
assert not heavy, heavy
"""
    done = run("-c", code, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr


def test_vendors_stand_in_their_own_plugin() -> None:
    pattern = re.compile(r"^\s*(?:from|import)\s+(ultralytics|labelme)\b", re.MULTILINE)
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for folder in ("studio", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert {(p, n) for p, n in found if not p.startswith("plugins/yolo_pose/")} == set()


def test_plugins_never_import_the_window() -> None:
    pattern = re.compile(r"\b(studio\.gui|PySide6|pyqtgraph)\b")
    paths = list((ROOT / "plugins").rglob("*.py"))
    assert len(paths) > 10, "nothing was looked at"
    assert [p for p in paths if pattern.search(p.read_text(encoding="utf-8"))] == []
    assert pattern.search("from studio.gui.page import Page")


def test_the_host_names_no_family_and_no_vendor() -> None:
    """`studio/` learns of families and targets from manifests alone."""
    pattern = re.compile(r"""["'](yolo-pose|fastpose|kpnet|sixdrepnet|ascend310)["']""")
    named = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in (ROOT / "studio").rglob("*.py")
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert named == []
