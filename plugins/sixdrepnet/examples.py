"""Heads as the network sees them: a crop by chance, turned and mirrored with its rotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.core.head import mirrored, rolled
from studio.io.headpose_set import HeadSample
from studio.io.images import read_image
from studio.ml.augment import Chances, Colours, View, draw_view, jitter, random_crop
from studio.ml.task import Example
from studio.vision.affine import Matrix, then
from studio.vision.head_crop import TRAIN_K, judged_crop, reaching, warped, whole_pixels

from .config import TrainOptions

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class HeadExamples:
    """See `studio.ml.task.ExampleSet`: "picture" (H, W, 3) uint8 BGR and "rotation" (3, 3)."""

    options: TrainOptions
    samples: Sequence[HeadSample]

    def __len__(self) -> int:
        return len(self.samples)

    def example(self, index: int, epoch: int, rng: np.random.Generator) -> Example:
        """Raises StudioError that names a picture which cannot be read."""
        del epoch
        options, sample = self.options, self.samples[index]
        picture = read_image(sample.picture)
        size = (options.imgsz, options.imgsz)
        part = random_part(rng, _box(sample, picture, rng), size, options)
        view = draw_view(rng, part, size, Chances(flip=options.flip, rotation=options.degrees))
        seen = warped(picture, view.matrix, size)
        if rng.random() < options.blur:
            seen = _blurred(seen)
        if options.colours:
            share = options.colours
            seen = jitter(rng, seen, Colours(brightness=share, contrast=share, saturation=share))
        rotation = rotation_in(view, sample.rotation).astype(np.float32)
        return {"picture": np.ascontiguousarray(seen), "rotation": rotation}


def rotation_in(view: View, rotation: Matrix) -> Matrix:
    """The rotation of a head as it is seen in `view`: mirrored first, then turned."""
    out = mirrored(rotation) if view.flipped else rotation
    return rolled(out, view.angle) if view.angle else out


def random_part(
    rng: np.random.Generator, box: Matrix, size: tuple[int, int], options: TrainOptions
) -> Matrix:
    """(2, 3) from the picture to the input: a random part of `box`."""
    x1, y1, x2, y2 = box
    to_box = np.array([[1.0, 0.0, -x1], [0.0, 1.0, -y1]])
    area = (options.crop_scale, 1.0)
    sides = (round(y2 - y1), round(x2 - x1))
    return then(to_box, random_crop(rng, sides, size, area, options.stretch))


def judged_head(sample: HeadSample, size: int) -> Picture:
    """(size, size, 3) uint8 BGR: the head as it is judged. Raises StudioError."""
    picture = read_image(sample.picture)
    return judged_crop(picture, _whole(picture) if sample.box is None else sample.box, (size, size))


def _box(sample: HeadSample, picture: Picture, rng: np.random.Generator) -> Matrix:
    k = float(rng.uniform(*TRAIN_K))
    if sample.face is not None and sample.reach is not None:
        return whole_pixels(reaching(sample.face, k, sample.reach))
    return _whole(picture) if sample.box is None else whole_pixels(sample.box)


def _whole(picture: Picture) -> Matrix:
    return np.array([0.0, 0.0, picture.shape[1], picture.shape[0]])


def _blurred(picture: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (5, 5), 0), np.uint8)
