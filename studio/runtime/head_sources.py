"""Where a head-pose conversion's heads come from: published sets, our own, annotated pictures."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.annotation import AnnotatedImage
from studio.core.errors import DataError, FormatError, Problem, StudioError
from studio.core.head import angles_of, head_of, head_rotation
from studio.core.requests.convert_heads import ConvertHeadsOptions
from studio.core.requests.motion_table import MotionTable
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.datasets import detect_kind, read_source
from studio.io.files import IMAGE_SUFFIXES, read_text
from studio.io.headpose_set import KIND, HeadSample, HeadSet, detect_heads, load_heads
from studio.io.records import Record
from studio.io.skeletons import load_skeleton
from studio.registry import find
from studio.registry.interfaces import HeadFormat
from studio.vision.head_crop import keypoint_box

LABELME = "labelme"
_MARGIN, _RATIO = 0.6, 0.8
# The circle of a head without a face's joints, as a box around it.
_AROUND = 1.25
# How many pictures of a folder, and of all, are considered for a look.
_OF_A_FOLDER, _WALKED = 200, 20_000

Report = Callable[[Problem], None]
Progress = Callable[[int, int], None]


def read_heads(
    path: Path,
    options: ConvertHeadsOptions,
    report: Report,
    project: Path | None,
    progress: Progress,
) -> HeadSet:
    """One input of a conversion. project: where a skeleton is looked for by its name.

    Raises FileProblem, FormatError, DataError.
    """
    kind = kind_of(path, options.from_)
    if kind == LABELME:
        return _annotated(path, options, report, project, progress)
    return load_heads(path, kind, options.filename_list, report, options, progress)


def kind_of(path: Path, asked: str) -> str:
    """What stands there, where nothing was said."""
    if asked != "auto":
        return asked
    try:
        return detect_heads(path)
    except FormatError:
        if path.is_dir() and detect_kind(path) == LABELME:
            return LABELME
        raise


def usual(kind: str) -> tuple[float, int, float]:
    """The crop margin, the crops' size and the share for training that are usual for a kind."""
    if kind in (LABELME, KIND):
        return _MARGIN, 0, _RATIO
    reader: HeadFormat = find("head-format", kind).load()
    return reader.margin, reader.size, reader.ratio


def with_preset(options: ConvertHeadsOptions) -> ConvertHeadsOptions:
    """The options with what their table preset says where they say nothing themselves.

    Raises FileProblem, FormatError, UsageError.
    """
    if options.mapping is None:
        return options
    try:
        told = tomllib.loads(read_text(options.mapping))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"This preset is not TOML: {error}.", where=options.mapping) from error
    preset = MotionTable.from_mapping({k: v for k, v in told.items() if k != "mapping"})
    plain = MotionTable()
    taken: dict[str, Any] = {
        f.name: getattr(preset, f.name)
        for f in fields(MotionTable)
        if f.name != "mapping" and getattr(options, f.name) == getattr(plain, f.name)
    }
    return replace(options, **taken).validated()


def _annotated(
    path: Path,
    options: ConvertHeadsOptions,
    report: Report,
    project: Path | None,
    progress: Progress,
) -> HeadSet:
    """Heads whose rotation was annotated on a person's box."""
    wanted = load_skeleton(options.skeleton, project) if options.skeleton else None
    source = read_source(path, LABELME, wanted, report, progress)
    margin = _MARGIN if options.crop_margin is None else options.crop_margin
    found: list[HeadSample] = []
    for record in source.records:
        if record.picture is None:
            text = "The picture is inside the annotation; save it as a file of its own."
            report(Problem(text, where=record.origin))
            continue
        try:
            found += _heads_of(record, source.skeleton, margin)
        except StudioError as error:
            report(Problem(error.message, where=error.where or record.origin, hint=error.hint))
    if not found:
        raise DataError(
            "No head's rotation is annotated in these pictures.",
            where=path,
            hint="Turn heads with the head tool of Annotate first.",
        )
    return HeadSet(path, LABELME, tuple(found))


def _heads_of(record: Record, skeleton: Skeleton, margin: float) -> list[HeadSample]:
    assert record.picture is not None
    image = labelme.read(record.annotation or record.origin)
    found: list[HeadSample] = []
    for group in image.group_ids():
        rotation = head_rotation(image, group)
        box = None if rotation is None else _box_of(image, skeleton, group, margin)
        if rotation is None or box is None:
            continue
        found.append(
            HeadSample(
                record.picture,
                rotation,
                angles_of(rotation),
                name=f"{Path(record.name).stem}_{group}",
                box=box,
                video=record.video,
            )
        )
    return found


def _box_of(
    image: AnnotatedImage, skeleton: Skeleton, group: int, margin: float
) -> np.ndarray | None:
    """By the joints of the face, as in live pictures; else where the head must be."""
    joints = {
        s.label: s.points[0]
        for s in image.shapes
        if s.group_id == group and s.shape_type == "point" and s.points
    }
    face = [joints[skeleton.keypoints[i]] for i in skeleton.face_points
            if skeleton.keypoints[i] in joints]  # fmt: skip
    shoulders = [p for name, p in joints.items() if name.endswith("shoulder")]
    box = keypoint_box(face, shoulders if face else (), margin)
    if box is not None:
        return box
    head = head_of(image, group)
    if head is None:
        return None
    middle, reach = np.array(head.centre), head.radius * _AROUND
    return np.concatenate([middle - reach, middle + reach])


def some_heads(
    path: Path, options: ConvertHeadsOptions, project: Path | None, count: int = 24
) -> HeadSet:
    """A few heads from all over an input, to be looked at before a conversion: of a set with
    landmarks the others are not read. Raises FileProblem, FormatError, DataError.
    """
    kind = kind_of(path, options.from_)
    if kind == LABELME:
        found = _annotated(path, options, _nobody, project, _quiet)
    elif options.filename_list is not None or kind in (KIND, "motion"):
        found = load_heads(path, kind, options.filename_list, _nobody, options)
    else:
        found = load_heads(path, kind, None, _nobody, options, chosen=_some_names(path, count * 4))
    step = max(1, len(found.samples) // count)
    return replace(found, samples=found.samples[::step][:count])


def _some_names(path: Path, count: int) -> list[str]:
    """Pictures from all over a folder, named as a filename list has them."""
    names: list[str] = []
    for folder, folders, files in os.walk(path):
        folders.sort()
        inside = Path(folder).relative_to(path)
        pictures = sorted(f for f in files if Path(f).suffix.lower() in IMAGE_SUFFIXES)
        step = max(1, len(pictures) // _OF_A_FOLDER)
        names += [(inside / f).as_posix() for f in pictures[::step]]
        if len(names) > _WALKED:
            break
    step = max(1, len(names) // count)
    return names[::step][:count]


def _nobody(problem: Problem) -> None:
    """What is wrong with single heads is told by the conversion itself."""
    del problem


def _quiet(done: int, total: int) -> None:
    """Nobody waits for the progress."""
    del done, total
