"""The video and its predictions, written behind the live view."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import StudioError
from studio.core.requests.live import BOTH, DRAWN, RAW
from studio.runtime.predictor import Found, PeopleFinder
from studio.runtime.recording import CsvRecords, FrameVideo, JsonRecords
from studio.runtime.results import records
from studio.runtime.sources import Source, SourceFrame
from studio.runtime.stages import FinishBehind
from studio.vision.drawing import DrawStyle, draw_people, draw_text
from studio.vision.trails import Trails

# Frames that may wait for the disk; behind a live source more than that are left out.
_DEPTH = 8


@dataclass(frozen=True)
class Look:
    """How what is recorded is drawn. fps: shown in the corner; trail: frames, 0 for none."""

    style: DrawStyle
    fps: float | None = None
    trail: int = 0


class Recorder:
    """Everything stands in its place from the first frame on, so that a crash leaves it.

    `shown`: "drawn", "raw" or "both" (`live-...mp4` and `live-...-raw.mp4`). Frames of another size
    begin new files. Raises FileProblem.
    """

    def __init__(self, path: Path, source: Source, predictor: PeopleFinder, shown: str) -> None:
        artifact = predictor.artifact
        self._artifact = artifact
        self._live = source.live
        self._videos: dict[str, FrameVideo] = {}
        for kind in (DRAWN, RAW) if shown == BOTH else (shown,):
            second = shown == BOTH and kind == RAW
            name = path.with_stem(f"{path.stem}-raw") if second else path
            self._videos[kind] = FrameVideo(name, source.fps, timed=source.live, growing=True)
        self._json = JsonRecords(path.with_suffix(".json"), growing=True)
        self._csv = CsvRecords(path.with_suffix(".csv"), artifact.skeleton.keypoints, growing=True)
        self._trails = Trails()
        self._count = 0
        self.left_out = 0
        self.milliseconds = 0.0
        self._behind = FinishBehind(self._write, depth=_DEPTH, name="record")

    def put(self, frame: SourceFrame, found: Found, look: Look) -> None:
        """Have a frame written. Where a disk is too slow for a camera, the frame is left out and
        the video shows the one before it for longer; a file's frames are waited for.
        """
        if self._live and self._behind.waiting() >= _DEPTH:
            self.left_out += 1
            return
        self._behind.put((frame, found, look))

    def close(self) -> StudioError | None:
        """Finish; what went wrong at the end, if something did: what was written until then can
        be played all the same.
        """
        problem: StudioError | None = None
        try:
            self._behind.close()
        except StudioError as error:
            problem = error
        for part in (*self._videos.values(), self._json, self._csv):
            try:
                part.close()
            except StudioError as error:
                problem = problem or error
                part.abandon()
        return problem

    @property
    def saved(self) -> list[tuple[str, Path]]:
        """What was made, with its kind; complete after `close`."""
        videos = [("video", p) for video in self._videos.values() for p in video.paths]
        return [*videos, ("json", self._json.path), ("csv", self._csv.path)]

    def _write(self, item: tuple[SourceFrame, Found, Look]) -> None:
        frame, found, look = item
        started = time.perf_counter()
        assert frame.picture is not None
        self._trails.take(frame.index, found.predictions)
        if RAW in self._videos:
            self._videos[RAW].write(frame.picture, frame.time)
        if DRAWN in self._videos:
            picture = drawn(frame, found, look, self._artifact, self._trails)
            self._videos[DRAWN].write(picture, frame.time)
        current = next(iter(self._videos.values())).current
        assert current is not None
        path, frames = current
        rows = records(path.name, self._count + 1, frames - 1, frame.time, found.predictions)
        self._json.write(rows)
        self._csv.write(rows)
        self._count += 1
        self.milliseconds = (time.perf_counter() - started) * 1000


def drawn(
    frame: SourceFrame, found: Found, look: Look, artifact: ModelArtifact, trails: Trails
) -> npt.NDArray[np.uint8]:
    """A copy of the frame with everything that is to be seen."""
    assert frame.picture is not None
    out = draw_people(
        frame.picture, found.predictions, artifact.skeleton, look.style, artifact.categories
    )
    if look.trail:
        trails.draw(out, look.trail)
    if look.fps is not None:
        draw_text(out, [f"{look.fps:.1f} fps", f"{len(found.predictions)} people"])
    return out
