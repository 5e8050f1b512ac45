"""Live: a camera, a stream or a file is watched through a model; the window shows it.

The pixels go through a ring in shared memory (`studio.runtime.ring`), everything else is an event:

`ring{name, slots, max_bytes, width, height, source, kind, skeleton, categories, engine, device,
precision}`: attach to `name` now; it comes again when frames become larger.
`frame{index, time, slot, seq, predictions, timings, fps, dropped, recording}`: never stored. `time`
is seconds from the session's start; predictions as `studio.runtime.results.prediction_to_values`
writes them; timings in milliseconds: capture (waiting for the frame), preprocess, infer, decode,
latency (from reading the frame to this event); fps {capture, infer}.
`status{state, message}`: "running", "waiting" (a camera went away and is waited for), "ended".
`artifact{kind, path}`: "video", "json", "csv", "snapshot", "doubtful" (a picture; what was found on
it stands beside it as proposals, to be accepted or corrected in Annotate).

`set` takes the names in `studio.core.requests.live.CHANGEABLE`, and `snapshot: true`. Pixels are not
drawn on, except in what is recorded. The result is {"frames", "people", "dropped", "seconds", "fps",
"problems", "saved": [paths]}.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from studio.core import job as names
from studio.core.errors import DeviceError, StudioError, UsageError
from studio.core.job import JobContext, JobEvent
from studio.core.prelabels import instance_of, joint_order, proposed_shapes
from studio.core.requests.live import CHANGEABLE, LiveOptions
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.images import write_image
from studio.io.project import Project
from studio.runtime.capture import PICTURES_PER_SECOND, Capture, Rate
from studio.runtime.predictor import Found, PeopleFinder, predictor_for
from studio.runtime.recording import CsvRecords, FrameVideo, JsonRecords
from studio.runtime.results import prediction_to_values, records
from studio.runtime.ring import FrameRing
from studio.runtime.sources import CameraWish, Source, SourceFrame, open_source
from studio.runtime.stages import FinishBehind
from studio.vision.drawing import DrawStyle, draw_people, draw_text

RING = "ring"
STATUS = "status"
_SLOTS = 4
_RETRY_SECONDS = 1.0
# Doubtful frames follow each other closely and look alike: one a second is enough.
_DOUBT_SECONDS = 1.0


def run(options: LiveOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises DeviceError, FileProblem, ModelError, UsageError."""
    wish = CameraWish(options.width, options.height, options.fps)
    source = open_source(options.source, wish)
    with predictor_for(options, max_people=options.max_people) as predictor:
        session = _Session(options, context, predictor)
        try:
            while source is not None:
                session.watch(source)
                source = session.again(source, wish)
        finally:
            session.close()
    return session.result()


