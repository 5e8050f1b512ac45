"""A look at the heads of a set before it is converted: where each is found; no Qt."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.core.head import Angles
from studio.core.requests.convert_heads import ConvertHeadsOptions

if TYPE_CHECKING:
    from studio.io.headpose_set import HeadSample
    from studio.runtime.head_finder import HeadFinder

Floats = npt.NDArray[np.float64]

# A detector looks at one picture at a time.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, eq=False)
class Looked:
    """A few heads of a folder. kind: as `--from` takes it."""

    path: Path
    kind: str
    samples: tuple[HeadSample, ...]
    finder: HeadFinder


@dataclass(frozen=True, eq=False)
class Seen:
    """One head. outlines: its crop and the cube of its rotation in the picture, (4, 2) each; the
    cube alone lies in the middle of the picture where no head is found. found: whether one is.
    """

    picture: Path
    outlines: tuple[Floats, ...]
    angles: Angles
    found: bool


def look(path: Path, options: ConvertHeadsOptions, project: Path | None) -> Looked:
    """Read a few heads from all over `path`. Raises StudioError where it is nothing that is known."""
    from studio.runtime.head_finder import HeadFinder
    from studio.runtime.head_sources import some_heads, usual, with_preset

    options = with_preset(options)
    found = some_heads(path, options, project)
    margin = usual(found.kind)[0] if options.crop_margin is None else options.crop_margin
    return Looked(path, found.kind, found.samples, HeadFinder(options, margin))


def see(looked: Looked, number: int) -> Seen:
    """Find the head of one of them. Raises StudioError where its picture cannot be read, or where
    there is no detector.
    """
    from studio.io.images import read_image
    from studio.vision.head_crop import centre_box
    from studio.vision.head_drawing import cube_sides

    sample = looked.samples[number]
    frame = read_image(sample.picture)
    with _one_at_a_time:
        box = looked.finder.box(sample, frame)
    place = centre_box((frame.shape[1], frame.shape[0])) if box is None else box
    x1, y1, x2, y2 = (float(v) for v in place)
    cube = cube_sides(sample.rotation, ((x1 + x2) / 2, (y1 + y2) / 2), min(x2 - x1, y2 - y1) * 0.5)
    edge = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
    outlines = cube if box is None else (edge, *cube)
    return Seen(sample.picture, outlines, sample.angles, box is not None)
