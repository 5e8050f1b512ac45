"""Video keypoint sets: frames of clips with the keypoints of one instance or more a frame.

A set's folder holds, for each side ("train", "val", "test"):

    <side>/frames/**/<video>_frame_<id>.png     frames, in folders or not
    <side>/before/**/<video>_frame_<id>.png     frames that only stand before others: no labels
    <side>/mot/<video>_frame_<id>.txt           rows of one frame (how train is usually kept)
    <side>/mot/<video>.txt                      rows of a whole video (how val is usually kept)

and where a conversion of the studio made it, `categories.json`: what each class is called and its
skeleton. Rows are MOT's with keypoints: `frame,track,class,-1,-1,-1,-1,x,y,v,x,y,v,...`, x and y
in pixels of the frame, v 0 absent, 1 hidden, 2 visible. How many joints a class has is told by
its rows. In a file of one frame the file's name says which frame it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import DataError, FileProblem, FormatError, Problem
from studio.core.skeleton import Skeleton
from studio.io.files import list_images, read_json
from studio.io.keypoint_rows import Row, read_rows, row_text, rows_text
from studio.io.plain import is_list, is_table, is_whole

__all__ = [
    "Part",
    "Row",
    "Video",
    "VideoSet",
    "read_rows",
    "read_video_set",
    "row_text",
    "rows_text",
]

Report = Callable[[Problem], None]

FORMAT = "video-keypoints"
CATEGORIES_JSON = "categories.json"
FRAMES, BEFORE, ROWS, MASKS = "frames", "before", "mot", "masks"
SPLITS = ("train", "val", "test")
_FRAME_NAME = re.compile(r"^(?P<video>.+)_frame_?(?P<number>\d+)$", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class Part:
    """One class: its number in the rows, its name, its joints, and where they begin in a row of
    the joints of all classes.
    """

    category: int
    name: str
    skeleton: Skeleton
    start: int = 0

    @property
    def joints(self) -> tuple[str, ...]:
        """The names of its joints."""
        return self.skeleton.keypoints

    @property
    def places(self) -> tuple[int, ...]:
        """The places of its joints in the row of all."""
        return tuple(range(self.start, self.start + len(self.skeleton)))


@dataclass(frozen=True, eq=False)
class Video:
    """One clip: its frames by number with their pictures (None where rows have none), and its
    rows by frame.

    labelled: frames that somebody labelled, also with nothing on them: those of a file of their
    own, or all of a video with one file. before: pictures of frames that only stand before others.
    """

    name: str
    frames: tuple[tuple[int, Path | None], ...]
    rows: tuple[Row, ...] = ()
    labelled: frozenset[int] = frozenset()
    before: tuple[tuple[int, Path], ...] = ()


@dataclass(frozen=True, eq=False)
class VideoSet:
    """One side of a set. `skeleton`: the joints of all parts in a row, names made unique."""

    root: Path
    split: str
    parts: tuple[Part, ...]
    skeleton: Skeleton
    videos: tuple[Video, ...] = field(default=())


def frame_of(stem: str) -> tuple[str, int] | None:
    """The video and the frame's number that a name such as `walk_frame_000012` tells."""
    match = _FRAME_NAME.match(stem)
    return (match["video"], int(match["number"])) if match else None


def frame_name(video: str, number: int) -> str:
    """What a frame's files are called, without ending."""
    return f"{video}_frame_{number:06d}"


def is_video_keypoints(path: Path | str) -> bool:
    """Whether a set stands here, or in the dataset here; cheap."""
    root = set_root(Path(path))
    return any((root / s / ROWS).is_dir() or (root / s / FRAMES).is_dir() for s in SPLITS)


def set_root(path: Path) -> Path:
    """The folder with train/ and val/: itself, or the one of a converted dataset."""
    if path.is_file():
        path = path.parent
    inside = path / FORMAT
    return inside if inside.is_dir() else path


def splits_of(path: Path | str) -> tuple[str, ...]:
    """The sides that have rows, in the usual order."""
    root = set_root(Path(path))
    return tuple(s for s in SPLITS if (root / s / ROWS).is_dir())


def read_video_set(path: Path | str, split: str, report: Report | None = None) -> VideoSet:
    """One side. Rows or files that cannot be used are reported and left out; without `report`
    the first one is raised. Raises FileProblem where there is no such side, DataError where
    nothing of it can be used.
    """
    root = set_root(Path(path))
    tell = report or _raise
    if split not in splits_of(root):
        raise FileProblem(
            f"There is no side {split!r} here: {split}/{ROWS} is missing.",
            where=root,
            hint=f"A set has <side>/{FRAMES} with pictures and <side>/{ROWS} with rows.",
        )
    rows = _rows_of(root / split / ROWS, tell)
    parts = _known_parts(root)
    if parts is None:
        others = (s for s in splits_of(root) if s != split)
        parts = guessed_parts([rows, *(_rows_of(root / s / ROWS, _quiet) for s in others)])
    good = _fitting(rows, parts, tell)
    videos = _videos(root / split, good)
    if not parts or not videos:
        raise DataError("There is nothing to learn from or to judge here.", where=str(root / split))
    return VideoSet(root, split, parts, joined_skeleton(parts), videos)


def guessed_parts(rows: Iterable[Mapping[str, Sequence[Row]]]) -> tuple[Part, ...]:
    """The classes that stand in rows, with numbered joints, where nothing else names them."""
    counts: dict[int, Counter[int]] = {}
    for videos in rows:
        for listed in videos.values():
            for row in listed:
                counts.setdefault(row.category, Counter())[len(row.keypoints)] += 1
    usual = {category: count.most_common(1)[0][0] for category, count in counts.items()}
    named = [(c, f"class_{c}", Skeleton.numbered(n)) for c, n in sorted(usual.items())]
    return in_a_row(named)


def in_a_row(named: Iterable[tuple[int, str, Skeleton]]) -> tuple[Part, ...]:
    """Parts with their places given one after the other."""
    parts: list[Part] = []
    start = 0
    for category, name, skeleton in named:
        parts.append(Part(category, name, skeleton, start))
        start += len(skeleton)
    return tuple(parts)


def joined_skeleton(parts: Sequence[Part]) -> Skeleton:
    """The joints of all parts as one skeleton. A joint's name that several parts have gets its
    part's name before it; parts called left_... and right_... mirror each other.
    """
    if len(parts) == 1:
        return parts[0].skeleton
    every = [name for part in parts for name in part.joints]
    sigmas = [s for part in parts for s in part.skeleton.sigmas]
    return Skeleton(
        name="+".join(part.name for part in parts),
        keypoints=tuple(
            name if every.count(name) == 1 else f"{part.name}_{name}"
            for part in parts
            for name in part.joints
        ),
        edges=tuple((a + p.start, b + p.start) for p in parts for a, b in p.skeleton.edges),
        flip_pairs=_flip_pairs(parts),
        sigmas=tuple(sigmas) if len(sigmas) == len(every) else (),
        category="frame",
    )


def _flip_pairs(parts: Sequence[Part]) -> tuple[tuple[int, int], ...]:
    known = {part.name: part for part in parts}
    pairs: list[tuple[int, int]] = []
    for part in parts:
        other = known.get(part.name.replace("left", "right", 1))
        if "left" in part.name and other is not None and len(other.joints) == len(part.joints):
            pairs += zip(part.places, other.places, strict=True)
        elif not ("right" in part.name and part.name.replace("right", "left", 1) in known):
            pairs += [(a + part.start, b + part.start) for a, b in part.skeleton.flip_pairs]
    return tuple(pairs)


def crowded(videos: Iterable[Video]) -> list[Problem]:
    """Frames on which a class stands more than once: a network with one map a joint cannot hold
    them. One problem a frame, at the second row.
    """
    found: list[Problem] = []
    for video in videos:
        seen: dict[tuple[int, int], Row] = {}
        for row in video.rows:
            first = seen.setdefault((row.frame, row.category), row)
            if first is not row:
                message = (
                    f"Class {row.category} stands twice on frame {row.frame} of {video.name} "
                    f"(the first time in line {first.line})."
                )
                hint = "At most one instance of a class may stand on a frame."
                found.append(Problem(message, row.where, row.line, hint))
    return found