class _Session:
    def __init__(self, options: LiveOptions, context: JobContext, predictor: PeopleFinder) -> None:
        self.options = options
        self.context = context
        self.predictor = predictor
        self.folder = options.save_dir or (context.project or Path.cwd()) / "runs" / "live"
        self.ring: FrameRing | None = None
        self.recorder: _Recorder | None = None
        self.rate = Rate()
        self.started = time.perf_counter()
        self.frames = self.people = self.dropped = 0
        self.problems: list[dict[str, str]] = []
        self.saved: list[Path] = []
        self.snapshot = False
        self.base = self.moment = 0.0
        self.doubt_at = -_DOUBT_SECONDS

    def watch(self, source: Source) -> None:
        """Everything from one opening of the source to its end."""
        # Every opening counts its time from 0; the session's own goes on.
        if source.live:
            self.base = time.perf_counter() - self.started
        elif self.frames:
            self.base = self.moment + 1 / (source.fps or PICTURES_PER_SECOND)
        capture = Capture(source, self.options.fps)
        dropped = self.dropped
        self._status("running", f"Watching {source.name}.")
        try:
            while not self.context.stop_requested:
                self._obey(self.context.control.take_values())
                started = time.perf_counter()
                frame = capture.next(lambda: self.context.stop_requested)
                if frame is None:
                    break
                waited = (time.perf_counter() - started) * 1000
                self.dropped = dropped + capture.dropped
                self._show(frame, source, capture, waited)
        finally:
            capture.close()

    def again(self, source: Source, wish: CameraWish) -> Source | None:
        """The source opened once more: a camera that went away as soon as it is back, a file
        when it shall repeat. None where the session ends.
        """
        live = source.live and source.kind in ("camera", "stream")
        if self.context.stop_requested:
            return None
        if not live and not (self.options.loop and self.frames):
            self._status("ended", f"{source.name} has ended.")
            return None
        if live:
            self._status("waiting", f"{source.name} went away; it is waited for.")
        while not self.context.stop_requested:
            try:
                return open_source(self.options.source, wish)
            except DeviceError:
                # Not there yet: that is what is waited for.
                self._rest(_RETRY_SECONDS)
        return None

    def close(self) -> None:
        """Finish the recording and remove the ring."""
        try:
            self._record(False)
        finally:
            if self.ring is not None:
                self.ring.close()

    def result(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self.started
        return {
            "frames": self.frames,
            "people": self.people,
            "dropped": self.dropped,
            "seconds": round(seconds, 3),
            "fps": round(self.frames / seconds, 2) if seconds else 0.0,
            "problems": self.problems,
            "saved": [str(p) for p in self.saved],
        }

    def _show(self, frame: SourceFrame, source: Source, capture: Capture, waited: float) -> None:
        if frame.picture is None:
            if frame.problem is not None:
                where = frame.problem.where or frame.name
                self.problems.append({"where": where, "message": frame.problem.message})
                self.context.log(f"{where}: {frame.problem.message}", level="warning")
            return
        frame = dataclasses.replace(frame, time=self.base + frame.time)
        self.moment = frame.time
        assert frame.picture is not None
        ticket = self.predictor.submit([frame.picture])
        # The copy into shared memory runs while the network computes.
        slot, seq = self._ring(frame, source).write(frame.picture)
        found = ticket.result()[0]
        self.rate.tick()
        self._keep(frame, found, source)
        latency = (time.perf_counter() - capture.taken) * 1000
        self.context.event(
            names.FRAME,
            index=self.frames,
            time=round(frame.time, 6),
            slot=slot,
            seq=seq,
            predictions=[prediction_to_values(p) for p in found.predictions],
            timings={
                k: round(v, 3)
                for k, v in (found.timings | {"capture": waited, "latency": latency}).items()
            },
            fps={"capture": round(capture.rate.value, 2), "infer": round(self.rate.value, 2)},
            dropped=self.dropped,
            recording=self.recorder is not None,
        )
        self.frames += 1
        self.people += len(found.predictions)

    def _ring(self, frame: SourceFrame, source: Source) -> FrameRing:
        """The ring, made anew where a frame is larger than its slots."""
        assert frame.picture is not None
        if self.ring is not None and frame.picture.nbytes <= self.ring.max_bytes:
            return self.ring
        if self.ring is not None:
            self.ring.close()
        self.ring = FrameRing.create(_SLOTS, frame.picture.nbytes)
        artifact, engine = self.predictor.artifact, self.predictor.engine
        asked = self.options.precision
        if asked not in ("auto", engine.precision):
            self.context.log(
                f"This device computes in {engine.precision}, not in {asked}.", "warning"
            )
        values = {
            "name": self.ring.name,
            "slots": self.ring.slots,
            "max_bytes": self.ring.max_bytes,
            "width": frame.picture.shape[1],
            "height": frame.picture.shape[0],
            "source": source.name,
            "kind": source.kind,
            "skeleton": artifact.skeleton.to_mapping(),
            "categories": list(artifact.categories),
            "engine": engine.name,
            "device": engine.device,
            "precision": engine.precision,
        }
        self.context.emit(JobEvent(RING, values, time.time()))
        return self.ring

    def _keep(self, frame: SourceFrame, found: Found, source: Source) -> None:
        """Record, snapshot and doubtful frames, as asked."""
        options = self.options
        assert frame.picture is not None
        if options.record and self.recorder is None:
            self._record(True, source)
        if self.recorder is not None:
            fps = self.rate.value if options.draw_fps else None
            self.recorder.behind.put((frame, found, self._style(), fps))
        if self.snapshot:
            self.snapshot = False
            drawn = self._drawn(frame, found, self._style())
            self._save("snapshot", self._name("snapshot", ".png"), drawn)
        now = time.perf_counter()
        doubtful = any(options.doubt_low <= p.score < options.doubt_high for p in found.predictions)
        if options.keep_doubtful and doubtful and now - self.doubt_at >= _DOUBT_SECONDS:
            self.doubt_at = now
            self._keep_doubtful(frame.picture, found)

    def _keep_doubtful(self, picture: Any, found: Found) -> None:
        """The frame as a picture to annotate, the people found on it as proposals beside it."""
        folder, skeleton = self.home
        path = self._name("doubtful", ".jpg", folder)
        artifact = self.predictor.artifact
        order = joint_order(artifact.skeleton, skeleton)
        source, kp_conf = artifact.weights.stem, self.options.kp_conf
        people = [
            instance_of(p, order, skeleton, source, kp_conf=kp_conf) for p in found.predictions
        ]
        image = labelme.new_image(path, (picture.shape[1], picture.shape[0]))
        image = dataclasses.replace(image, shapes=proposed_shapes(people, skeleton, 1))
        write_image(path, picture)
        labelme.write(labelme.annotation_path(path), image)
        self.saved.append(path)
        self.context.artifact("doubtful", path)

    @functools.cached_property
    def home(self) -> tuple[Path, Skeleton]:
        """Where doubtful frames go, among the project's pictures where there is a project, and the
        skeleton they are labelled with: the project's if the model knows its joints.
        """
        folder, skeleton = self.folder / "doubtful", self.predictor.artifact.skeleton
        if self.context.project is None:
            return folder, skeleton
        project = Project.open(self.context.project)
        try:
            places = project.picture_folders
            if self.options.save_dir is None and places:
                folder = places[0] / "doubtful"
            first = project.skeletons()[0]
            if set(first.keypoints) & set(skeleton.keypoints):
                skeleton = first
        finally:
            project.close()
        return folder, skeleton

    def _obey(self, values: Mapping[str, Any]) -> None:
        """Change options while running; what cannot be is said and changes nothing."""
        if not values:
            return
        wanted = dict(values)
        self.snapshot = bool(wanted.pop("snapshot", False)) or self.snapshot
        known = {k: v for k, v in wanted.items() if k in CHANGEABLE}
        try:
            if len(known) != len(wanted):
                unknown = ", ".join(sorted(set(wanted) - set(known)))
                raise UsageError(f"These cannot be changed while Live runs: {unknown}.")
            options = LiveOptions.from_mapping(self.options.to_mapping() | known).validated()
        except StudioError as error:
            self.context.log(str(error), level="warning")
            return
        self.options = options
        self.predictor.conf = options.conf
        self.predictor.iou = options.iou
        self.predictor.max_people = options.max_people
        if not options.record:
            self._record(False)

    def _record(self, wanted: bool, source: Source | None = None) -> None:
        if wanted and source is not None:
            base = self._name("live", ".mp4")
            self.recorder = _Recorder(base, source, self.predictor)
        elif self.recorder is not None:
            recorder, self.recorder = self.recorder, None
            for kind, path in recorder.close():
                self.saved.append(path)
                self.context.artifact(kind, path)

    def _style(self) -> DrawStyle:
        options = self.options
        return DrawStyle(options.kp_radius, options.line_thickness, options.kp_conf)

    def _drawn(self, frame: SourceFrame, found: Found, style: DrawStyle) -> Any:
        artifact = self.predictor.artifact
        assert frame.picture is not None
        return draw_people(
            frame.picture, found.predictions, artifact.skeleton, style, artifact.categories
        )

    def _name(self, stem: str, suffix: str, folder: Path | None = None) -> Path:
        """A free name that says when."""
        moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")[:-3]
        return (folder or self.folder) / f"{stem}-{moment}{suffix}"

    def _save(self, kind: str, path: Path, picture: Any) -> None:
        write_image(path, picture)
        self.saved.append(path)
        self.context.artifact(kind, path)

    def _status(self, state: str, message: str) -> None:
        self.context.event(STATUS, state=state, message=message)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.context.stop_requested:
            time.sleep(0.1)


class _Recorder:
    """The drawn video and its predictions, written behind the live view."""

    def __init__(self, path: Path, source: Source, predictor: PeopleFinder) -> None:
        artifact = predictor.artifact
        self._artifact = artifact
        self._video = FrameVideo(path, source.fps, timed=source.live)
        self._json = JsonRecords(path.with_suffix(".json"))
        self._csv = CsvRecords(path.with_suffix(".csv"), artifact.skeleton.keypoints)
        self._name = path.name
        self._count = 0
        self.behind = FinishBehind(self._write, depth=8, name="record")

    def _write(self, item: tuple[SourceFrame, Found, DrawStyle, float | None]) -> None:
        frame, found, style, fps = item
        artifact = self._artifact
        assert frame.picture is not None
        drawn = draw_people(
            frame.picture, found.predictions, artifact.skeleton, style, artifact.categories
        )
        if fps is not None:
            draw_text(drawn, [f"{fps:.1f} fps", f"{len(found.predictions)} people"])
        self._video.write(drawn, frame.time)
        rows = records(self._name, self._count + 1, self._count, frame.time, found.predictions)
        self._json.write(rows)
        self._csv.write(rows)
        self._count += 1

    def close(self) -> list[tuple[str, Path]]:
        """Put the files in their places; on a failure none of them stays half-written."""
        try:
            self.behind.close()
            self._video.close()
            self._json.close()
            self._csv.close()
        except BaseException:
            self._video.abandon()
            self._json.abandon()
            self._csv.abandon()
            raise
        videos = [("video", path) for path in self._video.paths]
        return [*videos, ("json", self._json.path), ("csv", self._csv.path)]
