"""Tells a running job's events to the person at the console, or as JSON Lines to a program."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from typing import IO, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from studio.core import job as names
from studio.core.job import JobEvent, JobSpec

WINDOWS = os.name == "nt"
CONSOLE = "CONOUT$"


def run_in_console(spec: JobSpec, *, as_json: bool, show_traceback: bool) -> int:
    """Run the job in this process; its exit status."""
    from studio.jobs.control import RemoteControl
    from studio.jobs.host import pipe_listener, private_stdout, run_job, signals_cancel

    control = RemoteControl()
    with signals_cancel(control), _private_stderr() as stderr:
        if as_json:
            outcome = run_job(spec, pipe_listener(private_stdout()), control)
        else:
            with _private(1, private_stdout) as stdout:
                console = Console(file=stdout, highlight=False)
                with _Narrator(console) as narrator:
                    outcome = run_job(spec, narrator.tell, control)
        if outcome.error is not None:
            stderr.write(f"pose-studio: error: {_one_line(outcome.error)}\n")
            if show_traceback:
                stderr.write(str(outcome.error.get("traceback", "")))
        elif outcome.status == "cancelled":
            stderr.write("pose-studio: cancelled; what was finished is kept.\n")
    return outcome.exit_status


def _private_stderr() -> IO[str]:
    from studio.jobs.host import duplicate, flush_output

    flush_output()
    return _private(2, lambda: os.fdopen(duplicate(2), "wb", buffering=0))


def _private(descriptor: int, duplicate: Callable[[], IO[bytes]]) -> IO[str]:
    """UTF-8 text to where 1 or 2 goes now. The console of Windows reads bytes in its own code
    page; opened by its name it takes every character.
    """
    if WINDOWS and os.isatty(descriptor):
        return open(CONSOLE, "w", encoding="utf-8", errors="replace", buffering=1)  # noqa: PTH123
    return io.TextIOWrapper(duplicate(), "utf-8", errors="replace", write_through=True)


def _one_line(error: Mapping[str, Any]) -> str:
    where = f" ({error['where']})" if error.get("where") else ""
    hint = f" {error['hint']}" if error.get("hint") else ""
    return " ".join(f"{error['message']}{where}{hint}".split())


class _Narrator:
    """Progress bars by stage, a line per epoch, warnings, and what was made."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Narrator:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, event: JobEvent) -> None:
        """Show one event; unknown ones are ignored."""
        data = event.data
        match event.event:
            case names.PROGRESS:
                self._bar(str(data["stage"]), int(data["done"]), int(data["total"]))
            case names.METRICS if data["split"] in ("val", "train_epoch"):
                values = "  ".join(_metric(k, v) for k, v in data["values"].items())
                # Epoch 0 is a judgement by itself, not one of a training.
                of = f"epoch {data['epoch']:>3}  {data['split']:<11}  " if data["epoch"] else ""
                self._say(of + values)
            case names.LOG if data["level"] == "debug":
                pass  # what a tool prints; `--json` gives it
            case names.LOG:
                style = {"warning": "[yellow]", "error": "[red]"}.get(str(data["level"]), "")
                self._say(f"{style}{escape(str(data['message']))}")
            case names.ARTIFACT:
                self._say(f"made  {data['kind']}: {escape(str(data['path']))}")
            case "status":
                hint = f" {data['hint']}" if data.get("hint") else ""
                self._say(f"{data['state']}: {escape(str(data['message']) + hint)}")
            case names.FINISHED if data["status"] == "ok":
                self._result(data.get("result") or {})
            case _:
                pass

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def _bar(self, stage: str, done: int, total: int) -> None:
        if not self._tasks:
            self._progress.start()  # not before: an empty one still writes a line
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total or None)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)

    def _result(self, result: Mapping[str, Any]) -> None:
        for name, value in result.items():
            if isinstance(value, str | int | float):
                self._say(f"{name}: {escape(_plain(value))}")


def _metric(name: str, value: object) -> str:
    return f"{name} {value:.4g}" if isinstance(value, int | float) else f"{name} -"


def _plain(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
