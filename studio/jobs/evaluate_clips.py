"""Keypoints of fixed classes judged through the videos of a video keypoint set."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, Problem, StudioError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.evaluate import EvaluateOptions
from studio.core.skeleton import Skeleton
from studio.io.images import read_image
from studio.io.video_keypoints import (
    Video,
    VideoSet,
    is_video_keypoints,
    read_video_set,
    splits_of,
)
from studio.jobs.evaluate import Judged, model_of
from studio.jobs.evaluate_page import people_drawn
from studio.jobs.report_values import CLIPS, clip_values
from studio.metrics.clips import ClipEvaluation, ClipJudging, Part
from studio.metrics.hota_kp import usual_groups

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Found:
    """What was found on one frame, as a `studio.metrics.clips.TrackRow`."""

    frame: int
    track: int
    category: int
    keypoints: FloatArray


def judge_clips(artifact: ModelArtifact, options: EvaluateOptions, context: JobContext) -> Judged:
    """Raises ModelError, DataError, FileProblem, FormatError."""
    if not is_video_keypoints(options.data):
        raise DataError(
            "This model is judged through videos, and this is no video keypoint set.",
            where=options.data,
            hint="Make one: pose-studio convert --to video-keypoints.",
        )
    side = sides_of(options.data, options.split)
    look = _Look(artifact, categories_of(artifact, side[0], options.data), options, context)
    judging = judging_of(side[0])
    with look:
        look.total = sum(len(v.labelled) for part in side for v in part.videos)
        for part in side:
            for video in part.videos:
                found, seen = look.through(video)
                judging.add(video.name, video.rows, found, seen, pictures_of(video))
    return clips_judged(
        judging.result(look.problems, statistics.median(look.times) if look.times else 0.0),
        side[0].skeleton,
        {"path": str(options.data.absolute()), "split": options.split},
        model=model_of(artifact),
        settings={
            "conf": options.show_conf,
            "precision": options.precision,
            "device": options.device,
        },
        pictures=options.pictures,
    )


def sides_of(data: Path, split: str) -> list[VideoSet]:
    """The set's side, or every one for "all"; all with the same classes. Raises StudioError."""
    names = splits_of(data) if split == "all" else (split,)
    sides = [read_video_set(data, name) for name in names]
    if not sides:
        raise DataError("This set has no side with rows.", where=data)
    return sides


def judging_of(data: VideoSet) -> ClipJudging:
    """An empty judgement of the set's classes, hands and tools apart."""
    parts = [Part(p.category, p.name, len(p.joints)) for p in data.parts]
    return ClipJudging(parts, data.skeleton, usual_groups([p.name for p in parts]))


def pictures_of(video: Video) -> dict[int, Path]:
    """The frames that are here, by number."""
    return {number: picture for number, picture in video.frames if picture is not None}


def categories_of(artifact: ModelArtifact, data: VideoSet, where: Path) -> tuple[int, ...]:
    """The set's class for each of the artefact's, by name, or in order where the joints fit.

    Raises DataError where they do not.
    """
    counts = [len(part["joints"]) for part in artifact.extra["parts"]]
    by_name = {p.name: p for p in data.parts}
    named = [by_name.get(name) for name in artifact.categories]
    chosen = named if all(named) else list(data.parts)
    fits = len(chosen) == len(counts) and all(
        p is not None and len(p.joints) == n for p, n in zip(chosen, counts, strict=True)
    )
    if not fits:
        listed = ", ".join(f"{p.name} ({len(p.joints)})" for p in data.parts)
        own = ", ".join(f"{n} ({c})" for n, c in zip(artifact.categories, counts, strict=True))
        raise DataError(
            f"The model finds {own}; the set has {listed} (joints in brackets).",
            where=where,
            hint="Choose a set with the classes that the model was trained on.",
        )
    return tuple(p.category for p in chosen if p is not None)


class _Look:
    """Runs the model through videos, frame after frame."""

    def __init__(
        self,
        artifact: ModelArtifact,
        categories: tuple[int, ...],
        options: EvaluateOptions,
        context: JobContext,
    ) -> None:
        # Stored tracks are judged by this module too, and need no engine.
        from studio.runtime.clips import ClipPredictor, joints_of

        self._artifact, self._categories, self._context = artifact, categories, context
        self._joints_of = joints_of
        self._predictor = ClipPredictor(
            artifact,
            conf=options.show_conf,
            device=options.device,
            precision=options.precision,
        )
        self.problems: list[Problem] = []
        self.times: list[float] = []
        self.total = self._done = 0

    def __enter__(self) -> _Look:
        return self

    def __exit__(self, *_: object) -> None:
        self._predictor.close()

    def through(self, video: Video) -> tuple[list[Found], list[int]]:
        """What is found in the labelled frames that are here, and which those are.

        The others are shown to the model all the same, so that each frame has before it what it
        would have in the whole video.
        """
        self._predictor.reset()
        found: list[Found] = []
        seen: list[int] = []
        frames = {**dict(video.before), **dict(video.frames)}
        for number in sorted(frames):
            self._context.check()
            picture = frames[number]
            judged = number in video.labelled
            if judged:
                self._done += 1
                self._context.progress("judge", self._done, self.total)
            frame = self._read(video, number, picture)
            if frame is None:
                continue
            if not judged:
                self._predictor.remember(frame, (video.name, number))
                continue
            begun = time.perf_counter()
            people = self._predictor.submit([frame], [(video.name, number)]).result()[0].predictions
            self.times.append((time.perf_counter() - begun) * 1000)
            seen.append(number)
            found += [self._found(number, p) for p in people]
        return found, seen

    def _read(self, video: Video, number: int, picture: Path | None) -> Picture | None:
        if picture is None:
            self.problems.append(
                Problem(f"Frame {number} of {video.name} has rows and no picture.")
            )
            return None
        try:
            return read_image(picture)
        except StudioError as error:
            self.problems.append(Problem(error.message, str(picture), hint=error.hint))
            return None

    def _found(self, frame: int, person: Prediction) -> Found:
        joints = np.asarray(self._joints_of(self._artifact, person), np.float64)
        category = self._categories[person.category_id]
        track = category if person.track_id is None else person.track_id
        return Found(frame, track, category, joints)


def clips_judged(
    judged: ClipEvaluation,
    skeleton: Skeleton,
    dataset: Mapping[str, Any],
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: int,
) -> Judged:
    """The report of clips, whoever found the keypoints. dataset: its path and split."""
    values = clip_values(judged, skeleton, model=model, settings=settings, pictures=pictures)
    values["dataset"] = {
        **dataset,
        "pictures": len(judged.frames),
        "people": judged.instances,
        "videos": list(judged.videos),
    }
    return Judged(values, people_drawn(judged.frames, skeleton, CLIPS), judged.problems)
