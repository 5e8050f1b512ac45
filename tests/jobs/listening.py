"""A job run in this process, its events kept, its control at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.core.job import JobContext, JobEvent, JobSpec
from studio.registry.jobs import job_entry, options_for


class Listener:
    """Keeps events; `on(event name, n, act)` acts at the n-th event of that name."""

    def __init__(self) -> None:
        self.events: list[JobEvent] = []
        self.stop_requested = False
        self.cancel_requested = False
        self.values: dict[str, Any] = {}
        self._acts: dict[tuple[str, int], Callable[[], None]] = {}

    def take_values(self) -> Mapping[str, Any]:
        values, self.values = self.values, {}
        return values

    def on(self, name: str, number: int, act: Callable[[], None]) -> None:
        self._acts[name, number] = act

    def emit(self, event: JobEvent) -> None:
        self.events.append(event)
        act = self._acts.get((event.event, len(self.of(event.event))))
        if act is not None:
            act()

    def of(self, name: str) -> list[Mapping[str, Any]]:
        return [e.data for e in self.events if e.event == name]

    def stop(self) -> None:
        self.stop_requested = True

    def cancel(self) -> None:
        self.cancel_requested = True


def run(
    job: str, run_dir: Path, listener: Listener | None = None, **options: object
) -> dict[str, Any]:
    """The job's result. Raises what the job raises."""
    listener = listener or Listener()
    context = JobContext(listener.emit, listener, run_dir, None)
    values = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    return dict(job_entry(job).load()(options_for(JobSpec(job, values)), context))
