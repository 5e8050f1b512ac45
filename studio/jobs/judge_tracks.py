"""Stored tracks judged against labelled videos: rows of frame, track, class and keypoints.

The labels are a video keypoint set, a folder of `<video>.txt`, or one such file; the predictions a
file, or a folder with `<video>.txt` or `<video>_pred.txt`, in `data/` or not, or a folder of such
folders (trackers). Several trackers give a report each, in a folder of the tracker's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.core.errors import DataError, FileProblem, FormatError, StudioError
from studio.core.job import JobContext
from studio.core.requests.judge import AUTO, JudgeOptions
from studio.core.skeleton import Skeleton
from studio.io.files import list_images
from studio.io.images import read_image, write_image
from studio.io.keypoint_rows import Row, read_rows
from studio.io.records import many
from studio.io.video_keypoints import (
    Part,
    Video,
    VideoSet,
    frame_of,
    guessed_parts,
    in_a_row,
    is_video_keypoints,
    joined_skeleton,
    read_video_set,
    splits_of,
)
from studio.jobs.evaluate import report_path, write_report
from studio.jobs.evaluate_clips import clips_judged, judging_of, pictures_of
from studio.jobs.evaluate_page import draw_judged
from studio.metrics.clips import ClipEvaluation

_ENDS = ("", "_pred", "-pred", "_tracks")


@dataclass(frozen=True)
class Tracker:
    """One set of predictions: its name ("" for the only one) and its file of each video."""

    name: str
    files: dict[str, Path]


def is_tracks(options: JudgeOptions) -> bool:
    """Whether rows are to be judged; else the predictions are of single pictures."""
    if is_video_keypoints(options.gt):
        return True
    return _is_rows(options.gt) or (options.gt.is_dir() and any(map(_is_rows, _files(options.gt))))


def judge_tracks(options: JudgeOptions, context: JobContext) -> dict[str, Any]:
    """Raises FileProblem, FormatError, DataError."""
    labels = read_labels(options)
    trackers = trackers_of(options, [v.name for v in labels.videos])
    target = report_path(options.out, context)
    results: dict[str, dict[str, Any]] = {}
    for tracker in trackers:
        judged = _judged(tracker, labels, options, context)
        split = labels.split or "all"
        report = clips_judged(
            judged,
            labels.skeleton,
            {"path": str(options.gt.absolute()), "split": split},
            model={"path": str((options.pred / tracker.name).absolute()), "family": "",
                   "precision": ""},
            settings={"labelled_only": options.labelled_only},
            pictures=options.pictures,
        )  # fmt: skip
        place = target.parent / tracker.name / target.name if len(trackers) > 1 else target
        results[tracker.name] = write_report(place, report, context)
        if options.vis is not None:
            where = options.vis / tracker.name if len(trackers) > 1 else options.vis
            drawn = _draw(judged, labels.skeleton, where, options.limit, context)
            results[tracker.name] |= {"drawn": drawn, "vis": str(where)}
    first = next(iter(results.values()))
    return first | ({"trackers": results} if len(results) > 1 else {})


def read_labels(options: JudgeOptions) -> VideoSet:
    """The labelled videos, with pictures where `--frames` has them. Raises StudioError."""
    if is_video_keypoints(options.gt):
        sides = splits_of(options.gt)
        side = options.split
        if side == AUTO:
            side = "val" if "val" in sides else next(iter(sides), "val")
        labels = read_video_set(options.gt, side)
    else:
        labels = _bare_labels(options)
    wanted = options.videos
    unknown = [v for v in wanted if v not in {each.name for each in labels.videos}]
    if unknown:
        raise DataError(f"There are no labels of {', '.join(unknown)}.", where=options.gt)
    videos = [v for v in labels.videos if not wanted or v.name in wanted]
    # A video without any row has no labels: nothing can be judged on it.
    videos = [_with_pictures(v, options.frames) for v in videos if v.rows]
    if not videos:
        raise DataError("No video is labelled here.", where=options.gt)
    return replace(labels, videos=tuple(videos))


def trackers_of(options: JudgeOptions, videos: Sequence[str]) -> list[Tracker]:
    """What is to be judged. Raises FileProblem, DataError where there is nothing."""
    pred = options.pred
    if not pred.exists():
        raise FileProblem("There is no such file or folder.", where=pred)
    if pred.is_file():
        video = _video_of(pred, videos) if len(videos) > 1 else videos[0]
        if video is None:
            raise DataError(
                f"The file's name says none of the labelled videos ({', '.join(videos[:3])}, …).",
                where=pred,
                hint="Call it <video>.txt or <video>_pred.txt, or name the one with --videos.",
            )
        return [Tracker("", {video: pred})]
    named = [(name, pred / name) for name in options.trackers]
    for name, folder in named:
        if not folder.is_dir() or not folder.resolve().is_relative_to(pred.resolve()):
            raise FileProblem(f"There is no tracker called {name} here.", where=pred)
    if not named:
        named = [("", pred)]
        if not _rows_in(pred, videos):
            named = [(p.name, p) for p in sorted(pred.iterdir()) if p.is_dir()]
    found = [Tracker(name, _rows_in(folder, videos)) for name, folder in named]
    found = [t for t in found if t.files or options.trackers]
    if not found:
        raise FileProblem(
            "No file here is of a labelled video.",
            where=pred,
            hint=f"<video>.txt is looked for; labelled are {', '.join(videos[:3])}.",
        )
    return found


def _judged(
    tracker: Tracker, labels: VideoSet, options: JudgeOptions, context: JobContext
) -> ClipEvaluation:
    silent = [v.name for v in labels.videos if v.name not in tracker.files]
    if silent:
        context.log(
            f"{tracker.name or options.pred.name}: {many(len(silent), 'video')} of "
            f"{len(labels.videos)} have no predictions ({', '.join(silent[:3])}): everything on "
            "them counts as missed.",
            "warning",
        )
    judging = judging_of(labels)
    for number, video in enumerate(labels.videos, 1):
        context.check()
        path = tracker.files.get(video.name)
        found = read_rows(path) if path is not None else ()
        rows = {r.frame for r in video.rows}
        # A set says which frames were labelled, also those with nothing on them; bare rows do not.
        frames = set(video.labelled) or rows | {r.frame for r in found}
        frames = rows if options.labelled_only else frames
        judging.add(video.name, video.rows, found, sorted(frames), pictures_of(video))
        context.progress("judge", number, len(labels.videos))
    return judging.result()


def _bare_labels(options: JudgeOptions) -> VideoSet:
    """Rows alone: the classes are named by `--class-names`, else numbered."""
    files = [options.gt] if options.gt.is_file() else _files(options.gt)
    rows: dict[str, list[Row]] = {}
    for path in files:
        named = frame_of(path.stem)
        name = named[0] if named else path.stem
        listed = read_rows(path)
        if named is not None:
            listed = tuple(replace(r, frame=named[1]) for r in listed)
        rows.setdefault(name, []).extend(listed)
    parts = _named(guessed_parts([rows]), options)
    videos = tuple(
        Video(name, tuple((n, None) for n in sorted({r.frame for r in listed})), tuple(listed))
        for name, listed in sorted(rows.items())
    )
    return VideoSet(options.gt, "", parts, joined_skeleton(parts), videos)


def _named(parts: tuple[Part, ...], options: JudgeOptions) -> tuple[Part, ...]:
    names = options.class_names
    if not names:
        return parts
    if len(names) != len(parts):
        raise DataError(
            f"{len(names)} class names are given and {len(parts)} classes stand in the rows "
            f"({', '.join(str(p.category) for p in parts)}).",
            where=options.gt,
        )
    return in_a_row((p.category, n, p.skeleton) for p, n in zip(parts, names, strict=True))


def _with_pictures(video: Video, frames: Path | None) -> Video:
    if frames is None:
        return video
    numbers = {n for n, _ in video.frames}
    found: dict[int, Path] = {}
    for path in list_images(frames, recursive=True):
        named = frame_of(path.stem)
        if named is not None and named[0] == video.name and named[1] in numbers:
            found[named[1]] = path
    return replace(video, frames=tuple((n, found.get(n, p)) for n, p in video.frames))


def _rows_in(folder: Path, videos: Iterable[str]) -> dict[str, Path]:
    known = tuple(videos)
    found: dict[str, Path] = {}
    for base in (folder / "data", folder):
        for path in sorted(base.glob("*.txt")) if base.is_dir() else ():
            video = _video_of(path, known)
            if video is not None:
                found.setdefault(video, path)
    return found


def _video_of(path: Path, videos: Sequence[str]) -> str | None:
    for video in videos:
        if path.stem in [video + end for end in _ENDS]:
            return video
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.txt") if not p.name.startswith("."))


def _is_rows(path: Path) -> bool:
    """Whether the first line of a .txt file is a row; cheap, and never raises."""
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8") as stream:
            line = next((text for text in stream if text.strip()), "")
    except (OSError, UnicodeDecodeError):
        return False
    fields = line.split(",")
    return len(fields) >= 10 and (len(fields) - 7) % 3 == 0


def _draw(
    judged: ClipEvaluation,
    skeleton: Skeleton,
    folder: Path,
    limit: int | None,
    context: JobContext,
) -> int:
    """Frames with labels and predictions joined, worst first; how many."""
    wanted = judged.frames[:limit]
    drawn = 0
    absent: StudioError | None = None
    for number, frame in enumerate(wanted, 1):
        context.check()
        path = frame.sample.image
        try:
            picture = read_image(path)
        except (FileProblem, FormatError) as error:
            absent = error
            continue
        write_image(
            folder / f"{number:04d}_{path.stem}.jpg",
            draw_judged(picture, frame, skeleton),
            quality=90,
        )
        drawn += 1
        context.progress("draw", number, len(wanted))
    if absent is not None and not drawn:
        raise FileProblem(
            "None of the frames to draw can be read.",
            where=absent.where,
            hint="Say with --frames where the videos' pictures stand.",
        )
    context.artifact("pictures", folder)
    return drawn
