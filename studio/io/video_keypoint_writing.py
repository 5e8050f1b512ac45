"""A conversion's video keypoint set: the annotated frames of videos as `studio.io.video_keypoints`
describes, `train` with rows a frame, the other sides with rows a video.

Where a frame's video is found, the frame that stands before it is taken from there into `before/`.
Polygons become region masks: a pixel's value is its category's place from 1, `classes.txt` says
which.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from studio.core.annotation import Instance, instances_of
from studio.core.dataset import TRAIN
from studio.core.errors import FileProblem, Problem
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.annotations import video_of
from studio.io.dataset_folder import Placed, put_picture
from studio.io.images import write_image
from studio.io.keypoint_rows import Row, rows_text
from studio.io.prepared import Prepared, SpoolReader
from studio.io.video import VIDEO_SUFFIXES, VideoReader
from studio.io.video_keypoints import (
    BEFORE,
    FORMAT,
    FRAMES,
    MASKS,
    ROWS,
    Part,
    frame_name,
    frame_of,
    in_a_row,
    write_categories,
)

Report = Callable[[Problem], None]

_NUMBER = re.compile(r"(\d+)$")
# A thousandth of a pixel's shift bits: polygons are drawn to a sixteenth.
_BITS = 4
_QUALITY = 95


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture as the frame `number` of `video`; source: the video's name as it was told."""

    placed: Placed
    video: str
    number: int
    source: str


@dataclass(frozen=True, eq=False)
class Made:
    """What stands on a frame: the people of each category, and whether all have outlines."""

    people: tuple[tuple[Instance, ...], ...]
    outlined: bool


class SetWriter:
    """Writes one set into a dataset's folder.

    skeletons: the categories in their order, the first the conversion's own. videos: folders in
    which the videos are looked for. report: hears what was left out or missing.
    """

    def __init__(
        self,
        folder: Path,
        skeletons: Sequence[Skeleton],
        videos: Sequence[Path],
        report: Report,
        *,
        link: bool,
    ) -> None:
        self._root = folder / FORMAT
        self._skeletons = tuple(skeletons)
        self._videos = tuple(videos)
        self._report = report
        self._link = link

    def write(self, pictures: Sequence[Placed], progress: Callable[[int, int], None]) -> None:
        """Everything. Raises OSError, FileProblem."""
        shots = self._shots(pictures)
        self._root.mkdir(parents=True)
        write_categories(self._root, parts_of(self._skeletons))
        rows: dict[tuple[str, str], list[Row]] = {}
        drawn = False
        with contextlib.closing(SpoolReader()) as spool:
            for done, shot in enumerate(shots, 1):
                made = self._people(shot.placed.item, spool)
                self._put(shot)
                here = self._rows(shot, made)
                if shot.placed.side == TRAIN:
                    name = frame_name(shot.video, shot.number)
                    self._write_rows(TRAIN, name, here)
                else:
                    rows.setdefault((shot.placed.side, shot.video), []).extend(here)
                drawn |= self._draw_mask(shot, made)
                progress(done, len(shots))
        for (side, video), listed in rows.items():
            self._write_rows(side, video, sorted(listed, key=lambda r: (r.frame, r.category)))
        if drawn:
            names = ["background", *(s.category for s in self._skeletons)]
            (self._root / MASKS / "classes.txt").write_text("\n".join(names) + "\n", "utf-8")
        self._take_frames_before(shots)

    def _shots(self, pictures: Sequence[Placed]) -> list[Shot]:
        """Each picture's place in its video; what is no frame of a video is reported."""
        told = [(placed, place_of(placed)) for placed in pictures]
        sources = {place[0] for _, place in told if place is not None}
        names = _video_names(sources)
        shots: list[Shot] = []
        for placed, place in told:
            if place is None:
                message = "Its name does not say which frame of which video it is; left out."
                hint = "Call it <video>_frame_<number>, or take frames with the studio."
                self._report(Problem(message, placed.item.source, hint=hint))
            else:
                shots.append(Shot(placed, names[place[0]], place[1], place[0]))
        return sorted(shots, key=lambda s: (s.video, s.number))

    def _people(self, item: Prepared, spool: SpoolReader) -> Made:
        if item.annotation:
            image = labelme.read(item.annotation)
            found = tuple(instances_of(image, skeleton) for skeleton in self._skeletons)
            return Made(found, all(p.polygons for people in found for p in people))
        people = [_instance(orjson.loads(text), self._skeletons[0]) for text in spool.people(item)]
        return Made((tuple(people),), outlined=False)

    def _rows(self, shot: Shot, made: Made) -> list[Row]:
        rows: list[Row] = []
        for category, people in enumerate(made.people):
            people = [p for p in people if p.labelled]
            if len(people) > 1:
                message = f"{len(people)} of the category stand on this frame; KPNet takes one."
                self._report(Problem(message, shot.placed.item.origin, severity="warning"))
            for number, person in enumerate(people, 1):
                track = number if person.track_id is None else person.track_id
                rows.append(Row(shot.number, track, category, person.keypoints))
        return rows

    def _write_rows(self, side: str, name: str, rows: Sequence[Row]) -> None:
        path = self._root / side / ROWS / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rows_text(rows), encoding="utf-8")

    def _put(self, shot: Shot) -> None:
        folder = self._folder(shot, FRAMES)
        name = f"{frame_name(shot.video, shot.number)}{Path(shot.placed.name).suffix}"
        put_picture(shot.placed.item, [str(folder / name)], link=self._link)

    def _folder(self, shot: Shot, kind: str) -> Path:
        folder = self._root / shot.placed.side / kind
        if shot.placed.side != TRAIN:
            folder /= shot.video
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _draw_mask(self, shot: Shot, made: Made) -> bool:
        """Draw the regions where all people have outlines; whether anybody has."""
        people = [(c, p) for c, listed in enumerate(made.people, 1) for p in listed]
        if not made.outlined:
            return False
        width, height = shot.placed.item.size
        mask = np.zeros((height, width), dtype=np.uint8)
        for category, person in people:
            fill_polygons(mask, person.polygons, category)
        folder = self._root / MASKS / shot.video
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{frame_name(shot.video, shot.number)}.png", mask)
        return bool(people)

    def _take_frames_before(self, shots: Sequence[Shot]) -> None:
        by_video: dict[str, list[Shot]] = {}
        for shot in shots:
            by_video.setdefault(shot.source, []).append(shot)
        for source, here in by_video.items():
            numbers = {s.number for s in here}
            wanted = {s.number - 1: s for s in here if s.number and s.number - 1 not in numbers}
            if not wanted:
                continue
            path = find_video(source, self._videos)
            if path is None:
                message = (
                    f"The video {source} is not found: {len(wanted)} of its frames have none "
                    "before them and show no motion."
                )
                hint = "Put it beside the pictures, or take every frame."
                self._report(Problem(message, source, hint=hint, severity="warning"))
                continue
            self._take(path, wanted)

    def _take(self, path: Path, wanted: Mapping[int, Shot]) -> None:
        with VideoReader(path) as video:
            for index, _, frame in video:
                shot = wanted.get(index)
                if shot is not None:
                    folder = self._folder(shot, BEFORE)
                    name = f"{frame_name(shot.video, index)}.jpg"
                    write_image(folder / name, frame, quality=_QUALITY)
                if index > max(wanted):
                    return


