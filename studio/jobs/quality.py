"""The quality desk: annotations are looked through for what is probably wrong.

First a sample of the people says what is usual, then every picture is held against it. The result
is {"report": quality.json (the 1,000 most serious findings of each kind), "pictures", "findings",
"kinds": {kind: count}, "problems": [{"where", "message"}], "seconds"}. Nothing is written into the
annotations.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from studio.core.annotation import AnnotatedImage, instances_of
from studio.core.errors import StudioError, UsageError
from studio.core.job import JobContext
from studio.core.requests.quality import QualityOptions
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.files import list_images
from studio.io.findings import NAME, QualityReport, write_report
from studio.io.project import Project
from studio.io.skeletons import load_skeleton
from studio.metrics.quality import Finding, inspect
from studio.metrics.usual import Usual, measures_of, usual_of

# So many pictures say what is usual; more would not change it.
SAMPLE = 3000
# Nobody goes through more of one kind; the counts tell how many there are.
LISTED = 1000
_TELL_SECONDS = 0.2


def run(options: QualityOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, UsageError."""
    started = time.perf_counter()
    files, skeleton = _task(options, context)
    problems: list[dict[str, str]] = []
    usual = _usual(files, skeleton, context)
    found: list[tuple[Path, Finding]] = []
    looked, told = 0, 0.0
    for number, (picture, path) in enumerate(files, 1):
        context.check()
        if context.stop_requested:
            context.log(f"Stopped after {number - 1} of {len(files)} pictures.")
            break
        image = _read(path, problems)
        if image is not None:
            looked += 1
            found += [(picture, finding) for finding in inspect(image, skeleton, usual)]
        if time.monotonic() - told >= _TELL_SECONDS or number == len(files):
            told = time.monotonic()
            context.progress("check", number, len(files))
    kinds = Counter(finding.kind for _, finding in found)
    found = _most_serious(found)
    report = (context.run_dir or Path.cwd()) / NAME
    rows = tuple((picture, finding.to_mapping()) for picture, finding in found)
    write_report(report, QualityReport(skeleton.name, looked, rows, usual.to_mapping()))
    context.artifact("report", report)
    return {
        "report": str(report),
        "pictures": looked,
        "findings": kinds.total(),
        "kinds": dict(kinds.most_common()),
        "problems": problems,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _most_serious(found: Iterable[tuple[Path, Finding]]) -> list[tuple[Path, Finding]]:
    """Sorted, and no more of a kind than somebody will look at."""
    listed: Counter[str] = Counter()
    kept: list[tuple[Path, Finding]] = []
    for picture, finding in sorted(found, key=lambda item: -item[1].severity):
        listed[finding.kind] += 1
        if listed[finding.kind] <= LISTED:
            kept.append((picture, finding))
    return kept


def _task(options: QualityOptions, context: JobContext) -> tuple[list[tuple[Path, Path]], Skeleton]:
    """(picture, annotation file) of all that are annotated, and the skeleton."""
    project = None if context.project is None else Project.open(context.project)
    try:
        if options.skeleton:
            skeleton = load_skeleton(options.skeleton, context.project)
        else:
            skeleton = project.skeletons()[0] if project is not None else load_skeleton("coco17")
        if options.source is not None:
            pictures: Sequence[Path] = list_images(options.source.absolute(), recursive=True)
        elif project is not None:
            context.progress("list", 0, 0)
            project.index.rescan(cancelled=lambda: context.stop_requested)
            rows = project.index.query(options.filter)
            pictures = [project.index.picture(row) for row in rows if row.annotation]
        else:
            raise UsageError(
                "Which pictures? There is no project here.", hint="Give --source FOLDER."
            )
        beside = ((p, labelme.annotation_path(p)) for p in pictures)
        return [(p, path) for p, path in beside if path.is_file()], skeleton
    finally:
        if project is not None:
            project.close()


def _usual(files: Sequence[tuple[Path, Path]], skeleton: Skeleton, context: JobContext) -> Usual:
    step = max(1, len(files) // SAMPLE)
    sample = files[::step]
    measures = []
    for number, (_picture, path) in enumerate(sample, 1):
        context.check()
        image = _read(path, [])
        if image is not None:
            measures += [measures_of(p, skeleton) for p in instances_of(image, skeleton)]
        if number % 200 == 0:
            context.progress("measure", number, len(sample))
    return usual_of(measures, skeleton)


def _read(path: Path, problems: list[dict[str, str]]) -> AnnotatedImage | None:
    try:
        return labelme.read(path)
    except StudioError as problem:
        problems.append({"where": str(path), "message": problem.message})
        return None
