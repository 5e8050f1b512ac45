"""What a live session keeps: a recording, snapshots, frames to annotate."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import StudioError
from studio.core.job import JobContext
from studio.core.prelabels import instance_of, joint_order, proposed_shapes
from studio.core.requests.live import LiveOptions
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.files import disk_is_full
from studio.io.images import write_image
from studio.io.project import Project
from studio.jobs.live.recorder import Look, Recorder, drawn
from studio.runtime.predictor import Found, PeopleFinder
from studio.runtime.sources import Source, SourceFrame
from studio.vision.drawing import DrawStyle
from studio.vision.trails import Trails

# Doubtful frames follow each other closely and look alike: one a second is enough.
_DOUBT_SECONDS = 1.0
DISK_FULL = "disk-full"

# Called with a state, a message and a hint.
Status = Callable[[str, str, str], None]


class Keeper:
    """A disk that takes no more ends what was being kept, and says so; Live goes on."""

    def __init__(self, context: JobContext, predictor: PeopleFinder, status: Status) -> None:
        self._context = context
        self._predictor = predictor
        self._status = status
        self._recorder: Recorder | None = None
        self._recorded_as = ""
        # A recording that failed begins again only when somebody asks for it again.
        self._gave_up = False
        self._trails = Trails()
        self._doubt_at = -_DOUBT_SECONDS
        # Nor is every second said again that doubtful frames cannot be kept.
        self._doubts_failed = False
        self._snapshot = False
        self.saved: list[Path] = []

    @property
    def recording(self) -> bool:
        """Whether what comes is being written."""
        return self._recorder is not None

    @property
    def milliseconds(self) -> float | None:
        """What drawing and writing the newest recorded frame took; None without a recording."""
        return None if self._recorder is None else self._recorder.milliseconds

    def snap(self) -> None:
        """Keep the next frame as a picture."""
        self._snapshot = True

    def keep(
        self, frame: SourceFrame, found: Found, source: Source, options: LiveOptions, fps: float
    ) -> None:
        """Record, snapshot and doubtful frames, as the options ask."""
        style = DrawStyle(
            options.kp_radius,
            options.line_thickness,
            options.kp_conf,
            heads=options.head_draw,
            head_size=options.head_size,
        )
        look = Look(style, fps if options.draw_fps else None, options.trail)
        if options.trail:
            self._trails.take(frame.index, found.predictions)
        self._record(frame, found, source, options, look)
        if self._snapshot:
            self._snapshot = False
            picture = drawn(frame, found, dataclasses.replace(look, fps=None),
                            self._predictor.artifact, self._trails)  # fmt: skip
            self._guarded(
                lambda: self._save(
                    "snapshot", _name(self._folder(options), "snapshot.png"), picture
                )
            )
        doubtful = any(options.doubt_low <= p.score < options.doubt_high for p in found.predictions)
        now = time.perf_counter()
        wanted = options.keep_doubtful and not self._doubts_failed
        if wanted and doubtful and now - self._doubt_at >= _DOUBT_SECONDS:
            self._doubt_at = now
            kept = self._guarded(lambda: self._keep_doubtful(frame, found, options))
            self._doubts_failed = not kept

    def obey(self, options: LiveOptions, asked: frozenset[str]) -> None:
        """New options; `asked` are the names that somebody gave."""
        if "record" in asked:
            self._gave_up = False
        if "keep_doubtful" in asked:
            self._doubts_failed = False
        if not options.record or options.record_as != self._recorded_as:
            self.end_recording()

    def end_recording(self) -> None:
        """Finish what is recorded, where something is."""
        problem = self._finish()
        if problem is not None:
            self._failed(problem)

    def _finish(self) -> StudioError | None:
        """What went wrong at the end, if something did."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        problem = recorder.close()
        for kind, path in recorder.saved:
            if path.exists():
                self.saved.append(path)
                self._context.artifact(kind, path)
        if recorder.left_out:
            self._context.log(
                f"{recorder.left_out} frames are not in the recording: they came more quickly than "
                "they could be written.",
                "warning",
            )
        return problem

    def _record(
        self, frame: SourceFrame, found: Found, source: Source, options: LiveOptions, look: Look
    ) -> None:
        if not options.record or self._gave_up:
            return
        try:
            if self._recorder is None:
                self._recorded_as = options.record_as
                path = _name(self._folder(options), "live.mp4")
                self._recorder = Recorder(path, source, self._predictor, options.record_as)
            self._recorder.put(frame, found, look)
        except StudioError as error:
            # The end of a recording that failed fails for the same reason.
            self._finish()
            self._failed(error)

    def _failed(self, error: StudioError) -> None:
        self._gave_up = True
        if disk_is_full(error):
            message = "The disk is full: nothing more is kept. What was recorded can be played."
            hint = "Free some space or choose another output folder, then record again."
        else:
            message, hint = f"Nothing more is recorded: {error.message}", error.hint
        self._status(DISK_FULL, message, hint)
        self._context.log(f"{error.where}: {message}", level="warning")

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Whether a picture could be kept. A recording goes on without it, if not on a full disk."""
        try:
            act()
        except StudioError as error:
            if disk_is_full(error):
                self._finish()
                self._failed(error)
            else:
                self._context.log(str(error), level="warning")
            return False
        return True

    def _keep_doubtful(self, frame: SourceFrame, found: Found, options: LiveOptions) -> None:
        """The frame as a picture to annotate, the people found on it as proposals beside it."""
        assert frame.picture is not None
        folder, skeleton = self._home(options.save_dir)
        path = _name(folder, "doubtful.jpg")
        artifact = self._predictor.artifact
        order = joint_order(artifact.skeleton, skeleton)
        source, kp_conf = artifact.weights.stem, options.kp_conf
        people = [
            instance_of(p, order, skeleton, source, kp_conf=kp_conf) for p in found.predictions
        ]
        image = labelme.new_image(path, (frame.picture.shape[1], frame.picture.shape[0]))
        image = dataclasses.replace(image, shapes=proposed_shapes(people, skeleton, 1))
        write_image(path, frame.picture)
        labelme.write(labelme.annotation_path(path), image)
        self.saved.append(path)
        self._context.artifact("doubtful", path)

    @functools.cache  # noqa: B019 - a session has one keeper
    def _home(self, save_dir: Path | None) -> tuple[Path, Skeleton]:
        """Where doubtful frames go, among the project's pictures where there is a project, and the
        skeleton they are labelled with: the project's if the model knows its joints.
        """
        skeleton = self._predictor.artifact.skeleton
        folder = (save_dir or self._own_folder()) / "doubtful"
        if self._context.project is None:
            return folder, skeleton
        project = Project.open(self._context.project)
        try:
            places = project.picture_folders
            if save_dir is None and places:
                folder = places[0] / "doubtful"
            first = project.skeletons()[0]
            if set(first.keypoints) & set(skeleton.keypoints):
                skeleton = first
        finally:
            project.close()
        return folder, skeleton

    def _folder(self, options: LiveOptions) -> Path:
        return options.save_dir or self._own_folder()

    def _own_folder(self) -> Path:
        return (self._context.project or Path.cwd()) / "runs" / "live"

    def _save(self, kind: str, path: Path, picture: npt.NDArray[np.uint8]) -> None:
        write_image(path, picture)
        self.saved.append(path)
        self._context.artifact(kind, path)


def _name(folder: Path, name: str) -> Path:
    """A free name that says when."""
    path: Any = Path(name)
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    return folder / f"{path.stem}-{moment}{path.suffix}"
