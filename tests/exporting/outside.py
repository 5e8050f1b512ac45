"""An interpreter that has this one's packages and no studio, for scripts that must not need it."""

from __future__ import annotations

import atexit
import json
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


@cache
def python() -> Path:
    """Its executable. A folder named in a .pth is looked through, but the .pth files in that
    folder, by which an editable studio is found, are not read.
    """
    folder = Path(mkdtemp(prefix="pose-studio-outside-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=False, symlinks=sys.platform != "win32").create(folder)
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    packages = folder / "Lib" / "site-packages"
    if sys.platform != "win32":
        (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder / inside


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it, away from the user's own settings and the checkout."""
    command = [str(python()), "-I", *map(str, words)]
    return subprocess.run(command, cwd=python().parent, capture_output=True, text=True, check=False)


def run_model(
    folder: Path, source: Path, out: Path, more: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What `run_model.py` in `folder` finds in `source`."""
    done = call(folder / "run_model.py", "--source", source, "--out", out, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((out / "predictions.json").read_text(encoding="utf-8"))
