"""What stands in a folder or file that is to be imported; no Qt."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.core.errors import Problem, StudioError
from studio.core.options import N_

VIDEO = "video"
# Proper names, the same in every language, but for the last two.
TITLES = {
    "labelme": "labelme",
    "x-anylabeling": "X-AnyLabeling",
    "coco": "COCO",
    "yolo": "YOLO pose",
    "crowdpose": "CrowdPose",
    "posetrack18": "PoseTrack18",
    "mpii": "MPII",
    "aic": "AI Challenger",
    "ochuman": "OCHuman",
    "dataset": N_("Dataset of the studio"),
    VIDEO: N_("Video"),
}
# Every file is read for X-AnyLabeling's own marks, but not all of a large folder.
LOOKED_AT = 20
# More label files than this are counted but not read before the import itself.
READ_AT_MOST = 2000


@dataclass(frozen=True)
class Recognised:
    """kind: as `--from` of the conversion takes it, or "video". title: what made it.

    people is -1 where they were not counted; bare: pictures without labels, which stay behind.
    frames, fps and size are those of a video.
    """

    path: Path
    kind: str
    title: str
    pictures: int = 0
    people: int = -1
    bare: int = 0
    skeleton: str = ""
    problems: tuple[Problem, ...] = ()
    frames: int = 0
    fps: float = 0.0
    size: tuple[int, int] = (0, 0)


def recognise(path: Path, kind: str = "auto", skeleton: str = "") -> Recognised:
    """Look into `path`. Raises StudioError where it is nothing that can be imported."""
    from studio.io.datasets import detect_kind
    from studio.io.video import VIDEO_SUFFIXES

    if path.suffix.lower() in VIDEO_SUFFIXES and kind == "auto":
        return _video(path)
    found = detect_kind(path) if kind == "auto" else kind
    if found == "labelme":
        return _labelme(path)
    return _dataset(path, found, skeleton)


def _video(path: Path) -> Recognised:
    from studio.io.video import VideoReader

    with VideoReader(path) as video:
        return Recognised(
            path, VIDEO, TITLES[VIDEO],
            frames=video.frame_count, fps=video.fps, size=video.size,
        )  # fmt: skip


def _labelme(path: Path) -> Recognised:
    from studio.io import labelme
    from studio.io.datasets import files_of

    files, bare = files_of(path)
    people, other, problems = 0, False, []
    for number, file in enumerate(files if len(files) <= READ_AT_MOST else files[:LOOKED_AT]):
        try:
            image = labelme.read(file)
        except StudioError as error:
            problems.append(Problem(error.message, where=str(file), hint=error.hint))
            continue
        people += len({s.group_id for s in image.shapes if s.group_id is not None})
        other = other or (number < LOOKED_AT and _is_x_anylabeling(s.extra for s in image.shapes))
    kind = "x-anylabeling" if other else "labelme"
    return Recognised(
        path, "labelme", TITLES[kind],
        pictures=len(files),
        people=people if len(files) <= READ_AT_MOST else -1,
        bare=len(bare),
        problems=tuple(problems),
    )  # fmt: skip


def _is_x_anylabeling(extras: Iterable[object]) -> bool:
    """It writes these two into every shape, labelme neither."""
    return any(isinstance(e, dict) and {"difficult", "attributes"} & set(e) for e in extras)


def _dataset(path: Path, kind: str, skeleton: str) -> Recognised:
    from studio.io.datasets import read_source
    from studio.io.skeletons import load_skeleton

    problems: list[Problem] = []
    wanted = load_skeleton(skeleton) if skeleton else None
    source = read_source(path, kind, wanted, problems.append)
    return Recognised(
        path, kind, TITLES.get(kind, kind),
        pictures=len(source.records),
        people=sum(len(r.instances) for r in source.records),
        skeleton=source.skeleton.title or source.skeleton.name,
        problems=tuple(itertools.islice(problems, 500)),
    )  # fmt: skip


def frames_between(count: int, fps: float, begin: float, end: float | None) -> int:
    """How many of `count` frames lie from `begin` to `end`, in seconds."""
    first = math.ceil(begin * fps)
    last = count if end is None else min(count, math.floor(end * fps) + 1)
    return max(0, last - first)


def frames_taken(count: int, every: int, limit: int) -> int:
    """How many of `count` frames are taken at every N-th, at most `limit` (0: all)."""
    taken = -(-count // max(1, every))
    return min(taken, limit) if limit else taken
