"""What a dataset or a folder holds for a model to look at: whole pictures, crops of people, frames
with their motion, heads; each laid into the network's input as the runtime lays it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.errors import FormatError, Problem, UsageError
from studio.io.datasets import bare_pictures, detect_kind, load_dataset
from studio.io.headpose_set import HeadSample, detect_heads, load_heads
from studio.io.images import read_image
from studio.io.video_keypoints import frame_of, is_video_keypoints, read_video_set, splits_of
from studio.runtime.clips import ClipFacts, Place, facts_of, is_clip_model, shrunk
from studio.runtime.head_pose import TASK as HEADS
from studio.runtime.topdown import CropModel, is_topdown
from studio.vision.head_crop import judged_crop
from studio.vision.letterbox import apply, fit
from studio.vision.motion import motion_channels

Picture = npt.NDArray[np.uint8]
Report = Callable[[Problem], None]
Size = tuple[int, int]

ALL, HALF = "all", "half"


@dataclass(frozen=True)
class Shown:
    """One thing that the network looks at. name: tells it from the others of its set, the same on
    every machine; picture: the same of the picture that it is cut from; laid: the input,
    (H, W, C) uint8 BGR.
    """

    name: str
    picture: str
    path: Path
    laid: Callable[[], Picture]


def pictures_of(
    artifact: ModelArtifact,
    place: Path,
    split: str,
    size: Size,
    report: Report,
    *,
    kind: str = "",
    listed: Path | None = None,
) -> list[Shown]:
    """Everything of one side ("all" and "half": of every side; a set without sides has but one).

    kind, listed: of a set of heads. report: hears of single files that cannot be used. Raises
    UsageError where such a set cannot be shown to such a model, DataError, FileProblem, FormatError.
    """
    side = "" if split in (ALL, HALF) else split
    if artifact.task == HEADS:
        return _heads(place, side, size, report, kind, listed)
    if is_clip_model(artifact):
        return _frames(artifact, place, side, size, report)
    if is_topdown(artifact):
        return _people(artifact, place, side, size, report)
    return [_whole(path, place, size) for path in _pictures(artifact, place, side, report)]


def pictures_side(place: Path, split: str) -> str:
    """What of a place is taken, for people to read; "" for a folder of pictures alone."""
    return split if split == HALF or not bare_pictures(place) else ""


def _name(path: Path, place: Path) -> str:
    root = place if place.is_dir() else place.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _samples(artifact: ModelArtifact, place: Path, side: str, report: Report) -> list[Sample]:
    # Annotated pictures need not say whose joints they are: the model knows its own.
    known = artifact.skeleton if detect_kind(place) == "labelme" else None
    dataset = load_dataset(place, known, report)
    return list(dataset.split(side if any(dataset.splits) else ALL))


def _pictures(artifact: ModelArtifact, place: Path, side: str, report: Report) -> list[Path]:
    bare = bare_pictures(place)
    return list(bare) or [sample.image for sample in _samples(artifact, place, side, report)]


def _whole(path: Path, place: Path, size: Size) -> Shown:
    def laid() -> Picture:
        picture = read_image(path)
        height, width = picture.shape[:2]
        return apply(picture, fit((height, width), size, rect=False))

    name = _name(path, place)
    return Shown(name, name, path, laid)


def _people(
    artifact: ModelArtifact, place: Path, side: str, size: Size, report: Report
) -> list[Shown]:
    model = dataclasses.replace(CropModel.of(artifact), size=size)
    found: list[Shown] = []
    for sample in () if bare_pictures(place) else _samples(artifact, place, side, report):
        name = _name(sample.image, place)
        for number, box in enumerate(sample.people_boxes()):

            def laid(path: Path = sample.image, box: npt.NDArray[np.float32] = box) -> Picture:
                return model.cut(read_image(path), box[None])[0][0]

            found.append(Shown(f"{name}#{number}", name, sample.image, laid))
    if not found:
        raise UsageError(
            "A model that looks at people in boxes is calibrated on labelled people; there are "
            "none here.",
            where=place,
            hint="Name a dataset of people: --calibration.",
        )
    return found


def _heads(
    place: Path, side: str, size: Size, report: Report, kind: str, listed: Path | None
) -> list[Shown]:
    try:
        known = kind if kind not in ("", "auto") else detect_heads(place)
    except FormatError:
        pictures = bare_pictures(place)
        if not pictures:
            raise
        # A folder of pictures alone: each is taken for a head, as `HeadPoser.rotations` does.
        return [_head(path, None, _name(path, place), size) for path in pictures]
    found = load_heads(place, known, listed, report)
    samples = found.samples
    if side and listed is None:
        samples = found.side(side)
    shown = [s for s in samples if s.box is not None or not s.loose]
    return [_head(s.picture, s, s.name or _name(s.picture, place), size) for s in shown]


def _head(path: Path, sample: HeadSample | None, name: str, size: Size) -> Shown:
    def laid() -> Picture:
        picture = read_image(path)
        box = sample.box if sample is not None else None
        if box is None:
            box = np.array([0.0, 0.0, picture.shape[1], picture.shape[0]])
        return judged_crop(picture, box, size)

    return Shown(name, name, path, laid)


def _frames(
    artifact: ModelArtifact, place: Path, side: str, size: Size, report: Report
) -> list[Shown]:
    facts = dataclasses.replace(facts_of(artifact), size=size)
    shown: dict[Place, Path] = {}
    before: dict[Place, Path] = {}
    if is_video_keypoints(place):
        for name in splits_of(place) if not side else (side,):
            for video in read_video_set(place, name, report).videos:
                own = {(video.name, n): path for n, path in video.frames if path is not None}
                shown |= {spot: path for spot, path in own.items() if spot[1] in video.labelled}
                before |= own | {(video.name, n): path for n, path in video.before}
    else:
        for path in _pictures(artifact, place, side, report):
            # Pictures that are no frames have nothing before them.
            shown[frame_of(path.stem) or (str(path), 0)] = path
        before = dict(shown)
    return [_frame(spot, path, before, place, facts) for spot, path in shown.items()]


def _frame(
    spot: Place, path: Path, before: dict[Place, Path], place: Path, facts: ClipFacts
) -> Shown:
    video, number = spot
    # The farthest frame that is at most the gap back, as the runtime takes it.
    earlier = range(number - facts.gap, number)
    last = next((before[video, n] for n in earlier if (video, n) in before), None)

    def laid() -> Picture:
        small = shrunk(read_image(path), facts.size)
        if not facts.moving:
            return small
        known = None if last is None else shrunk(read_image(last), facts.size)
        return np.concatenate([small, motion_channels(small, known, facts.motion)], axis=2)

    name = _name(path, place)
    return Shown(name, name, path, laid)