def parts_of(skeletons: Sequence[Skeleton]) -> tuple[Part, ...]:
    """The categories as a set's classes, numbered from 0."""
    return in_a_row((number, s.category, s) for number, s in enumerate(skeletons))


def place_of(placed: Placed) -> tuple[str, int] | None:
    """The video and the frame's number that a picture's name tells, or its annotation's video
    with the number that ends its name.
    """
    stem = Path(placed.name).stem
    named = frame_of(stem)
    if named is not None:
        return named
    number = _NUMBER.search(stem)
    video = placed.item.video or video_of(placed.name)
    return (video, int(number[1])) if number is not None and video else None


def find_video(source: str, folders: Iterable[Path]) -> Path | None:
    """The file of a video that frames tell, in these folders, two below them, or beside them."""
    for folder in folders:
        for root, depths in ((folder, ("*", "*/*", "*/*/*")), (folder.parent, ("*", "*/*"))):
            for depth in depths:
                for path in sorted(root.glob(depth)):
                    if path.suffix.lower() in VIDEO_SUFFIXES and source in (path.name, path.stem):
                        return path
    return None


def fill_polygons(
    mask: npt.NDArray[np.uint8], polygons: Iterable[npt.NDArray[np.float64]], value: int
) -> None:
    """Set the pixels of (H, W) `mask` under outlines (N, 2), pixels from the outer corner."""
    import cv2

    # OpenCV's whole numbers are the centres of pixels.
    listed = [np.rint((p - 0.5) * (1 << _BITS)).astype(np.int32) for p in polygons]
    cv2.fillPoly(mask, listed, [value], shift=_BITS)


def _video_names(sources: Iterable[str]) -> dict[str, str]:
    """What each video is called in the set: without its ending, but for two that then are one."""
    plain = {s: Path(s).stem if Path(s).suffix.lower() in VIDEO_SUFFIXES else s for s in sources}
    every = list(plain.values())
    return {s: name if every.count(name) == 1 else s.replace(".", "_") for s, name in plain.items()}


def _instance(annotation: Mapping[str, object], skeleton: Skeleton) -> Instance:
    """A person of the COCO text that the conversion keeps."""
    keypoints = np.array(annotation["keypoints"], dtype=np.float64).reshape(-1, 3)
    track = annotation.get("group_id")
    person = Instance(skeleton.category, keypoints)
    return replace(person, track_id=track) if isinstance(track, int) else person


def check_frames(pictures: Sequence[Placed]) -> None:
    """Raise FileProblem where none of the pictures is a frame of a video."""
    if pictures and all(place_of(p) is None for p in pictures):
        raise FileProblem(
            "None of these pictures is a frame of a video.",
            where=pictures[0].item.source,
            hint="Call frames <video>_frame_<number>, or take them with the studio.",
        )
