"""Track: people who were found before get identities, frame by frame.

What is written: predictions.json and predictions.csv with "track_id", and for each video
<video>_pred.txt, MOT rows of who is tracked. The result is {"out", "frames", "people", "tracks"
(how many identities), "json", "csv", "rows": [paths], "problems": [{"where", "message"}]} and,
where asked for, "vis".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.track import TrackRequest
from studio.core.skeleton import Skeleton
from studio.io.images import write_image
from studio.io.picture_facts import natural_key
from studio.io.records import many
from studio.io.skeletons import guess_skeleton, load_skeleton
from studio.io.video_keypoints import frame_of
from studio.jobs.places import drawn_targets, next_folder, picture_names
from studio.registry.interfaces import Tracker
from studio.registry.jobs import PluginRequest
from studio.registry.plugins import find
from studio.runtime.artifacts import load_artifact
from studio.runtime.clip_source import source_of
from studio.runtime.recording import CsvRecords, FrameVideo, JsonRecords, Recording
from studio.runtime.results import records
from studio.runtime.sources import ImagesSource, Source, SourceFrame, open_source
from studio.runtime.stored import StoredPerson, read_stored
from studio.runtime.track_rows import TrackRows
from studio.vision.drawing import DrawStyle, draw_people


def place(options: PluginRequest, project: Path | None) -> Path | None:
    """Without `--out` the next free `runs/track/<n>`."""
    if options.job.out is not None:
        return None
    return next_folder((project or Path.cwd()) / "runs" / "track", "Give --out.")


def run(options: PluginRequest, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, FormatError, DataError, PluginError."""
    request: TrackRequest = options.job
    stored = read_stored(request.pred)
    if not stored:
        raise DataError("There is nobody in these predictions.", where=request.pred)
    artifact = load_artifact(request.model) if request.model is not None else None
    skeleton = _skeleton(request, artifact, stored)
    tracker: Tracker = find("tracker", options.plugin).load()
    out = (request.out or context.run_dir or Path("runs/track")).absolute()
    source = open_source(source_of(request.source))
    try:
        if source.live:
            raise DataError(
                "Stored predictions belong to a video or to pictures, not to a camera.",
                where=request.source,
            )
        if isinstance(source, ImagesSource):
            # Frames without leading zeros come in the order of their numbers.
            source.paths = tuple(sorted(source.paths, key=lambda p: natural_key(str(p))))
        people = _by_frame(stored, source, request.pred)
        names = picture_names(source)
        targets: Mapping[Path, Path] = {}
        if request.vis is not None:
            targets = drawn_targets(names, request.vis, "Give another --vis.")
        return _Run(
            request, context, source, tracker, options.options, skeleton, artifact, people, names,
            targets,
        ).run(out)  # fmt: skip
    finally:
        source.close()


