"""What `pip install` brings: the wheel holds its rooms and works away from the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import studio

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean; this machine's setuptools
    is used, so no network is needed."""
    source = tmp_path_factory.mktemp("source")
    for name in ("studio", "plugins", "resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    done = subprocess.run(
        [*command, "--wheel-dir", str(out), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("pose_studio-*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel and, through a .pth, this one's libraries."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--target", str(site), str(wheel)],
        check=True,
    )  # fmt: skip
    import numpy as np

    (site / "host.pth").write_text(str(Path(np.__file__).parents[1]), encoding="utf-8")
    return python


def run(python: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Away from the checkout, so that nothing is found there by accident."""
    command = [str(python), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def packed(wheel: Path, room: str) -> set[str]:
    inside = f"studio/{room}/"
    with zipfile.ZipFile(wheel) as archive:
        return {n.removeprefix(inside) for n in archive.namelist() if n.startswith(inside)}


@pytest.mark.parametrize("room", ["plugins", "resources"])
def test_wheel_holds_every_file_of_the_room(wheel: Path, room: str) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", room], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    names = {n.removeprefix(f"{room}/") for n in tracked if n and (ROOT / n).exists()}
    if not names:  # from an unpacked archive there is no git to ask
        files = (
            p for p in (ROOT / room).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        )
        names = {p.relative_to(ROOT / room).as_posix() for p in files}
    assert names <= packed(wheel, room)
    assert names


def test_wheel_holds_every_module_and_no_tests(wheel: Path) -> None:
    modules = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "studio").rglob("*.py")
        if "__pycache__" not in p.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert modules <= names
    assert not [n for n in names if n.startswith(("tests/", "installer/", "build/"))]


def test_wheel_carries_licence_and_entry_point(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        text = {
            part: archive.read(next(n for n in names if n.endswith(f".dist-info/{part}"))).decode()
            for part in ("METADATA", "entry_points.txt", "licenses/LICENSE")
        }
    assert "License-Expression: AGPL-3.0-or-later" in text["METADATA"]
    assert "Requires-Python: >=3.11" in text["METADATA"]
    assert "pose-studio = studio.__main__:main" in text["entry_points.txt"]
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text["licenses/LICENSE"]


def test_installed_wheel_finds_its_rooms(installed: Path, tmp_path: Path) -> None:
    code = (
        "import json, studio, studio.plugins; from studio import registry\n"
        "print(json.dumps({'at': studio.__file__, 'resources': str(studio.RESOURCES),"
        " 'plugins': sorted(p.name for p in registry.plugins())}))"
    )
    done = run(installed, "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    site = Path(found["at"]).parent
    assert ROOT not in site.parents
    assert Path(found["resources"]) == site / "resources"
    folders = {p.parent.name for p in (ROOT / "plugins").glob("*/plugin.toml")}
    assert folders <= set(found["plugins"])


def test_installed_wheel_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "-m", "studio", "--version", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert studio.__version__ in done.stdout


def test_version_stands_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == studio.__version__
    assert f"## [{studio.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_pyside_stays_off_the_broken_release_on_python_3_11() -> None:
    """6.12.0 lets CPython 3.11 lose a reference to None on every void call."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = [d for d in project["dependencies"] if d.startswith("pyside6-essentials")]
    assert any("<6.12" in pin and "python_version < '3.12'" in pin for pin in pins)
