"""Runs every command of the guides' help pages on sample data and prints what came of each.

    python -m tests.guides [--page NAME] [--keep DIR]

The exit status is 1 where any of them failed. It takes minutes: each training is a real one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studio.cli.parser import add_options, command_parser, given_values
from studio.io.toolchains import FOLDER, READY, Worker, find_worker
from studio.registry import find
from tests.guides.pages import Command, commands_of, guide_pages
from tests.guides.sample import prepare, smaller

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a command ended; `skipped` says why it was not run."""

    command: Command
    status: int
    seconds: float
    said: str
    skipped: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.guides", description=__doc__)
    parser.add_argument("--page", help="this page alone, by (a part of) its name")
    parser.add_argument("--keep", type=Path, help="leave what was made in this folder")
    known = parser.parse_args()
    place = known.keep or Path(tempfile.mkdtemp(prefix="pose-studio-guides-"))
    outcomes: list[Outcome] = []
    console = Console()
    try:
        for page in guide_pages():
            if known.page and known.page not in page.stem:
                continue
            folder = place.resolve() / page.stem
            prepare(page.stem, folder)
            for command in commands_of(page):
                outcomes.append(run(command, folder))
                line = outcomes[-1]
                mark = "skip" if line.skipped else "ok" if line.status == 0 else "FAILED"
                console.print(
                    f"{mark:<7}{line.seconds:6.1f} s  {command.text}", markup=False, soft_wrap=True
                )
                if line.status and not line.skipped:
                    console.print(line.said, markup=False, style="red", soft_wrap=True)
    finally:
        if known.keep is None:
            shutil.rmtree(place, ignore_errors=True)
    console.print(table_of(outcomes))
    return int(any(o.status and not o.skipped for o in outcomes))


def run(command: Command, folder: Path) -> Outcome:
    """One command in the page's folder, in a process of its own."""
    skipped = why_not(command, folder)
    if skipped:
        return Outcome(command, 0, 0.0, "", skipped)
    added = smaller(command.page, command.key, command.words)
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": threads}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "studio", *command.words[1:], *added],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return Outcome(command, done.returncode, time.monotonic() - began, "\n".join(said[-4:]))


def why_not(command: Command, folder: Path) -> str:
    """What keeps a command from being run here, "" where nothing does."""
    if command.words[1] == "tools":
        return "installs from the network"
    # What is written comes with its option in one word.
    missing = [w for w in command.words if w.endswith(".onnx") and not w.startswith("--")]
    missing = [w for w in missing if not (folder / w).is_file()]
    if missing:
        return f"{missing[0]} is not here"
    worker = worker_of(command)
    if worker is not None and worker.state() != READY:
        return f"the tools of {worker.title} are not installed ({FOLDER})"
    return ""


def worker_of(command: Command) -> Worker | None:
    """The tools that an export runs in, where its target has some of its own."""
    if command.words[1] != "export":
        return None
    found = find("target", command.words[command.words.index("--target") + 1])
    parser = command_parser("export", "")
    add_options(parser, found.options_class())
    known, _ = parser.parse_known_args(command.words[2:])
    options = found.options_class().from_mapping(given_values(found.options_class(), known))
    chosen = getattr(found.load(), "worker", None)
    name = found.worker if chosen is None else chosen(options)
    return find_worker(name) if name else None


def table_of(outcomes: list[Outcome]) -> Table:
    """Command and result, page by page."""
    table = Table(title="The guides' commands on sample data")
    for column in ("guide", "command", "result", "s"):
        table.add_column(column, overflow="fold")
    for each in outcomes:
        result = each.skipped or ("ok" if each.status == 0 else f"exit {each.status}")
        table.add_row(each.command.page.removeprefix("coming-from-"), each.command.text, result,
                      f"{each.seconds:.1f}")  # fmt: skip
    return table


if __name__ == "__main__":
    raise SystemExit(main())
