"""The virtual environment: made, filled, and known to be ready by its stamp."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_setup import ROOT
from pose_setup.console import SetupError, say
from pose_setup.pip import run_pip, sources

STAMP = "pose-studio-setup.json"
LOG = "pose-studio-setup.log"
STAMP_VERSION = 1
NEEDED_GB = {"all": 8, "test": 9}


def interpreter() -> str:
    """What an environment depends on of the Python that made it."""
    return f"{sys.implementation.cache_tag} {sys.platform} {platform.machine()}"


@dataclass(frozen=True)
class Environment:
    """A virtual environment in `folder` that holds the studio of the checkout `root`."""

    folder: Path
    root: Path = ROOT

    @property
    def python(self) -> Path:
        """Its interpreter, whether it is there yet or not."""
        inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return self.folder.joinpath(*inside)

    @property
    def site_packages(self) -> Path:
        """Where its packages stand."""
        if os.name == "nt":
            return self.folder / "Lib" / "site-packages"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    @property
    def log(self) -> Path:
        """Everything that pip said while it was filled."""
        return self.folder / LOG

    def stamp(self) -> dict[str, Any]:
        """What is known of its state; empty where nothing is, or the file is damaged."""
        try:
            data = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def write_stamp(self, state: str, extras: frozenset[str]) -> None:
        """Note the state ("making", "installing", "ready") so that a broken-off run is seen."""
        data = {
            "v": STAMP_VERSION,
            "state": state,
            "extras": sorted(extras),
            "interpreter": interpreter(),
            "root": str(self.root),
            "folder": str(self.folder),
            "pyproject": fingerprint(self.root),
        }
        beside = self.folder / (STAMP + ".new")
        beside.write_text(json.dumps(data, indent=1), encoding="utf-8")
        beside.replace(self.folder / STAMP)

    def fits(self) -> bool:
        """Whether it was made by this Python for this checkout and stands where it was made."""
        stamp = self.stamp()
        return (
            stamp.get("v") == STAMP_VERSION
            and stamp.get("state") in ("installing", "ready")
            and stamp.get("interpreter") == interpreter()
            and stamp.get("root") == str(self.root)
            and stamp.get("folder") == str(self.folder)
            and self.python.exists()
        )

    def ready(self, extras: frozenset[str]) -> bool:
        """Whether nothing needs doing before the studio with `extras` can start."""
        stamp = self.stamp()
        return (
            self.fits()
            and stamp.get("state") == "ready"
            and extras <= frozenset(stamp.get("extras", ()))
            and stamp.get("pyproject") == fingerprint(self.root)
        )


def fingerprint(root: Path) -> str:
    """SHA-256 of what decides which packages are wanted."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "setup.py"):
        path = root / name
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def set_up(env: Environment, extras: frozenset[str], *, wheels: Path | None = None) -> None:
    """Bring `env` to hold the studio with `extras`; nothing is done where it does already.

    Raises SetupError; whatever was reached is kept and the next call goes on from it.
    """
    if env.ready(extras):
        return
    if wheels is not None:
        check_wheels(wheels)
    with only_one(env.folder):
        if env.ready(extras):  # another set-up finished while this one waited
            return
        started = time.monotonic()
        make(env, extras)
        extras |= frozenset(env.stamp().get("extras", ()))
        fill(env, extras, wheels)
        verify(env, extras)
        env.write_stamp("ready", extras)
        say(f"Ready after {time.monotonic() - started:.0f} s.")


def check_wheels(wheels: Path) -> None:
    """Raise SetupError unless `wheels` is a folder with packages in it."""
    if not wheels.is_dir() or not any(wheels.glob("*.whl")):
        raise SetupError(
            f"There are no packages (*.whl) in {wheels}.",
            hint="Collect them where there is a network: python installer/bootstrap.py wheels DIR",
        )


