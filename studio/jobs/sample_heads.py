"""Drawn heads for the sample project: a head-pose set with exact rotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.dataset import TRAIN, VAL
from studio.core.head import angles_of
from studio.core.job import JobContext
from studio.core.requests.sample import SampleOptions
from studio.io.headpose_set import HEADS, HeadSample
from studio.io.headpose_writing import write_crop, write_set
from studio.vision.head_crop import crop_of, cropped, enlarged
from studio.vision.synthetic.head import HeadPicture, make_head

# How much wider than the head the crop is at each side, and the share that is trained on.
_MARGIN, _RATIO = 0.1, 0.8
_JPEG_QUALITY = 92
# Another stream of chance than the pictures' and the clips'.
_STREAM = 7


def draw_heads(folder: Path, options: SampleOptions, context: JobContext) -> None:
    """`options.heads` heads in the new set `folder`, every fifth for validation."""
    samples: list[HeadSample] = []
    for number in range(options.heads):
        context.check()
        rng = np.random.default_rng((options.seed, _STREAM, number))
        head = make_head(rng, options.head_size * 4 // 3)
        name = f"{HEADS}/head_{number + 1:05d}.jpg"
        write_crop(folder / name, head_crop(head, options.head_size), _JPEG_QUALITY)
        side = TRAIN if number % 5 < round(5 * _RATIO) else VAL
        angles = angles_of(head.rotation)
        samples.append(HeadSample(folder / name, head.rotation, angles, side, name))
        context.progress("heads", number + 1, options.heads)
    write_set(folder, samples, folder.name, {"sources": [], "seed": options.seed})


def head_crop(head: HeadPicture, size: int) -> npt.NDArray[np.uint8]:
    """(size, size, 3) a square around a drawn head."""
    x, y, width, height = crop_of(enlarged(head.box, _MARGIN))
    side = max(width, height)
    return cropped(head.image, (x, y, side, side), (size, size))
