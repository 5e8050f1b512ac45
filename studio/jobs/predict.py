"""Predict: a model looks at pictures, a video, a camera or a stream, and what it finds is drawn
and written.

Reading, inference and drawing overlap. A stop or a cancel keeps what was finished. The result is
{"save_dir", "frames", "people", "problems": [{"where", "message"}], "seconds", "fps",
"stages_ms": {stage: mean milliseconds a frame}, "engine", "device", "precision"} and, where
written, "json", "alphapose", "csv", "heads" (results.json), "tracks", "videos".
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from studio.core.errors import FileProblem
from studio.core.job import JobContext
from studio.core.requests.predict import PredictOptions
from studio.io.images import write_image
from studio.jobs.places import drawn_targets, next_folder, picture_names
from studio.runtime.capture import Rate
from studio.runtime.clip_source import ClipFrames, place_of, source_of
from studio.runtime.clips import ClipPredictor
from studio.runtime.grouping import WINDOW, Asking, found_in_order
from studio.runtime.head_only import HeadsOnly
from studio.runtime.head_records import HeadRecords
from studio.runtime.heads import HeadWatcher, heads_for
from studio.runtime.picture_choice import chosen_pictures
from studio.runtime.predictor import Finding, Found, PeopleFinder, Picture, predictor_for
from studio.runtime.recording import (
    AlphaPoseRecords,
    CsvRecords,
    FrameVideo,
    JsonRecords,
    Recording,
)
from studio.runtime.results import records
from studio.runtime.sources import ImagesSource, Source, SourceFrame, cut_short, open_source
from studio.runtime.stages import FinishBehind, MapAhead, ReadAhead, one_opencv_thread
from studio.runtime.track_rows import TrackRows
from studio.runtime.tracking import NobodyAsked, SourceTracker, tracker_called
from studio.vision.drawing import DrawStyle, draw_people, draw_text

_TELL_SECONDS = 0.2
# Decoding pictures on more threads than this gives no model enough to do.
_READERS = 4


def place(options: PredictOptions, project: Path | None) -> Path | None:
    """Without `--save-dir` the run's folder is the next free runs/predict/<n>."""
    if options.save_dir is not None:
        return None
    return next_folder((project or Path.cwd()) / "runs" / "predict", "Give --save-dir.")


