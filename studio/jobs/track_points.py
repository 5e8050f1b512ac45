"""Joints followed from one annotated frame of a clip to the frames after or before it.

What is found stands in `tracks.jsonl`, a line a frame: {"picture", "people": {group id: [shapes]}}; a
joint carries its confidence as `score`, a lost one is not set. With `write` it is also put into
the annotation files in one step whose snapshot undoes it; a person that a frame has already is
never touched, and following it ends there.

The result is {"tracks", "frames", "people", "stopped": [{"person", "picture", "reason"}], "lost":
joints, "snapshot", "seconds"}; reasons: "lost" (too few points left), "cut" (another scene), "size"
(another picture size), "drift" (the person grew or shrank beyond belief), "there" (the next frame has
the person already), "end" (no further frame), "limit".
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import DataError
from studio.core.interpolation import person, with_people
from studio.core.job import JobContext
from studio.core.requests.track_points import TrackPointsOptions
from studio.io import labelme
from studio.io.clips import frames_of
from studio.io.images import read_image
from studio.io.snapshots import FOLDER, edit_files
from studio.io.tracks import NAME, write_tracks
from studio.vision.following import FollowedPerson
from studio.vision.tracking import TrackSettings


def run(options: TrackPointsOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises FileProblem, FormatError, DataError."""
    started = time.perf_counter()
    first = options.picture.absolute()
    image = labelme.read(labelme.annotation_path(first))
    groups = options.people or image.group_ids()
    missing = [g for g in groups if g not in image.group_ids()]
    if missing or not groups:
        names = ", ".join(map(str, missing)) or "nobody"
        raise DataError(f"The picture does not have these people: {names}.", where=first)
    frames = _frames(first, options)
    found = _follow(options, context, first, frames, image, groups)
    folder = context.run_dir or Path.cwd()
    tracks = folder / NAME
    write_tracks(tracks, found.people)
    context.artifact("tracks", tracks)
    snapshot = None
    if options.write and found.people:
        snapshot = edit_files(
            list(found.people),
            lambda picture, before: with_people(before, found.people[picture]),
            (context.project or folder) / FOLDER,
            title="Track joints",
        )
    return {
        "tracks": str(tracks),
        "frames": len(found.people),
        "people": len(groups),
        "stopped": found.stopped,
        "lost": found.lost,
        "snapshot": None if snapshot is None else str(snapshot.folder),
        "seconds": round(time.perf_counter() - started, 3),
    }


class _Found:
    def __init__(self) -> None:
        self.people: dict[Path, dict[int, tuple[Shape, ...]]] = {}
        self.stopped: list[dict[str, Any]] = []
        self.lost = 0

    def stop(self, group: int, picture: Path, reason: str) -> None:
        self.stopped.append({"person": group, "picture": str(picture), "reason": reason})


def _frames(first: Path, options: TrackPointsOptions) -> list[Path]:
    """The frames to follow through, the nearest first."""
    clip = [f.picture for f in frames_of(first)]
    at = clip.index(first)
    following = clip[at + 1 :] if options.direction == "forward" else clip[:at][::-1]
    if not following:
        raise DataError(
            "There is no further frame of this clip.",
            where=first,
            hint="Frames stand in one folder and are numbered: walk.mp4_000001.jpg, ...",
        )
    return following


def _follow(
    options: TrackPointsOptions,
    context: JobContext,
    first: Path,
    frames: Sequence[Path],
    image: AnnotatedImage,
    groups: Sequence[int],
) -> _Found:
    found = _Found()
    settings = TrackSettings(max_error=options.max_error, min_confidence=options.min_confidence)
    picture = read_image(first)
    followed = {g: FollowedPerson(picture, person(image, g), settings) for g in groups}
    last = first
    total = min(len(frames), options.frames)
    for number, path in enumerate(frames[:total], 1):
        context.check()
        if context.stop_requested or not followed:
            break
        picture, there = read_image(path), _people_of(path)
        lost: dict[int, int] = {}
        for group, one in list(followed.items()):
            if group in there:
                del followed[group]
                found.stop(group, last, "there")
                continue
            step = one.next(picture)
            if step is None:
                del followed[group]
                found.stop(group, last, one.stopped)
                continue
            lost[group] = step.lost
            found.people.setdefault(path, {})[group] = step.shapes
        found.lost = max(found.lost, sum(lost.values()))
        last = path
        context.progress("track", number, total)
    reason = "end" if total == len(frames) else "limit"
    for group in followed:
        found.stop(group, last, reason)
    return found


def _people_of(picture: Path) -> set[int]:
    path = labelme.annotation_path(picture)
    return set(labelme.read(path).group_ids()) if path.is_file() else set()
