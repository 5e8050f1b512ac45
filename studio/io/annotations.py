"""A folder of pictures with labelme files as records: what fits, and what is wrong with the rest."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from studio.core.annotation import OUTLINES, AnnotatedImage, Instance, instances_of
from studio.core.errors import DataError, FileProblem, FormatError, Problem, StudioError
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.files import IMAGE_SUFFIXES, parse_json, problem_of, read_bytes
from studio.io.images import decode_image, header_size, image_size
from studio.io.ordinary import FARTHEST, ordinary_people
from studio.io.records import Record, Report, many, warn

Progress = Callable[[int, int], None]

# Folders of a project that hold no pictures to annotate.
_NOT_PICTURES = frozenset({"datasets", "runs", "exports", "skeletons"})
# Frames that were taken from a video say so in their names: clip.mp4_000123, clip_frame_0123.
_FRAME = re.compile(
    r"^(?P<video>.+\.(?:mp4|avi|mov|mkv|webm|m4v|mpe?g|wmv)|.+_frame)[_-]?\d+$", re.IGNORECASE
)


def annotation_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Annotation files below `folder`, and pictures that have none of their own: of several that
    share one by their name (a.jpg, a.png), all but one.

    Hidden folders, converted datasets and a project's own folders are left out. Raises
    FileProblem where there is no such folder.
    """
    if not folder.is_dir():
        raise FileProblem("There is no such folder.", where=folder, hint="Check the path.")
    files: list[Path] = []
    bare: list[Path] = []
    _walk(str(folder), files, bare, top=True)
    # Paths compare part by part, which takes as long as reading a file each.
    return sorted(files, key=os.fspath), sorted(bare, key=os.fspath)


def _walk(folder: str, files: list[Path], bare: list[Path], *, top: bool) -> None:
    try:
        with os.scandir(folder) as found:
            everything = list(found)
    except OSError as error:
        raise problem_of(error, folder, "read") from error
    entries = [e for e in everything if not e.name.startswith(".")]
    names = {e.name for e in everything}
    if "dataset.json" in names and not top:
        return
    # Any folder of pictures is a project once it was opened: the window leaves `.studio` in it.
    project = not names.isdisjoint(("studio.toml", ".studio"))
    stems: set[str] = set()
    pictures: list[tuple[str, str]] = []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - ten times as fast here
        suffix = suffix.lower()
        if suffix == ".json":
            if entry.name != "dataset.json":
                stems.add(stem)
                files.append(Path(entry.path))
        elif suffix in IMAGE_SUFFIXES:
            pictures.append((stem, entry.path))
        elif entry.is_dir() and not (project and entry.name in _NOT_PICTURES):
            _walk(entry.path, files, bare, top=False)
    taken: set[str] = set()
    for stem, path in sorted(pictures):
        if stem not in stems or stem in taken:
            bare.append(Path(path))
        taken.add(stem)


class NotAnnotated(DataError):
    """A picture waits for its annotation: not the same as a picture with nobody in it."""


def read_record(path: Path, skeleton: Skeleton, report: Report) -> Record:
    """One annotation file with its picture.

    Single shapes that do not fit are reported as warnings. Raises StudioError where the file as a
    whole cannot be used: it is damaged, its picture is missing, damaged or of another size, none
    of its shapes fits, or proposals in it wait to be accepted.
    """
    data = read_bytes(path)
    raw = parse_json(data, path)
    people = ordinary_people(raw, skeleton)
    if people is not None:
        image = labelme.without_shapes(raw, path)
        picture, embedded, size = _picture(path, image)
    else:
        image = labelme.of_value(raw, data, path)
        _check_annotated(image, path)
        picture, embedded, size = _picture(path, image)
        people = _people(image, skeleton, path, report)
    ending = ".png" if embedded is not None and embedded.startswith(b"\x89PNG") else ".jpg"
    name = picture.name if picture is not None else path.stem + ending
    video = image.extra.get("video")
    return Record(
        name=name,
        picture=picture,
        size=size,
        instances=people,
        origin=str(path),
        embedded=embedded,
        annotation=path,
        video=str(video) if isinstance(video, str) else video_of(name),
    )


def _check_annotated(image: AnnotatedImage, path: Path) -> None:
    if not image.shapes and not image.reviewed and "frame" in image.extra:
        raise NotAnnotated(
            "This frame of a video is not annotated yet; left out.",
            where=path,
            hint="Where nobody is in it, mark it as reviewed.",
        )


def _people(
    image: AnnotatedImage, skeleton: Skeleton, path: Path, report: Report
) -> tuple[Instance, ...]:
    """The people, every shape of the file looked at."""
    _check_coordinates(image, path)
    waiting = {
        s.group_id if s.group_id is not None else id(s) for s in image.shapes if s.is_prelabel
    }
    if waiting:
        raise FormatError(
            f"{len(waiting)} proposals of a model wait to be accepted or removed.",
            where=path,
            hint="Open the picture in Annotate and go through them.",
        )
    found = instances_of(image, skeleton)
    people = tuple(person for person in found if person.is_placed)
    _check_shapes(image, people, skeleton, path, report)
    return people


