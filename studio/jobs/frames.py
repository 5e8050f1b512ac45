"""Frames of a video as pictures, each with an annotation file that keeps where it comes from.

A picture is called `<video's name>_<frame's number>.jpg`; beside it stands a labelme file without
shapes whose keys "video", "frame" (from 0) and "time" (seconds) are the frame's. What is there
already stays. The result is {"folder", "pictures": paths, "frames": numbers, "kept": how many
were there already, "looked_at"}; by doubt also "doubts": {number: 0..1}. A stop keeps what was
finished.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError, UsageError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.frames import FramesOptions
from studio.io import labelme
from studio.io.images import write_image
from studio.io.video import VideoReader

Frame = npt.NDArray[np.uint8]
_TELL_SECONDS = 0.2
_DOUBTFUL = 50
# People below this score are not looked at; those up to `_SURE` are in doubt.
_SEEN, _SURE = 0.1, 0.5
_THUMB = (64, 36)


def run(options: FramesOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, FormatError, ModelError, DataError."""
    taking = _Taking(options, context)
    doubts: dict[int, float] = {}
    if options.choose == "doubt":
        doubts = _doubts(options, taking)
        chosen = set(most_doubtful(doubts, options.limit or _DOUBTFUL, options.apart))
        for index, seconds, frame in taking.frames("write"):
            if index in chosen:
                taking.keep(index, seconds, frame)
    else:
        last: npt.NDArray[np.float32] | None = None
        for index, seconds, frame in taking.frames("look"):
            if options.choose == "difference":
                small = thumbnail(frame)
                if last is not None and difference(last, small) < options.difference:
                    continue
                last = small
            taking.keep(index, seconds, frame)
            if options.limit and len(taking.numbers) >= options.limit:
                break
    result = taking.result()
    if doubts:
        result["doubts"] = {str(n): round(doubts[n], 4) for n in taking.numbers}
    return result


@dataclass
class _Taking:
    """Goes through the video and writes the frames that are taken."""

    options: FramesOptions
    context: JobContext
    numbers: list[int] = field(default_factory=list[int])
    pictures: list[Path] = field(default_factory=list[Path])
    kept: int = 0
    looked_at: int = 0

    def frames(self, stage: str) -> Iterator[tuple[int, float, Frame]]:
        """Every N-th frame between start and end: number, seconds, (H, W, 3) uint8 BGR."""
        options = self.options
        told = 0.0
        with VideoReader(options.video) as video:
            for index, seconds, frame in video:
                if self.context.stop_requested:
                    self.context.check()
                    return
                if options.end is not None and seconds > options.end:
                    return
                now = time.monotonic()
                if now - told >= _TELL_SECONDS:
                    told = now
                    self.context.progress(stage, index, max(video.frame_count, index))
                if index % options.every == 0 and seconds >= options.start:
                    self.looked_at += 1
                    yield index, seconds, frame

    def keep(self, index: int, seconds: float, frame: Frame) -> None:
        """The picture and its annotation file, where they are not there yet."""
        options = self.options
        name = f"{options.video.name}_{index:06d}.{options.format}"
        picture = options.output / name
        annotation = labelme.annotation_path(picture)
        if picture.exists():
            self.kept += 1
        else:
            write_image(picture, frame)
        if not annotation.exists():
            height, width = frame.shape[:2]
            origin = {"video": options.video.name, "frame": index, "time": round(seconds, 6)}
            image = labelme.new_image(picture, (width, height))
            labelme.write(annotation, replace(image, extra={"imageData": None, **origin}))
        self.numbers.append(index)
        self.pictures.append(picture)
        self.context.artifact("picture", picture)

    def result(self) -> dict[str, Any]:
        """The job's result. Raises DataError where nothing was taken."""
        if not self.numbers and not self.context.stop_requested:
            raise DataError(
                "No frame was taken.",
                where=str(self.options.video),
                hint="Look at more frames, or at another part of the video.",
            )
        count = len(self.numbers)
        there = f", {self.kept} were there already" if self.kept else ""
        self.context.log(f"{count} of {self.looked_at} frames taken{there}.")
        return {
            "folder": str(self.options.output),
            "pictures": [str(p) for p in self.pictures],
            "frames": self.numbers,
            "kept": self.kept,
            "looked_at": self.looked_at,
        }


def thumbnail(frame: Frame) -> npt.NDArray[np.float32]:
    """(36, 64) float32 brightness 0..255 of a frame."""
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, _THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)


def difference(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """The mean difference of two thumbnails, in percent of the brightness."""
    return float(np.abs(first - second).mean()) / 2.55


def _doubts(options: FramesOptions, taking: _Taking) -> dict[int, float]:
    from studio.runtime.predictor import Predictor

    if options.model is None:
        raise UsageError("To go by doubt a model is needed.", where="model")
    seen: dict[int, tuple[Prediction, ...]] = {}
    with Predictor(
        options.model,
        conf=_SEEN,
        imgsz=options.imgsz,
        device=options.device,
        precision=options.precision,
    ) as predictor:
        for index, _seconds, frame in taking.frames("look"):
            seen[index] = predictor.predict(frame)
    return doubts_of(seen)


def doubts_of(seen: dict[int, tuple[Prediction, ...]]) -> dict[int, float]:
    """How much a model doubts each frame, 0 to 1.

    A person counts with its score times its joints' mean score, the least certain one decides;
    people that are there in both frames beside this one and not here, or the other way round,
    make it doubtful altogether.
    """
    numbers = sorted(seen)
    counts = [sum(p.score >= _SURE for p in seen[n]) for n in numbers]
    doubts: dict[int, float] = {}
    for place, number in enumerate(numbers):
        certain = [_certainty(person) for person in seen[number]]
        doubts[number] = 1.0 - min(certain, default=1.0)
        beside = counts[max(place - 1, 0) : place] + counts[place + 1 : place + 2]
        if len(beside) == 2 and beside[0] == beside[1] != counts[place]:
            doubts[number] = 1.0
    return doubts


def _certainty(person: Prediction) -> float:
    joints = person.keypoints[:, 2] if len(person.keypoints) else np.ones(1)
    return float(person.score) * float(joints.mean())


def most_doubtful(doubts: dict[int, float], limit: int, apart: int) -> Sequence[int]:
    """The frames with the largest doubts, at least `apart` frames from each other, in order."""
    taken: list[int] = []
    for number in sorted(doubts, key=lambda n: (-doubts[n], n)):
        if all(abs(number - other) >= apart for other in taken):
            taken.append(number)
        if len(taken) == limit:
            break
    return sorted(taken)