def run(options: PredictOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, ModelError, DeviceError, UsageError."""
    folder = options.save_dir or context.run_dir or Path("runs/predict")
    source = chosen_pictures(options.source, options.filename_list, options.img_ext)
    source = source or open_source(source_of(options.source))
    try:
        names = picture_names(source)
        targets = (
            drawn_targets(names, folder, "Give another --save-dir, or --no-draw.")
            if not options.no_draw
            else {}
        )
        with (
            predictor_for(
                options, max_people=options.max_people, throughput=not source.live
            ) as predictor,
            heads_for(options, predictor) or nullcontext() as heads,
            one_opencv_thread(),
        ):
            return PredictRun(
                options, context, source, predictor, folder.absolute(), names, targets, heads
            ).run()
    finally:
        source.close()


@dataclass
class PredictRun:
    """One prediction: everything is opened; `run` goes through the source once."""

    options: PredictOptions
    context: JobContext
    source: Source
    predictor: PeopleFinder
    folder: Path
    names: Mapping[Path, str]
    targets: Mapping[Path, Path]
    heads: HeadWatcher | None = None
    video: FrameVideo | None = None
    clips: ClipFrames | None = None
    tracks: TrackRows | None = None
    tracker: SourceTracker | None = None
    people: int = 0
    frames: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    stages: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    told: float = 0.0
    rate: Rate = field(default_factory=Rate)

    def run(self) -> dict[str, Any]:
        """See the module."""
        started = time.perf_counter()
        result: dict[str, Any] = {"save_dir": str(self.folder)}
        if isinstance(self.predictor, ClipPredictor):
            self.clips = ClipFrames(self.predictor)
        skeleton = self.predictor.artifact.skeleton
        named = self.options.track or ("poseflow" if self.options.pose_flow else "")
        self.tracker = tracker_called(named, self.options.track_options, skeleton, self.source.fps)
        if self.options.save_mot or source_of(self.options.source) != self.options.source:
            artifact, kp_conf = self.predictor.artifact, self.options.kp_conf
            self.tracks = TrackRows(self.folder, artifact, kp_conf)
        with Recording() as recording:
            self._open_records(recording, result)

            def finish(item: tuple[SourceFrame, Found]) -> None:
                self._finish(*item, recording, writer)

            with (
                FinishBehind(self._write, name="write") as writer,
                FinishBehind(finish, name="draw") as behind,
            ):
                for item in self._found():
                    behind.put(item)
        self.context.check()
        if self.source.count and self.frames == 0 and self.problems:
            first = self.problems[0]
            raise FileProblem(
                f"None of the {self.source.count} pictures could be read. {first['message']}",
                where=first["where"],
            )
        seconds = time.perf_counter() - started
        asked, computed = self.options.precision, self.predictor.engine.precision
        if asked not in ("auto", computed):
            self.context.log(f"This device computed in {computed}, not in {asked}.", "warning")
        if self.tracks is not None:
            result["tracks"] = [str(p) for p in self.tracks.write()]
        if self.video is not None and self.video.paths:
            result["videos"] = [str(p) for p in self.video.paths]
        self._announce(result)
        return result | self._summary(seconds)

    def _found(self) -> Iterator[tuple[SourceFrame, Found]]:
        """Every readable frame with what was found, in order, until a stop is asked."""
        # Frames in time come in one size; a model that sees motion needs them in their order.
        waits = isinstance(self.source, ImagesSource) and self.clips is None
        asking = Asking(
            self._submitted,
            kind=lambda f: (self.predictor.fit(_picture(f)).shape, self._asked(f)),
            under_way=lambda: self.predictor.engine.requests,
            batch=self.options.batch,
            window=max(self.options.batch, WINDOW if waits else 1),
            halted=lambda: self.context.stop_requested,
        )
        with _reading(self.source) as frames:
            yield from found_in_order(self._readable(frames), asking)

    def _readable(self, frames: Iterable[tuple[SourceFrame, float]]) -> Iterator[SourceFrame]:
        last = -1
        for frame, milliseconds in frames:
            if self.context.stop_requested:
                return
            self.stages["capture"] += milliseconds
            last = frame.index
            if frame.picture is None:
                self._report(frame)
            else:
                yield frame
        self._check_whole(last + 1)

    def _submitted(self, batch: list[SourceFrame]) -> Finding:
        if not self._asked(batch[0]):
            return NobodyAsked(len(batch))
        if self.clips is not None:
            return self.clips.submit(batch)
        return self.predictor.submit([_picture(f) for f in batch])

    def _asked(self, frame: SourceFrame) -> bool:
        """Whether the model has to look; one that sees motion has to see every frame."""
        return self.tracker is None or self.clips is not None or self.tracker.wants_people(frame)

    def _check_whole(self, read: int) -> None:
        if self.source.live:
            self._problem(self.source.name, "It stopped giving frames.")
        if said := cut_short(self.source, read):
            self._problem(self.options.source, said)

    def _report(self, frame: SourceFrame) -> None:
        if frame.problem is not None:
            self._problem(frame.problem.where or frame.name, frame.problem.message)

    def _problem(self, where: str, message: str) -> None:
        self.problems.append({"where": where, "message": message})
        self.context.log(f"{where}: {message}", level="warning")

    def _open_records(self, recording: Recording, result: dict[str, Any]) -> None:
        if self.options.save_json:
            result["json"] = str(recording.add(JsonRecords(self.folder / "predictions.json")).path)
        if isinstance(self.predictor, HeadsOnly):
            result["heads"] = str(recording.add(HeadRecords(self.folder / "results.json")).path)
        if self.options.alphapose_json:
            path = self.folder / "alphapose-results.json"
            frames = not isinstance(self.source, ImagesSource)
            result["alphapose"] = str(recording.add(AlphaPoseRecords(path, frames=frames)).path)
        if self.options.save_csv:
            joints = self.predictor.artifact.skeleton.keypoints
            path = self.folder / "predictions.csv"
            result["csv"] = str(recording.add(CsvRecords(path, joints)).path)
        pictures = isinstance(self.source, ImagesSource)
        if not self.options.no_draw and (self.options.save_video or not pictures):
            fps = self.source.fps
            path = self.folder / "result.mp4"
            self.video = recording.add(FrameVideo(path, fps, timed=self.source.live))

    def _finish(
        self,
        frame: SourceFrame,
        found: Found,
        recording: Recording,
        writer: FinishBehind[tuple[SourceFrame, Picture]],
    ) -> None:
        """Track, draw and write one frame; runs behind the inference."""
        if self.tracker is not None:
            found = self.tracker.told(frame, found)
        if self.heads is not None:
            found = self.heads.told(_picture(frame), found, frame.time)
        for stage, milliseconds in found.timings.items():
            self.stages[stage] += milliseconds
        if self._records_wanted:
            recording.write_records(self._records(frame, found))
        if self.tracks is not None:
            self.tracks.add(*place_of(frame), found.predictions)
        if not self.options.no_draw:
            writer.put((frame, self._drawn(frame, found)))
        self.people += len(found.predictions)
        self.frames += 1
        self._tell(frame.index + 1)

    @property
    def _records_wanted(self) -> bool:
        options = self.options
        heads = isinstance(self.predictor, HeadsOnly)
        return heads or options.save_json or options.alphapose_json or options.save_csv

    def _records(self, frame: SourceFrame, found: Found) -> list[dict[str, Any]]:
        return records(
            self.names.get(frame.path, frame.name) if frame.path else frame.name,
            self._image_id(frame),
            frame.index if self.source.kind != "images" else 0,
            frame.time,
            found.predictions,
        )

    def _tell(self, done: int) -> None:
        """Progress, a few times a second: a long video must not fill the event log."""
        now = time.monotonic()
        if now - self.told >= _TELL_SECONDS or done == self.source.count:
            self.told = now
            self.context.progress("predict", done, self.source.count)

    def _drawn(self, frame: SourceFrame, found: Found) -> Picture:
        started = time.perf_counter()
        artifact, options = self.predictor.artifact, self.options
        style = DrawStyle(
            options.kp_radius,
            options.line_thickness,
            options.kp_conf,
            boxes=not (isinstance(self.predictor, HeadsOnly) and self.predictor.whole),
            heads=options.head_draw,
            head_size=options.head_size,
        )
        picture = _picture(frame)
        kept = self.clips is not None or (
            self.tracker is not None and self.tracker.tracker.needs_frames
        )
        drawn = draw_people(
            picture, found.predictions, artifact.skeleton, style, artifact.categories,
            into=None if kept else picture,
        )  # fmt: skip
        self.rate.tick()
        if options.draw_fps and frame.path is None:
            draw_text(drawn, [f"{self.rate.value:.1f} fps", f"{len(found.predictions)} people"])
        self.stages["draw"] += (time.perf_counter() - started) * 1000
        return drawn

    def _write(self, item: tuple[SourceFrame, Picture]) -> None:
        """Write a drawn frame; runs behind the drawing."""
        frame, drawn = item
        started = time.perf_counter()
        if frame.path is not None:
            write_image(self.targets[frame.path], drawn)
        if self.video is not None:
            self.video.write(drawn, frame.time)
        self.stages["write"] += (time.perf_counter() - started) * 1000

    def _image_id(self, frame: SourceFrame) -> int:
        """A picture whose name is a number keeps it (COCO's way) where all names are; else they
        are counted from 1.
        """
        if frame.path is not None and self._numbered:
            return int(frame.path.stem)
        return frame.index + 1

    @cached_property
    def _numbered(self) -> bool:
        stems = [p.stem for p in self.names]
        return all(s.isdecimal() for s in stems) and len({int(s) for s in stems}) == len(stems)

    def _announce(self, result: Mapping[str, Any]) -> None:
        for key in ("json", "alphapose", "csv", "heads"):
            if key in result:
                self.context.artifact(key, Path(result[key]))
        for kind in ("video", "tracks"):
            for path in result.get("videos" if kind == "video" else kind, ()):
                self.context.artifact(kind, Path(path))
        self.context.artifact("folder", self.folder)

    def _summary(self, seconds: float) -> dict[str, Any]:
        engine, frames = self.predictor.engine, max(self.frames, 1)
        return {
            "frames": self.frames,
            "people": self.people,
            "problems": self.problems,
            "seconds": round(seconds, 3),
            "fps": round(self.frames / seconds, 2) if seconds else 0.0,
            "stages_ms": {k: round(v / frames, 3) for k, v in sorted(self.stages.items())},
            "engine": engine.name,
            "device": engine.device,
            "precision": engine.precision,
        }


def _picture(frame: SourceFrame) -> Picture:
    """A readable frame's."""
    assert frame.picture is not None
    return frame.picture


def _reading(
    source: Source,
) -> AbstractContextManager[Iterable[tuple[SourceFrame, float]]]:
    """The source's frames, each with the milliseconds that it took to come; pictures are read by
    several threads.
    """
    if isinstance(source, ImagesSource):
        workers = min(_READERS, os.cpu_count() or 1)
        read = partial(_timed_picture, source)
        return MapAhead(read, range(source.count), workers=workers, depth=2 * workers)
    return ReadAhead(_timed(source), name="decode")


def _timed_picture(source: ImagesSource, index: int) -> tuple[SourceFrame, float]:
    started = time.perf_counter()
    frame = source.read(index)
    return frame, (time.perf_counter() - started) * 1000


def _timed(source: Source) -> Iterator[tuple[SourceFrame, float]]:
    started = time.perf_counter()
    for frame in source:
        yield frame, (time.perf_counter() - started) * 1000
        started = time.perf_counter()
