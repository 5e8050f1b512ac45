"""The labelled frames of a set, with what stands before each, and the region masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError, Problem
from studio.io.files import problem_of, read_text
from studio.io.video_keypoints import MASKS, Part, Row, Video, VideoSet, mask_files

Mask = npt.NDArray[np.uint8]

CLASSES_TXT = "classes.txt"
IGNORED = 255


@dataclass(frozen=True, eq=False)
class Frame:
    """One labelled frame. points: (K, 3) float32 x, y in pixels of the picture and v, of all parts
    in a row. before: the frame before it and the one before that; None where there is none. mask:
    its regions' picture, or None.
    """

    video: str
    number: int
    picture: Path
    points: npt.NDArray[np.float32]
    before: tuple[Path | None, Path | None]
    mask: Path | None = None


def frames_of(found: VideoSet, gap: int, masks: Path | None) -> tuple[Frame, ...]:
    """Every labelled frame whose picture is there, video by video in order."""
    return tuple(frame for video in found.videos for frame in _frames(video, found, gap, masks))


def _frames(video: Video, found: VideoSet, gap: int, masks: Path | None) -> list[Frame]:
    pictures = {number: path for number, path in video.frames if path is not None}
    known = dict(video.before) | pictures
    regions = mask_files(masks, video.name) if masks is not None else {}
    rows: dict[int, list[Row]] = {}
    for row in video.rows:
        rows.setdefault(row.frame, []).append(row)
    made: list[Frame] = []
    for number, path in sorted(pictures.items()):
        if number not in video.labelled:
            continue
        first = _before(known, number, gap)
        second = None if first is None else _before(known, first, gap)
        made.append(
            Frame(
                video.name,
                number,
                path,
                points_of(rows.get(number, ()), found.parts),
                (
                    None if first is None else known[first],
                    None if second is None else known[second],
                ),
                regions.get(number),
            )
        )
    return made


def _before(known: Mapping[int, Path], number: int, gap: int) -> int | None:
    """The farthest frame that is at most `gap` back, as the runtime takes it."""
    return next((n for n in range(number - gap, number) if n in known), None)


def points_of(rows: Sequence[Row], parts: Sequence[Part]) -> npt.NDArray[np.float32]:
    """(K, 3) of all parts in a row; what has no row is absent."""
    total = sum(len(part.joints) for part in parts)
    points = np.zeros((total, 3), dtype=np.float32)
    places = {part.category: list(part.places) for part in parts}
    for row in rows:
        points[places[row.category]] = row.keypoints
    points[points[:, 2] == 0, :2] = 0
    return points


def masks_folder(given: Path | None, root: Path) -> Path | None:
    """The folder of masks: the given one, or the set's own where it has one."""
    if given is not None:
        return given
    own = root / MASKS
    return own if own.is_dir() else None


def read_mask(path: Path) -> Mask:
    """(H, W) uint8 class numbers of a grey or palette picture; 255 is nobody's.

    Raises FileProblem, or FormatError where the picture has colours instead of numbers.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode not in ("P", "L", "1"):
                raise FormatError(
                    f"This mask is a {picture.mode} picture; class numbers are wanted.",
                    where=path,
                    hint="Save masks as 8-bit grey or palette PNG, a pixel's value its class.",
                )
            return np.array(picture, dtype=np.uint8)
    except OSError as error:
        if error.errno is not None:
            raise problem_of(error, path, "read") from error
        raise FormatError("This mask cannot be read, or it is damaged.", where=path) from error


def seg_classes(masks: Path | None, frames: Sequence[Frame]) -> tuple[str, ...]:
    """The regions' names: of `classes.txt` beside the masks, a name a line (the first is the
    background); else as many numbers as the masks hold. None where no frame has a mask.
    """
    files = [frame.mask for frame in frames if frame.mask is not None]
    if masks is None or not files:
        return ()
    listed = masks / CLASSES_TXT
    if listed.is_file():
        return tuple(line.strip() for line in read_text(listed).splitlines() if line.strip())
    highest = 0
    for path in files:
        values = read_mask(path)
        highest = max(highest, int(values[values != IGNORED].max(initial=0)))
    return tuple(f"class_{number}" for number in range(highest + 1))


def mask_problems(frames: Sequence[Frame], classes: int) -> list[Problem]:
    """Masks that cannot be read or hold a class that is none; one problem a file."""
    found: list[Problem] = []
    for frame in frames:
        if frame.mask is None:
            continue
        try:
            values = read_mask(frame.mask)
        except FormatError as error:
            found.append(Problem(error.message, str(frame.mask), hint=error.hint))
            continue
        wrong = values[(values >= classes) & (values != IGNORED)]
        if wrong.size:
            text = f"This mask holds the class {wrong[0]}; there are 0 to {classes - 1}."
            hint = f"Mend the mask or {CLASSES_TXT}; 255 is for what is nobody's."
            found.append(Problem(text, str(frame.mask), hint=hint))
    return found
