"""Environments for tool-chains whose pins fight ours: made when a person agrees, reached by a
process and JSON.

A worker environment is a virtual environment that holds a tool-chain's own packages, exactly as
`resources/workers/<name>.toml` (or a plugin's `workers/<name>.toml`) lists them, and sees this
studio's packages behind them: torch and the studio itself are not installed twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import venv
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import platformdirs
import psutil

import studio
from studio.core import errors
from studio.core.errors import MissingTool, ModelError, StudioError
from studio.core.job import JobContext
from studio.io.files import (
    atomic_folder,
    atomic_write_text,
    part_path,
    problem_of,
    replace,
    write_json,
)
from studio.registry import plugins

FOLDER = "POSE_STUDIO_WORKERS"
READY, MISSING, OUTDATED = "ready", "missing", "outdated"
_STAMP = "worker.txt"
_LOOK_SECONDS = 0.2
_LAST_LINES = 12


@dataclass(frozen=True)
class Worker:
    """One tool-chain. requires: exact requirements, installed as they are listed and nothing else.
    megabytes: what they weigh on the disk. license: whose terms a person accepts with it.
    """

    name: str
    title: str
    requires: tuple[str, ...]
    megabytes: int
    license: str = ""

    @property
    def folder(self) -> Path:
        """Where the environment stands: `POSE_STUDIO_WORKERS`, else the user's data folder."""
        asked = os.environ.get(FOLDER)
        root = Path(asked) if asked else _data_folder() / "workers"
        return root / self.name

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        return self.folder / inside

    def state(self) -> str:
        """`READY`, `MISSING`, or `OUTDATED` where it was made for another list of packages or
        another studio. Cheap: nothing is started.
        """
        stamp = self.folder / _STAMP
        if not self.python.exists() or not stamp.is_file():
            return MISSING
        return READY if stamp.read_text(encoding="utf-8") == self.stamp() else OUTDATED

    def stamp(self) -> str:
        """What an environment made now is known by again."""
        facts = [*self.requires, sys.version, *_host_folders()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def find_worker(name: str) -> Worker:
    """The worker that `resources/workers/<name>.toml` describes, or a file of that name in the
    folder `workers` of a plugin. Raises MissingTool.
    """
    known = _descriptions()
    if name not in known:
        raise MissingTool(
            f"No worker environment is called {name!r}.",
            hint=f"Known are: {', '.join(known) or 'none'}.",
        )
    data = tomllib.loads(known[name].read_text(encoding="utf-8"))
    return Worker(
        name=name,
        title=str(data["title"]),
        requires=tuple(str(r) for r in data["requires"]),
        megabytes=int(data["megabytes"]),
        license=str(data.get("license", "")),
    )


def worker_names() -> tuple[str, ...]:
    """All workers that are described, sorted."""
    return tuple(sorted(_descriptions()))


def _descriptions() -> dict[str, Path]:
    """By name; what comes with the studio stands before a plugin's own."""
    folders = [studio.RESOURCES, *(plugin.folder for plugin in plugins())]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((folder / "workers").glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def install(worker: Worker, context: JobContext, wheels: Path | None = None) -> None:
    """Make the environment; an older one is replaced when the new one is whole.

    wheels: a folder of wheels to install from without any network. Raises MissingTool with the
    installer's own last words, Cancelled.
    """
    if getattr(sys, "frozen", False):
        raise MissingTool(
            "This build of the studio cannot install tools: it has no Python of its own to give them.",
            hint="Install the studio with pip, and use that one for this target.",
        )
    total = len(worker.requires) + 1
    context.progress("install", 0, total)
    with atomic_folder(worker.folder, overwrite=True) as part:
        venv.EnvBuilder(with_pip=False, symlinks=sys.platform != "win32").create(part)
        packages = _site_packages(part)
        command = [
            sys.executable, "-m", "pip", "install", "--no-deps", "--disable-pip-version-check",
            "--no-input", "--progress-bar", "off", "--target", str(packages),
        ]  # fmt: skip
        if wheels is not None:
            command += ["--no-index", "--find-links", str(wheels.expanduser().absolute())]
        seen = 0

        def line(text: str) -> None:
            nonlocal seen
            context.log(text, "debug")
            if text.startswith(("Collecting ", "Processing ")):
                seen += 1
                context.progress("install", min(seen, total - 1), total)

        code, last = follow([*command, *worker.requires], dict(os.environ), context, line)
        if code != 0:
            raise MissingTool(
                f"The tools of {worker.title} could not be installed: {last}",
                where=worker.folder,
                hint="Is the network there? Without one, give a folder of wheels."
                if wheels is None
                else "The folder must hold a wheel of each package, for this system and Python.",
            )
        hosts = "".join(f"import site; site.addsitedir({h!r})\n" for h in _host_folders())
        atomic_write_text(packages / "pose_studio_host.pth", hosts)
        atomic_write_text(part / _STAMP, worker.stamp())
    context.progress("install", total, total)


def remove(worker: Worker) -> None:
    """Take the environment away, at once and whole; where there is none, nothing happens.

    Raises FileProblem.
    """
    if not worker.folder.exists():
        return
    gone = part_path(worker.folder)
    try:
        replace(worker.folder, gone)
    except OSError as error:
        raise problem_of(error, worker.folder, "remove") from error
    shutil.rmtree(gone, ignore_errors=True)


def need(worker: Worker) -> None:
    """Raises MissingTool where the environment is not ready, saying what to do."""
    state = worker.state()
    if state == READY:
        return
    text = (
        f"The tools of {worker.title} are not installed."
        if state == MISSING
        else f"The tools of {worker.title} were installed for another version."
    )
    raise MissingTool(
        text,
        where=worker.folder,
        hint=f"Install them: pose-studio tools {worker.name} (about {worker.megabytes} MB).",
    )


def run_in(
    worker: Worker, function: str, request: Mapping[str, Any], context: JobContext
) -> Mapping[str, Any]:
    """Call `function` ("module:name", importable in the worker; a mapping in, a mapping of plain
    values out) there and give what it returns; every line that it prints is logged at level
    "debug".

    Raises the StudioError that it raised, MissingTool where the environment is not ready,
    ModelError with the tool's last words where it ended otherwise, Cancelled.
    """
    need(worker)
    with tempfile.TemporaryDirectory(prefix="pose-studio-") as folder:
        asked, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        write_json(asked, dict(request))
        command = [
            str(worker.python), "-m", "studio.io.toolchain_inside", function, str(asked), str(answer),
        ]  # fmt: skip
        code, last = follow(
            command, quiet_environment(), context, partial(context.log, level="debug")
        )
        told = orjson.loads(answer.read_bytes()) if answer.is_file() else None
    if told is None or (code != 0 and "error" not in told):
        raise ModelError(
            f"{worker.title} ended with status {code}: {last}", hint="The log holds all it said."
        )
    if "error" in told:
        raise _error_of(told["error"])
    return told["result"]


def _error_of(data: Mapping[str, Any]) -> StudioError:
    kind: Any = getattr(errors, str(data["type"]), StudioError)
    return kind(data["message"], where=data["where"], hint=data["hint"])


def quiet_environment() -> dict[str, str]:
    """A quiet environment in which nothing asks the network for a model."""
    quiet = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_OFFLINE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return {**os.environ, **quiet}


def follow(
    command: Sequence[str],
    environment: Mapping[str, str],
    context: JobContext,
    line: Callable[[str], object],
    folder: Path | None = None,
) -> tuple[int, str]:
    """Run any `command` in `folder` and hand each printed line on; (status, its last lines). A
    cancel ends it and all that it started. Raises Cancelled, OSError where it cannot be started.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        env=dict(environment), encoding="utf-8", errors="replace", cwd=folder,
    )  # fmt: skip
    last: deque[str] = deque(maxlen=_LAST_LINES)

    def read() -> None:
        for text in process.stdout or ():
            text = _PLAIN.sub("", text).strip()
            if text:
                last.append(text)
                line(text)

    reader = threading.Thread(target=read, name="worker-output", daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            context.check()
            time.sleep(_LOOK_SECONDS)
        reader.join()
    finally:
        _end(process)
        reader.join(_LOOK_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
    return process.returncode, " ".join(last)[-1000:] or "it said nothing."


_PLAIN = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def _data_folder() -> Path:
    return Path(platformdirs.user_data_dir("pose-studio", appauthor=False))


def _site_packages(folder: Path) -> Path:
    if sys.platform == "win32":
        return folder / "Lib" / "site-packages"
    return folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def _host_folders() -> tuple[str, ...]:
    """Where this studio's packages stand, and the studio itself where it runs from a checkout."""
    return (*site.getsitepackages(), str(Path(studio.__file__).parent.parent))
