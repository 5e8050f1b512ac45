"""Pre-labelling: a model proposes people on pictures, to be accepted, corrected or rejected.

What it proposes stands in `proposals.jsonl`, a line a picture: {"picture", "size": [w, h], "score":
the lowest, "people": [[labelme shapes of one person], ...]}. With `write` it is also put into the
annotation files, in one step whose snapshot undoes it. Accepted people are never touched.

The result is {"proposals", "pictures", "people", "left_out" (lie on accepted people), "skipped"
(had people), "doubtful": [{"picture", "score"}] lowest first, "problems": [{"where", "message"}],
"snapshot": folder or None, "seconds"}. A stop keeps what was finished.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.annotation import AnnotatedImage, Instance, instances_of
from studio.core.artifact import ModelArtifact
from studio.core.errors import StudioError, UsageError
from studio.core.job import JobContext
from studio.core.prelabels import instance_of, joint_order, without_proposals
from studio.core.requests.prelabel import PrelabelOptions
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.images import read_image
from studio.io.project import Project
from studio.io.proposals import NAME, PictureProposals, write_proposals
from studio.io.skeletons import load_skeleton
from studio.io.snapshots import FOLDER, edit_files
from studio.runtime.predictor import PeopleFinder, predictor_for
from studio.runtime.sources import ImagesSource, open_source
from studio.vision.proposals import propose

_TELL_SECONDS = 0.2
_DOUBTFUL = 1000


def run(options: PrelabelOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, ModelError, DeviceError, UsageError, DataError."""
    started = time.perf_counter()
    pictures, skeleton = _task(options, context)
    with predictor_for(options) as predictor:
        work = _Work(options, context, predictor, skeleton)
        work.look(pictures)
    folder = context.run_dir or Path.cwd()
    proposals = folder / NAME
    write_proposals(proposals, work.proposals(), skeleton)
    context.artifact("proposals", proposals)
    snapshot = None
    if options.write:
        snapshot = work.write((context.project or folder) / FOLDER)
    doubtful = [
        {"picture": str(picture), "score": score}
        for score, picture in sorted(
            (min(p.score or 0.0 for p in people), picture)
            for picture, people in work.found.items()
            if people
        )
    ]
    return {
        "proposals": str(proposals),
        "pictures": len(work.found),
        "people": sum(map(len, work.found.values())),
        "left_out": work.left_out,
        "skipped": work.skipped,
        "doubtful": doubtful[:_DOUBTFUL],
        "problems": work.problems,
        "snapshot": None if snapshot is None else str(snapshot),
        "seconds": round(time.perf_counter() - started, 3),
    }


def _task(options: PrelabelOptions, context: JobContext) -> tuple[Sequence[Path], Skeleton]:
    """The pictures to look at and the skeleton to label with."""
    project = None if context.project is None else Project.open(context.project)
    try:
        if options.skeleton:
            skeleton = load_skeleton(options.skeleton, context.project)
        else:
            skeleton = project.skeletons()[0] if project is not None else load_skeleton("coco17")
        if options.source:
            source = open_source(options.source)
            try:
                if not isinstance(source, ImagesSource):
                    raise UsageError(
                        "Only pictures can be pre-labelled.",
                        where=options.source,
                        hint="Make pictures of a video's frames first (frames).",
                    )
                return tuple(p.absolute() for p in source.paths), skeleton
            finally:
                source.close()
        if project is None:
            raise UsageError(
                "Which pictures? There is no project here.", hint="Give --source FOLDER."
            )
        context.progress("list", 0, 0)
        project.index.rescan(cancelled=lambda: context.stop_requested)
        rows = project.index.query(options.filter)
        return tuple(project.index.picture(row) for row in rows), skeleton
    finally:
        if project is not None:
            project.close()


@dataclass
class _Work:
    options: PrelabelOptions
    context: JobContext
    predictor: PeopleFinder
    skeleton: Skeleton
    found: dict[Path, tuple[Instance, ...]] = field(default_factory=dict)
    sizes: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    skipped: int = 0
    left_out: int = 0

    def look(self, pictures: Sequence[Path]) -> None:
        """Ask the model about every picture, until a stop is asked."""
        artifact = self.predictor.artifact
        order = joint_order(artifact.skeleton, self.skeleton)
        source = _name_of(artifact)
        told = 0.0
        for number, picture in enumerate(pictures, 1):
            self.context.check()
            if self.context.stop_requested:
                self.context.log(f"Stopped after {number - 1} of {len(pictures)} pictures.")
                break
            try:
                self._look_at(picture, order, source)
            except StudioError as problem:
                self.problems.append({"where": str(picture), "message": problem.message})
                self.context.log(f"{picture}: {problem.message}", "warning")
            if time.monotonic() - told >= _TELL_SECONDS or number == len(pictures):
                told = time.monotonic()
                self.context.progress("prelabel", number, len(pictures))

    def _look_at(self, picture: Path, order: Sequence[int], source: str) -> None:
        path = labelme.annotation_path(picture)
        image = labelme.read(path) if path.is_file() else labelme.new_image(picture, (0, 0))
        if self.options.only_empty and _has_people(image, self.skeleton):
            self.skipped += 1
            return
        frame = read_image(picture)
        people = tuple(
            instance_of(p, order, self.skeleton, source, kp_conf=self.options.kp_conf)
            for p in self.predictor.predict(frame)
        )
        result = propose(image, people, self.skeleton, overlap=self.options.overlap)
        self.left_out += result.left_out
        if result.added or image != without_proposals(image):
            self.found[picture] = people
            self.sizes[picture] = (frame.shape[1], frame.shape[0])

    def proposals(self) -> list[PictureProposals]:
        """What goes into the file."""
        return [PictureProposals(p, self.sizes[p], people) for p, people in self.found.items()]

    def write(self, store: Path) -> Path | None:
        """Put the proposals into the annotation files."""

        def change(picture: Path, image: AnnotatedImage) -> AnnotatedImage | None:
            if self.options.only_empty and _has_people(image, self.skeleton):
                return None
            people = self.found[picture]
            return propose(image, people, self.skeleton, overlap=self.options.overlap).image

        problems: list[StudioError] = []
        snapshot = edit_files(
            self.found,
            change,
            store,
            title="Pre-label",
            progress=lambda done, total: self.context.progress("write", done, total),
            cancelled=lambda: self.context.control.cancel_requested,
            problems=problems,
        )
        self.problems += [{"where": p.where or "", "message": p.message} for p in problems]
        return None if snapshot is None else snapshot.folder


def _has_people(image: AnnotatedImage, skeleton: Skeleton) -> bool:
    return bool(instances_of(without_proposals(image), skeleton))


def _name_of(artifact: ModelArtifact) -> str:
    """What the model is called in the files: its weights' name, or its run's."""
    stem = artifact.weights.stem
    if stem not in ("best", "last"):
        return stem
    folder = artifact.weights.parent
    return folder.parent.name if folder.name == "weights" else folder.name
