"""A checkout in miniature: the real `installer/` beside a studio of a few lines, whose packages
are wheels made here. Everything runs through real pip and real processes, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "installer"))

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "pose-studio"
version = "0.1.0"
"""

# A build backend of our own, so that an editable install needs nothing from outside.
BACKEND = '''
import os, time, zipfile

ROOT = os.path.dirname(os.path.abspath(__file__))
NAME = "pose_studio-0.1.0"
METADATA = """Metadata-Version: 2.1
Name: pose-studio
Version: 0.1.0
Provides-Extra: all
Provides-Extra: test
Requires-Dist: brush
Requires-Dist: easel; extra == "test"
"""

def build_wheel(folder, config_settings=None, metadata_directory=None):
    slow = os.environ.get("SLOW_BUILD")
    if slow:
        open(slow, "w").close()
        time.sleep(60)
    name = NAME + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("pose_studio.pth", ROOT)
        wheel.writestr(NAME + ".dist-info/METADATA", METADATA)
        wheel.writestr(NAME + ".dist-info/WHEEL",
                       "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(NAME + ".dist-info/RECORD", "")
    return name

build_editable = build_wheel
'''

STUDIO = """
import os, sys
import brush
print("studio", *sys.argv[1:], "| platform", os.environ.get("QT_QPA_PLATFORM", "-"))
"""

PYTEST = """
import sys
print("suite", *sys.argv[1:])
sys.exit(5)
"""


def make_wheel(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """A pure wheel of version 1.0 that holds `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@dataclass(frozen=True)
class Checkout:
    """The miniature and the folder of wheels that it may be installed from."""

    root: Path
    wheels: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "installer" / "bootstrap.py"), *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYTHONPATH")
        env = {k: v for k, v in os.environ.items() if k not in hidden}
        # Neither of these may be asked when the packages come from a folder.
        env.update(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", **variables)
        return env

    def start(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The bootstrap as a person starts it, without a screen."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )


def new_checkout(folder: Path) -> Checkout:
    """A checkout with spaces in its path, as people have."""
    root = folder / "my checkout"
    shutil.copytree(
        ROOT / "installer", root / "installer", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "studio").mkdir()
    (root / "studio" / "__init__.py").write_text("", encoding="utf-8")
    (root / "studio" / "__main__.py").write_text(STUDIO, encoding="utf-8")
    (root / "backend.py").write_text(BACKEND, encoding="utf-8")
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    wheels = folder / "wheels"
    make_wheel(wheels, "brush", {"brush.py": "HAIRS = 12\n"})
    return Checkout(root, wheels)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return new_checkout(tmp_path)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout that was set up once by `run --wheels`."""
    checkout = new_checkout(tmp_path_factory.mktemp("used"))
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout
