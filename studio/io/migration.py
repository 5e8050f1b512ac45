"""Annotation files brought from one skeleton to another: planned, shown, done and taken back.

change = SkeletonChange(old, new, renamed={"hand": "left_wrist"})
found = plan(annotation_files(folder)[0], change)      # nothing is written
snapshot = apply(found, store, extra={toml: text})     # one step, with the skeleton's file
snapshot = snapshots.revert(snapshot)                  # undone; again: redone
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.core.errors import Cancelled, Problem, StudioError
from studio.core.skeleton_change import SkeletonChange, migrated
from studio.io import labelme, snapshots
from studio.io.files import read_bytes
from studio.io.journal import content_hash
from studio.io.snapshots import Snapshot, revert

__all__ = ["FilePlan", "MigrationPlan", "SkeletonChange", "Snapshot", "apply", "plan", "revert"]

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class FilePlan:
    """One annotation file that would change: its content's hash, and counts of what."""

    path: Path
    content: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class MigrationPlan:
    """What a change would do. problems: files that cannot be read and would be left alone.

    counts: over all files, see `studio.core.skeleton_change.migrated`, with "files".
    """

    change: SkeletonChange
    files: tuple[FilePlan, ...]
    problems: tuple[Problem, ...]
    looked_at: int

    @property
    def counts(self) -> Mapping[str, int]:
        """Totals over all files."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.counts)
        total["files"] = len(self.files)
        return total


def plan(
    files: Iterable[Path],
    change: SkeletonChange,
    *,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> MigrationPlan:
    """Look through annotation files; nothing is written. Raises Cancelled."""
    listed = list(files)
    planned: list[FilePlan] = []
    problems: list[Problem] = []
    for number, path in enumerate(listed, 1):
        if cancelled is not None and cancelled():
            raise Cancelled
        try:
            data = read_bytes(path)
            _, counts = migrated(labelme.parse(data, path), change)
        except StudioError as error:
            where = error.where or str(path)
            problems.append(Problem(error.message, where=where, hint=error.hint))
        else:
            if counts:
                planned.append(FilePlan(path, content_hash(data), counts))
        if progress is not None:
            progress(number, len(listed))
    return MigrationPlan(change, tuple(planned), tuple(problems), len(listed))


def apply(
    planned: MigrationPlan,
    store: Path,
    *,
    extra: Mapping[Path, str] | None = None,
    title: str = "",
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Snapshot:
    """Change every planned file, each in one step, all or none; `snapshots.revert` undoes it.

    store: where snapshots are kept (`<project>/.studio/snapshots`). extra: texts to write in the
    same step, such as the skeleton's own file. Raises FileProblem where a file is no longer as it
    was planned, or cannot be written; all are then as they were. Raises Cancelled likewise.
    """

    def changes() -> Generator[tuple[Path, bytes | None], None, None]:
        for file in planned.files:
            old = read_bytes(file.path)
            after, _ = migrated(labelme.parse(old, file.path), planned.change)
            yield file.path, labelme.dumps(after, like=old, path=file.path)
        for path, text in (extra or {}).items():
            yield path, text.encode("utf-8")

    return snapshots.apply(
        changes(),
        store,
        title=title,
        progress=progress,
        cancelled=cancelled,
        expect={file.path: file.content for file in planned.files},
    )
