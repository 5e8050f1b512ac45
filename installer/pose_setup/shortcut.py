"""Puts the studio into the desktop's menu, for this person alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pose_setup.console import SetupError, say
from pose_setup.environment import Environment

NAME = "pose-studio"


def shortcut(env: Environment) -> int:
    """Write the menu entry that starts the studio of `env`. Raises SetupError."""
    if not env.ready(frozenset({"all"})):
        raise SetupError(
            "The studio is not set up yet.", hint="Run it first: python installer/bootstrap.py run"
        )
    if sys.platform == "win32":
        written = _windows(env)
    elif sys.platform == "linux":
        written = _linux(env)
    else:
        raise SetupError("Menu entries are made on Windows and Linux only.")
    say(f"Written: {written}")
    return 0


def _linux(env: Environment) -> Path:
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    entry = (env.root / "installer" / "desktop" / f"{NAME}.desktop").read_text(encoding="utf-8")
    command = str(env.python.with_name(NAME)).replace("\\", "\\\\").replace('"', '\\"')
    entry = entry.replace(f"Exec={NAME} %f", f'Exec="{command}" %f')
    icon = data / "icons" / "hicolor" / "scalable" / "apps" / f"{NAME}.svg"
    icon.parent.mkdir(parents=True, exist_ok=True)
    icon.write_bytes((env.root / "resources" / "icons" / f"{NAME}.svg").read_bytes())
    target = data / "applications" / f"{NAME}.desktop"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(entry, encoding="utf-8")
    return target


def _windows(env: Environment) -> Path:
    menu = Path(os.environ["APPDATA"], "Microsoft", "Windows", "Start Menu", "Programs")
    target = menu / "Pose Studio.lnk"
    python = env.python.with_name("pythonw.exe")
    # The paths go through the environment, so that nothing in them is read as PowerShell.
    script = (
        "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:STUDIO_LINK);"
        "$link.TargetPath = $env:STUDIO_PYTHON; $link.Arguments = '-P -m studio';"
        "$link.Save()"
    )
    done = subprocess.run(
        ["powershell", "-NoProfile", "-Command", script],
        env={**os.environ, "STUDIO_LINK": str(target), "STUDIO_PYTHON": str(python)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(
            "Windows did not take the menu entry:", details=done.stderr.strip().splitlines()[-4:]
        )
    return target