def _check_coordinates(image: AnnotatedImage, path: Path) -> None:
    for number, shape in enumerate(image.shapes, 1):
        for x, y in shape.points:
            if not (-FARTHEST < x < FARTHEST and -FARTHEST < y < FARTHEST):
                raise FormatError(
                    f"Shape {number} ({shape.label[:40]}) has the point {x:g}, {y:g}, which is far "
                    "outside of every picture.",
                    where=path,
                    hint="Put a real number there, or take the shape out.",
                )


def video_of(name: str) -> str:
    """The video that a frame's name tells, or ""."""
    match = _FRAME.match(os.path.splitext(name)[0])  # noqa: PTH122 - many, and quick
    return match["video"] if match else ""


def _picture(
    path: Path, image: AnnotatedImage
) -> tuple[Path | None, bytes | None, tuple[int, int]]:
    """The picture's file or its bytes, and its size, which is the one that was annotated."""
    picture = labelme.picture_path(path, image)
    embedded = None
    if picture is not None:
        size = image_size(picture, whole=True)
    else:
        embedded = labelme.embedded_picture(image, path)
        if embedded is None:
            raise FormatError(
                f"Its picture {image.image_path or '(no name)'} is not there.",
                where=path,
                hint="Put the picture beside the annotation, or take the annotation out.",
            )
        size = header_size(embedded)
        if size is None:
            height, width = decode_image(embedded, path).shape[:2]
            size = (width, height)
    if image.width and image.height and (image.width, image.height) != size:
        raise FormatError(
            f"The annotation was made on {image.width} x {image.height} pixels, but the picture is "
            f"{size[0]} x {size[1]}.",
            where=path,
            hint="Find the picture that was annotated; its coordinates would be wrong here.",
        )
    return picture, embedded, size


def _check_shapes(
    image: AnnotatedImage,
    instances: Sequence[Instance],
    skeleton: Skeleton,
    path: Path,
    report: Report,
) -> None:
    if image.shapes and not instances:
        labels = ", ".join(sorted({s.label for s in image.shapes})[:6])
        raise FormatError(
            f'None of its {len(image.shapes)} shapes fits the skeleton "{skeleton.name}": the '
            f"labels are {labels}.",
            where=path,
            hint=f'Outlines are labelled "{skeleton.category}", joints by their names, and both '
            "carry the person's group_id.",
        )
    unknown: Counter[str] = Counter()
    loose: Counter[str] = Counter()
    seen: set[tuple[int, str]] = set()
    joints, category = skeleton.index, skeleton.category
    for shape in image.shapes:
        label, kind, group = shape.label, shape.shape_type, shape.group_id
        if kind == "point" and label in joints:
            if group is None:
                loose[label] += 1
            elif (group, label) in seen:
                warn(report, f"{label} of group {group} stands there twice; the first was taken.",
                     str(path))  # fmt: skip
            else:
                seen.add((group, label))
        elif kind not in OUTLINES or label != category:
            unknown[f"{label} ({kind})"] += 1
        elif len(shape.points) < (3 if kind == "polygon" else 2):
            count = many(len(shape.points), "point")
            warn(report, f"A {label} ({kind}) has only {count}; left out.", str(path))
    for label, count in unknown.items():
        warn(report, f"{many(count, 'shape')} {label} not of the skeleton; left out.", str(path))
    for label, count in loose.items():
        warn(report, f"{many(count, 'joint')} {label} without a group_id; left out.", str(path),
             hint="Give them the group_id of their person.")  # fmt: skip


def read_folder(
    folder: Path, skeleton: Skeleton, report: Report, progress: Progress | None = None
) -> list[Record]:
    """All annotated pictures below `folder`; what cannot be used is reported by file."""
    files, bare = annotation_files(folder)
    report_bare(bare, report)
    records: list[Record] = []
    for number, path in enumerate(files, 1):
        record = read_or_report(path, skeleton, report)
        if record is not None:
            records.append(record)
        if progress is not None:
            progress(number, len(files))
    return records


def report_bare(pictures: Iterable[Path], report: Report) -> None:
    """Say of each picture that it has no annotation, or none of its own."""
    for picture in pictures:
        shared = labelme.annotation_path(picture)
        if shared.is_file():
            warn(report, f"It shares {shared.name} with another picture of the same name; one of "
                 "them is left out.", str(picture),
                 hint="Give one of the two another name.")  # fmt: skip
            continue
        warn(report, "It has no annotation; left out.", str(picture),
             hint="A picture with nobody in it needs an annotation without shapes.")  # fmt: skip


def read_or_report(path: Path, skeleton: Skeleton, report: Report) -> Record | None:
    """`read_record`, or None where the file as a whole cannot be used and that was reported."""
    try:
        return read_record(path, skeleton, report)
    except NotAnnotated as error:
        warn(report, error.message, str(path), hint=error.hint)
        return None
    except StudioError as error:
        where = error.where if error.where and str(path) in error.where else str(path)
        message = error.message
        if error.where and str(path) not in error.where:
            message = f"{message} ({error.where})"
        report(Problem(message, where=where, hint=error.hint))
        return None


def check_pictures(
    folders: Sequence[Path], skeleton: Skeleton, progress: Progress | None = None
) -> tuple[Problem, ...]:
    """What a conversion of these folders would report, without writing anything."""
    found: list[Problem] = []
    for folder in folders:
        read_folder(folder, skeleton, found.append, progress)
    return tuple(found)