@dataclass
class _Run:
    request: TrackRequest
    context: JobContext
    source: Source
    tracker: Tracker
    options: Any
    skeleton: Skeleton
    artifact: ModelArtifact | None
    people: Mapping[int, Sequence[StoredPerson]]
    names: Mapping[Path, str]
    targets: Mapping[Path, Path]
    tracks: int = 0
    frames: int = 0
    count: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)

    def run(self, out: Path) -> dict[str, Any]:
        named = out.suffix.lower() == ".json"
        folder = out.parent if named else out
        result: dict[str, Any] = {"out": str(folder)}
        json = out if named else folder / "predictions.json"
        rows = TrackRows(folder, self.artifact, self.request.kp_conf)
        with Recording() as recording:
            result["json"] = str(recording.add(JsonRecords(json)).path)
            joints = self.skeleton.keypoints
            csv = recording.add(CsvRecords(folder / "predictions.csv", joints))
            result["csv"] = str(csv.path)
            video = self._video(recording)
            last: str | None = None
            known: set[int] = set()
            for frame in self._frames():
                self.context.check()
                if self.context.stop_requested:
                    break
                name, number = self._place(frame)
                if name != last:
                    self.tracks += len(known)
                    known, last = set(), name
                    self.tracker.start(self.options, self.skeleton, self.source.fps)
                found = self._tracked(frame)
                known |= {p.track_id for p in found if p.track_id is not None}
                recording.write_records(self._records(frame, found))
                rows.add(name, number, tuple(p for p in found if p.track_id is not None))
                self._draw(frame, found, video)
                self.context.progress("track", frame.index + 1, self.source.count)
            self.tracks += len(known)
            self._missing()
        result["rows"] = [str(p) for p in rows.write()]
        self._announce(result, folder)
        return result | {
            "frames": self.frames,
            "people": self.count,
            "tracks": self.tracks,
            "problems": self.problems,
        }

    def _tracked(self, frame: SourceFrame) -> tuple[Prediction, ...]:
        stored = self.people.get(frame.index, ())
        people = [replace(s.person, category_id=s.person.category_id - 1) for s in stored]
        if not self.tracker.wants_people(frame.index):
            people = []
        time = frame.time
        if not time and stored and stored[0].time is not None:
            time = stored[0].time
        if frame.problem is not None:
            self._problem(frame.problem.where or frame.name, frame.problem.message)
        found = self.tracker.update(frame.picture, people, frame.index, time)
        self.frames += 1
        self.count += len(found)
        return found

    def _frames(self) -> Iterator[SourceFrame]:
        """The source's frames; without pictures where nobody has to see them."""
        if self.tracker.needs_frames or self.request.vis is not None:
            yield from self.source
            return
        if isinstance(self.source, ImagesSource):
            for index, path in enumerate(self.source.paths):
                yield SourceFrame(index, 0.0, path.name, None, None, path)
            return
        # A header may promise fewer frames than there are.
        count = max(self.source.count, max(self.people, default=-1) + 1)
        for index in range(count):
            seconds = index / self.source.fps if self.source.fps else 0.0
            yield SourceFrame(index, seconds, self.source.name, None)

    def _place(self, frame: SourceFrame) -> tuple[str, int]:
        """The video and the frame's number there; pictures that name no video are one together."""
        if frame.path is None:
            return Path(frame.name).stem, frame.index
        return frame_of(frame.path.stem) or (frame.path.parent.name or "pictures", frame.index)

    def _records(self, frame: SourceFrame, found: tuple[Prediction, ...]) -> list[dict[str, Any]]:
        stored = self.people.get(frame.index, ())
        name = self.names[frame.path] if frame.path is not None else frame.name
        number = frame.index + 1
        if stored and isinstance(stored[0].picture, int):
            number = stored[0].picture
        counted = frame.index if frame.path is None else 0
        return records(name, number, counted, frame.time, found)

    def _video(self, recording: Recording) -> FrameVideo | None:
        if self.request.vis is None or isinstance(self.source, ImagesSource):
            return None
        return recording.add(
            FrameVideo(self.request.vis / "result.mp4", self.source.fps, timed=False)
        )

    def _draw(
        self, frame: SourceFrame, found: tuple[Prediction, ...], video: FrameVideo | None
    ) -> None:
        request = self.request
        if request.vis is None or frame.picture is None:
            return
        style = DrawStyle(request.kp_radius, request.line_thickness, request.kp_conf)
        drawn = draw_people(frame.picture, found, self.skeleton, style)
        if video is not None:
            video.write(drawn, frame.time)
        else:
            assert frame.path is not None
            write_image(self.targets[frame.path], drawn)

    def _missing(self) -> None:
        """Say where predictions stand beyond the end of the source."""
        late = [n for n in self.people if n >= self.frames]
        if late and not self.context.stop_requested:
            self._problem(
                self.request.source,
                f"It has {many(self.frames, 'frame')}; predictions of {many(len(late), 'frame')} "
                "after its end were left out.",
            )

    def _problem(self, where: str, message: str) -> None:
        self.problems.append({"where": str(where), "message": message})
        self.context.log(f"{where}: {message}", level="warning")

    def _announce(self, result: Mapping[str, Any], folder: Path) -> None:
        self.context.artifact("json", Path(result["json"]))
        self.context.artifact("csv", Path(result["csv"]))
        for path in result["rows"]:
            self.context.artifact("tracks", Path(path))
        self.context.artifact("folder", folder)


def _skeleton(
    request: TrackRequest, artifact: ModelArtifact | None, stored: Sequence[StoredPerson]
) -> Skeleton:
    """Raises DataError where a record has another number of joints."""
    count = len(stored[0].person.keypoints)
    if artifact is not None:
        skeleton = artifact.skeleton
    elif request.skeleton:
        skeleton = load_skeleton(request.skeleton)
    else:
        skeleton = guess_skeleton(count)
    for one in stored:
        if len(one.person.keypoints) != len(skeleton):
            raise DataError(
                f"{len(one.person.keypoints)} joints stand here, the skeleton has {len(skeleton)}.",
                where=one.where,
                hint="Give the model that made the predictions, or their skeleton.",
            )
    return skeleton


def _by_frame(
    stored: Sequence[StoredPerson], source: Source, where: Path
) -> dict[int, list[StoredPerson]]:
    """The people of each frame by its index. Raises DataError where no record says a frame that
    the source has.
    """
    index_of = _picture_index(source) if isinstance(source, ImagesSource) else _video_index
    found: defaultdict[int, list[StoredPerson]] = defaultdict(list)
    for one in stored:
        index = index_of(one)
        if index is None:
            raise DataError(
                f"The source has no picture or frame {one.picture!r}.",
                where=one.where,
                hint=f"Give the source that {where.name} was made on.",
            )
        found[index].append(one)
    return dict(found)


def _video_index(one: StoredPerson) -> int | None:
    """Our records and AlphaPose's ("12.jpg") count from 0; a bare image_id from 1."""
    if one.frame is not None:
        return one.frame
    if isinstance(one.picture, int):
        return one.picture - 1
    stem = Path(one.picture).stem
    return int(stem) if stem.isdecimal() else None


def _picture_index(source: ImagesSource) -> Any:
    names = {name: path for path, name in picture_names(source).items()}
    places = {path: index for index, path in enumerate(source.paths)}
    numbered = {int(p.stem): i for p, i in places.items() if p.stem.isdecimal()}

    def index_of(one: StoredPerson) -> int | None:
        if isinstance(one.picture, str):
            path = names.get(one.picture)
            return None if path is None else places[path]
        if len(numbered) == len(places):
            return numbered.get(one.picture)
        return one.picture - 1 if 0 < one.picture <= len(places) else None

    return index_of