def make(env: Environment, extras: frozenset[str], step: str = "[1/3]") -> None:
    """Make the environment where there is none that fits; one broken off is cleaned or made anew."""
    if env.fits():
        say(f"{step} Going on with the virtual environment in {env.folder}")
        clean_half_installed(env.site_packages)
        env.write_stamp("installing", extras | frozenset(env.stamp().get("extras", ())))
        return
    if env.folder.exists():
        clear(env.folder)
    warn_of_space(env.folder.parent, extras)
    say(f"{step} Making a virtual environment in {env.folder}")
    env.folder.mkdir(parents=True, exist_ok=True)
    env.write_stamp("making", extras)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(env.folder)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(
            "Python could not make a virtual environment:",
            details=said[-8:],
            hint=f"On Debian and Ubuntu: sudo apt-get install python{version}-venv"
            if "ensurepip" in "\n".join(said)
            else "Check that the folder may be written and the disk has room.",
        )
    env.write_stamp("installing", extras)


def clear(folder: Path) -> None:
    """Remove an environment. Raises SetupError where the folder is something else."""
    ours = (folder / STAMP).exists() or (folder / "pyvenv.cfg").exists()
    if not folder.is_dir() or (not ours and any(folder.iterdir())):
        raise SetupError(
            f"{folder} is there already and is no virtual environment; nothing was touched.",
            hint="Give another place with --venv DIR.",
        )
    say(f"      The environment in {folder} is unfinished or of another Python: making it anew.")
    shutil.rmtree(folder)


def warn_of_space(folder: Path, extras: frozenset[str]) -> None:
    """Say so where the disk has less room than the packages took when this was written."""
    if sys.platform != "linux":
        return  # elsewhere torch brings no CUDA libraries and the set is far smaller
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    needed = max((NEEDED_GB.get(e, 0) for e in extras), default=0)
    if free < needed:
        say(f"      Only {free:.1f} GB are free and about {needed} GB are needed; trying anyway.")


def clean_half_installed(site_packages: Path) -> None:
    """Remove what a killed pip leaves: `~name` folders, and packages whose RECORD, which is
    written last, is missing; pip would take those for installed.
    """
    if not site_packages.is_dir():
        return
    for path in site_packages.iterdir():
        unfinished = path.name.endswith(".dist-info") and not (path / "RECORD").exists()
        if path.name.startswith("~") or unfinished:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def fill(env: Environment, extras: frozenset[str], wheels: Path | None) -> None:
    """Install the checkout, editable, with `extras`: one pip command, so that torch and
    torchvision are chosen together.
    """
    where = f"the packages in {wheels}" if wheels else "the package index"
    say(f"[2/3] Installing from {where} (extras: {', '.join(sorted(extras))})")
    target = f"{env.root}[{','.join(sorted(extras))}]" if extras else str(env.root)
    run_pip(
        env.python,
        ["install", *sources(wheels), "--editable", target],
        log=env.log,
        wheels=wheels,
    )


CHECKS = {
    "studio": "the studio itself",
    "torchvision": "torch and torchvision as a pair",
    "openvino": "OpenVINO",
}


def verify(env: Environment, extras: frozenset[str]) -> None:
    """Import what only shows at import whether it fits. Raises SetupError."""
    say("[3/3] Checking that the packages work together")
    names = ["studio", "openvino"] + (["torchvision"] if extras & {"all", "yolo"} else [])
    for name in names:
        if name != "studio" and not any(env.site_packages.glob(f"{name}/__init__.py")):
            continue  # the checkout does not ask for it
        done = subprocess.run(
            [str(env.python), "-c", f"import {name}"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise SetupError(
                f"{name} is installed but does not work ({CHECKS[name]}):",
                details=done.stderr.strip().splitlines()[-6:],
                hint=f"Remove {env.folder} and run this again, so that pip chooses all packages "
                "together; a torch from another source in pip's settings is the usual cause.",
            )


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the right to change `folder`; wait, saying so, while another set-up has it."""
    person = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    name = hashlib.sha256(f"{person} {folder}".encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"pose-studio-setup-{name}.lock"
    with path.open("a+b") as file:
        said = False
        while not _lock(file.fileno()):
            if not said:
                say(f"Another set-up is at work in {folder}; waiting for it.")
                said = True
            time.sleep(0.5)
        yield


def _lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