def write_categories(root: Path, parts: Sequence[Part]) -> Path:
    """`categories.json`; its path."""
    path = root / CATEGORIES_JSON
    listed = [
        {"id": p.category, "name": p.name, "skeleton": p.skeleton.to_mapping()} for p in parts
    ]
    text = json.dumps({"v": 1, "categories": listed}, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def mask_files(root: Path, video: str) -> dict[int, Path]:
    """The class-number pictures of a video, `<root>/<video>/*.png`, by the number that ends each
    one's name; none where there is no such folder.
    """
    folder = root / video
    if not folder.is_dir():
        return {}
    found = ((_NUMBER_AT_END.search(p.stem), p) for p in list_images(folder))
    return {int(match[1]): path for match, path in found if match}


def _known_parts(root: Path) -> tuple[Part, ...] | None:
    path = root / CATEGORIES_JSON
    if not path.is_file():
        return None
    data = read_json(path)
    listed = data.get("categories") if is_table(data) else None
    named: list[tuple[int, str, Skeleton]] = []
    for entry in listed if is_list(listed) else []:
        if not is_table(entry) or not is_whole(entry.get("id")):
            raise FormatError("A category has no id.", where=path)
        skeleton: dict[str, Any] = entry.get("skeleton", {})
        number: int = entry["id"]
        name = str(entry.get("name", f"class_{number}"))
        named.append((number, name, Skeleton.from_mapping(skeleton, where=str(path))))
    if not named or len({n for n, _, _ in named}) != len(named):
        raise FormatError(
            "This file names no categories, or one twice.",
            where=path,
            hint="Convert the annotations again, or take the file away.",
        )
    return in_a_row(sorted(named, key=lambda entry: entry[0]))


def _rows_of(folder: Path, report: Report) -> dict[str, list[Row]]:
    """Rows by video, of files of one frame and of whole videos alike."""
    found: dict[str, list[Row]] = {}
    for path in sorted(folder.rglob("*.txt")):
        if path.name.startswith("."):
            continue
        try:
            rows = read_rows(path)
        except FileProblem as error:
            report(Problem(error.message, error.where or str(path), hint=error.hint))
            continue
        named = frame_of(path.stem)
        video = named[0] if named else path.stem
        listed = found.setdefault(video, [])
        if named is None:
            listed += rows
        else:
            number = named[1]
            listed += (Row(number, r.track, r.category, r.keypoints, r.where, r.line) for r in rows)
    return found


def _fitting(
    rows: Mapping[str, Sequence[Row]], parts: Sequence[Part], report: Report
) -> dict[str, list[Row]]:
    joints = {part.category: len(part.joints) for part in parts}
    good: dict[str, list[Row]] = {}
    for video, listed in rows.items():
        kept = good.setdefault(video, [])
        for row in listed:
            problem = _label_problem(row, joints)
            if problem:
                report(Problem(problem, row.where, row.line, "Mend the row, or take it out."))
            else:
                kept.append(row)
    return good


def _label_problem(row: Row, joints: Mapping[int, int]) -> str:
    if row.category not in joints:
        return f"Class {row.category} is none of {', '.join(map(str, joints))}."
    if len(row.keypoints) != joints[row.category]:
        return (
            f"This row has {len(row.keypoints)} joints; class {row.category} has "
            f"{joints[row.category]}."
        )
    if not np.isin(row.keypoints[:, 2], (0, 1, 2)).all():
        return "A joint's v is none of 0, 1 and 2."
    return ""


def _videos(side: Path, rows: Mapping[str, Sequence[Row]]) -> tuple[Video, ...]:
    pictures, before = _pictures(side / FRAMES), _pictures(side / BEFORE)
    single: dict[str, set[int]] = {}
    for path in (side / ROWS).rglob("*.txt"):
        if named := frame_of(path.stem):
            single.setdefault(named[0], set()).add(named[1])
    videos: list[Video] = []
    for name in sorted({*pictures, *rows}):
        here = pictures.get(name, {})
        listed = sorted(rows.get(name, ()), key=lambda r: (r.frame, r.category, r.track))
        numbers = sorted({*here, *(r.frame for r in listed)})
        alone = single.get(name)
        videos.append(
            Video(
                name,
                tuple((n, here.get(n)) for n in numbers),
                tuple(listed),
                frozenset(alone or (numbers if name in rows else ())),
                tuple(sorted(before.get(name, {}).items())),
            )
        )
    return tuple(videos)


def _pictures(folder: Path) -> dict[str, dict[int, Path]]:
    """Frames by video and number."""
    found: dict[str, dict[int, Path]] = {}
    for path in list_images(folder, recursive=True) if folder.is_dir() else ():
        named = frame_of(path.stem)
        if named is not None:
            found.setdefault(named[0], {})[named[1]] = path
    return found


def _raise(problem: Problem) -> None:
    if problem.severity == "error":
        place = problem.where + (f":{problem.line}" if problem.line is not None else "")
        raise DataError(problem.message, where=place, hint=problem.hint)


def _quiet(_: Problem) -> None:
    """Another side's problems are told when that side is read."""
