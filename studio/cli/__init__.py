"""The command line: one sub-command per job; no sub-command opens the window by itself.

    pose-studio [PROJECT]            the window
    pose-studio COMMAND [OPTIONS]    a job, a list

Exit status: 0 done, 1 failed, 2 bad usage, 3 cancelled.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import studio
from studio.cli.commands import COMMANDS, run_command
from studio.core.errors import StudioError, UsageError


def main(arguments: Sequence[str]) -> int:
    """Run `arguments`; the exit status."""
    words = list(arguments)
    _speak_utf8()
    try:
        if words and words[0] in COMMANDS:
            return run_command(words[0], words[1:])
        return _window(words)
    except StudioError as error:
        return report(error, show_traceback="--traceback" in words)
    except SystemExit as stop:  # argparse's own way out: 0 after --help, 2 after bad usage
        return stop.code if isinstance(stop.code, int) else 2


def _speak_utf8() -> None:
    """Into files and pipes too: the code page of Windows lacks most characters. A stream that
    is no terminal takes UTF-8, and what a terminal cannot show does not end the program.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def report(error: StudioError, *, show_traceback: bool) -> int:
    """Say `error` in one line on stderr; its exit status."""
    if show_traceback:
        traceback.print_exception(error)
    sys.stderr.write(f"pose-studio: error: {error}\n")
    return error.exit_status


def _window(words: list[str]) -> int:
    from studio.cli.parser import window_parser

    known = window_parser(COMMANDS).parse_args(words)
    if known.version:
        sys.stdout.write(f"Pose Studio {studio.__version__}\n")
        return 0
    project: Path | None = known.project
    if project is not None and not project.exists():
        raise UsageError(
            f"There is no folder and no command called {str(project)!r}.",
            hint="`pose-studio --help` lists the commands.",
        )
    from studio.gui.app import run_app

    return run_app(project, screenshot=known.screenshot, sample=known.sample)
