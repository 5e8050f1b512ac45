"""The toy family as a plugin of the studio's own, here and in processes that are started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import studio.registry as registry
from studio.core.job import JobEvent, JobSpec
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job

FAMILIES = Path(__file__).parent / "families"


def with_toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(FAMILIES))
    registry.reload()
    yield
    monkeypatch.undo()
    registry.reload()


def run(
    job: str,
    project: Path,
    control: RemoteControl | None = None,
    listen: Any = None,
    **options: Any,
) -> tuple[JobOutcome, list[JobEvent]]:
    """A job of the toy family through the host; how it ended and what it said."""
    events: list[JobEvent] = []
    control = control or RemoteControl()

    def hear(event: JobEvent) -> None:
        events.append(event)
        if listen is not None:
            listen(event, control)

    plain = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    spec = JobSpec(job, {"family": "toy", **plain}, project=project)
    return run_job(spec, hear, control), events


def stored(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def make_data(folder: Path, pictures: int = 3) -> Path:
    folder.mkdir(parents=True)
    (folder / "pictures.txt").write_text("\n".join(f"p{n}.jpg" for n in range(pictures)))
    return folder
