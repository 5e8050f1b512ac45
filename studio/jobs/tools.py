"""Install or remove the tools of a target that stand in an environment of their own.

The result is {"tools": name, "state": "ready" or "missing", "folder"}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.core.errors import FileProblem
from studio.core.job import JobContext
from studio.core.requests.tools import ToolsOptions
from studio.io.toolchains import READY, find_worker, install, need, remove
from studio.registry import Contribution
from studio.registry.interfaces import WorkerByOptions


def run(options: ToolsOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises MissingTool with the installer's last words, FileProblem where the
    folder of wheels holds none, Cancelled.
    """
    worker = find_worker(options.name)
    if options.remove:
        remove(worker)
        context.log(f"The tools of {worker.title} are removed.")
    else:
        if options.wheels is not None:
            check_wheels(options.wheels)
        install(worker, context, options.wheels)
        context.log(f"The tools of {worker.title} are installed.")
    return {"tools": worker.name, "state": worker.state(), "folder": str(worker.folder)}


def ensure_tools(
    target: Contribution, agreed: bool, context: JobContext, options: Any = None
) -> None:
    """What `target` runs in is there afterwards: it is installed where a person `agreed`.

    options: the target's own, by which some choose between tools (`WorkerByOptions`). Raises
    MissingTool, Cancelled.
    """
    name = target.worker
    loaded = target.load() if name and options is not None else None
    if isinstance(loaded, WorkerByOptions):
        name = loaded.worker(options)
    if not name:
        return
    worker = find_worker(name)
    if worker.state() != READY and agreed:
        install(worker, context)
    need(worker)


def check_wheels(folder: Path) -> None:
    """Raises FileProblem where `folder` is none, or holds no wheels."""
    if not folder.expanduser().is_dir():
        raise FileProblem("There is no such folder.", where=folder)
    if not any(folder.expanduser().glob("*.whl")):
        raise FileProblem(
            "This folder holds no wheels.",
            where=folder,
            hint="Fill it where the network is: pip download --no-deps NAME==VERSION.",
        )
