"""What the network is shown: frames shrunk to its input, their motion, and augmentation in which
frame, joints, masks, motion and its arrows are moved by one matrix.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.io.files import read_bytes
from studio.io.images import decode_image, read_image, write_image
from studio.ml.augment import Colours, View, jitter, make_view
from studio.runtime.clips import shrunk
from studio.vision import motion
from studio.vision.affine import warp
from studio.vision.heatmaps import gaussians

from .frames import IGNORED, Frame, read_mask

Picture = npt.NDArray[np.uint8]

# Shrunk frames kept in memory, in bytes.
MEMORY = 2_000_000_000
_IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


@dataclass(frozen=True)
class Look:
    """How frames are laid before the network. size, heatmap: (height, width). motion: "none", or
    how the flow is found; consistent: whether the frame before is shown too, which needs the flow
    also where the network has none.
    """

    size: tuple[int, int]
    heatmap: tuple[int, int]
    channels: int
    motion: str
    sigma: float
    consistent: bool = False
    flow_cache: Path | None = None
    keep: bool = True


@dataclass(frozen=True)
class Moves:
    """How much examples are moved. rotation in degrees, either way; the rest are shares. flip_idx,
    flip_classes: each joint's and each mask class's mirror image.
    """

    rotation: float = 0.0
    flip: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    color: float = 0.0
    flip_idx: tuple[int, ...] = ()
    flip_classes: tuple[int, ...] = ()

    def draw(self, rng: np.random.Generator, size: tuple[int, int]) -> View:
        """A view by chance; the same number of draws whatever comes out."""
        turn, grow, x, y = rng.uniform(-1.0, 1.0, 4)
        flipped = bool(rng.random() < self.flip)
        return make_view(
            _IDENTITY,
            size,
            angle=float(turn * self.rotation),
            flipped=flipped,
            factor=1.0 + float(grow * self.scale),
            shift=np.array([x * size[1], y * size[0]]) * self.shift,
        )


@dataclass(eq=False)
class Shelf:
    """Shrunk frames and their motion, read once. Copies in other processes begin empty."""

    look: Look
    _kept: dict[Path, tuple[Picture, tuple[int, int]]] = field(default_factory=dict)
    _moved: dict[tuple[Path, Path], Picture] = field(default_factory=dict)
    _bytes: int = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"look": self.look}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["look"])

    def frame(self, path: Path) -> tuple[Picture, tuple[int, int]]:
        """(H, W, 3) uint8 BGR of the input's size, and the picture's own (height, width).

        Raises FileProblem, FormatError.
        """
        found = self._kept.get(path)
        if found is None:
            picture = read_image(path)
            found = shrunk(picture, self.look.size), (picture.shape[0], picture.shape[1])
            if self._has_room(found[0]):
                self._kept[path] = found
        return found

    def motion(self, path: Path, before: Path | None) -> Picture:
        """(H, W, 3) uint8 motion channels of the frame at `path`."""
        if before is None:
            return motion.still(self.look.size)
        found = self._moved.get((path, before))
        if found is None:
            found = self._stored(path, before)
            if self._has_room(found):
                self._moved[path, before] = found
        return found

    def _has_room(self, picture: Picture) -> bool:
        self._bytes += picture.nbytes
        return self.look.keep and self._bytes <= MEMORY

    def _stored(self, path: Path, before: Path) -> Picture:
        folder = self.look.flow_cache
        if folder is None:
            return self._computed(path, before)
        target = folder / f"{motion_key(path, before, self.look)}.png"
        if target.is_file():
            kept = decode_image(read_bytes(target), target)
            if kept.shape[:2] == self.look.size:
                return kept
            raise FormatError(
                "This stored motion is of another size.", where=target, hint="Delete it."
            )
        made = self._computed(path, before)
        write_image(target, made)
        return made

    def _computed(self, path: Path, before: Path) -> Picture:
        return motion.motion_channels(self.frame(path)[0], self.frame(before)[0], self.look.motion)


def motion_key(path: Path, before: Path, look: Look) -> str:
    """What a frame's stored motion is called: a digest of both files and of how it is computed."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"1 {look.motion} {look.size}".encode())
    for each in (path, before):
        digest.update(hashlib.blake2b(read_bytes(each), digest_size=16).digest())
    return digest.hexdigest()


def store_motion(frame: Frame, shelf: Shelf) -> None:
    """Compute what a training needs of a frame's motion, where it is not stored yet. Raises
    FileProblem, FormatError.
    """
    first, second = frame.before
    shelf.motion(frame.picture, first)
    if shelf.look.consistent and first is not None:
        shelf.motion(first, second)


@dataclass(frozen=True, eq=False)
class TrainingFrames:
    """See `studio.ml.task.ExampleSet`. An example holds

    frame: (H, W, 3 or 6) uint8, BGR and motion. targets: (K, h, w) float32 Gaussians. places:
    (K, 2) float32 x, y as shares of the frame. visibility: (K,) int64; a joint that was moved out
    of the frame is absent. mask: (h, w) uint8 class numbers, 255 where nobody's. With a look that
    is consistent also previous: the frame before, seen the same way; linked: whether there is
    one; flow: (H, W, 2) uint8, stored as `studio.vision.motion` says.
    """

    frames: Sequence[Frame]
    look: Look
    moves: Moves
    shelf: Shelf

    def __len__(self) -> int:
        return len(self.frames)

    def example(self, index: int, epoch: int, rng: np.random.Generator) -> dict[str, Any]:
        """Frame `index` as drawn by `rng`. Raises FileProblem, FormatError."""
        del epoch
        frame, look = self.frames[index], self.look
        view = self.moves.draw(rng, look.size)
        colours = Colours(self.moves.color, self.moves.color, self.moves.color)
        state = rng.bit_generator.state
        now, size = self._seen(frame.picture, frame.before[0], view)
        example: dict[str, Any] = {
            "frame": self._coloured(now, rng, colours),
            **self._labels(frame, view, size),
            "mask": self._mask(frame, view),
        }
        if look.consistent:
            # The same colours on both frames.
            rng.bit_generator.state = state
            first, second = frame.before
            before = now if first is None else self._seen(first, second, view)[0]
            example["previous"] = self._coloured(before, rng, colours)
            example["linked"] = first is not None
            example["flow"] = np.ascontiguousarray(now[..., 3:5])
        return example

    def _seen(self, path: Path, before: Path | None, view: View) -> tuple[Picture, tuple[int, int]]:
        """(H, W, 3 or 6) uint8 and the picture's own (height, width)."""
        small, size = self.shelf.frame(path)
        seen = view.picture(small)
        if self.look.channels == 3 and not self.look.consistent:
            return seen, size
        moved = moved_motion(self.shelf.motion(path, before), view)
        return np.concatenate([seen, moved], axis=2), size

    def _coloured(
        self, seen: Picture, rng: np.random.Generator, colours: Colours
    ) -> npt.NDArray[np.uint8]:
        seen = seen[..., : self.look.channels]
        return np.ascontiguousarray(jitter(rng, seen, colours) if self.moves.color else seen)

    def _labels(self, frame: Frame, view: View, size: tuple[int, int]) -> dict[str, Any]:
        height, width = self.look.size
        points = frame.points.astype(np.float64)
        points[:, :2] *= (width / size[1], height / size[0])
        points = view.points(points, self.moves.flip_idx or None)
        labelled = (points[:, 2] > 0) & view.inside(points)
        places = np.where(labelled[:, None], points[:, :2] / (width, height), 0.0)
        cells = places * (self.look.heatmap[1], self.look.heatmap[0])
        return {
            "targets": gaussians(cells, self.look.heatmap, self.look.sigma),
            "places": places.astype(np.float32),
            "visibility": np.where(labelled, points[:, 2], 0).astype(np.int64),
        }

    def _mask(self, frame: Frame, view: View) -> npt.NDArray[np.uint8]:
        if frame.mask is None:
            return np.full(self.look.heatmap, IGNORED, dtype=np.uint8)
        mask = moved_mask(read_mask(frame.mask), view, self.look)
        classes = self.moves.flip_classes
        if not view.flipped or classes == tuple(range(len(classes))):
            return mask
        table = np.arange(256, dtype=np.uint8)
        table[: len(classes)] = classes
        return table[mask]


def mirrored_classes(names: Sequence[str]) -> tuple[int, ...]:
    """Each class's mirror image: what is called left_... and right_... change places."""
    swapped = {"left": "right", "right": "left"}
    others = [re.sub("left|right", lambda m: swapped[m[0]], name, count=1) for name in names]
    return tuple(names.index(o) if o in names else i for i, o in enumerate(others))


def moved_motion(channels: Picture, view: View) -> Picture:
    """Motion channels (H, W, 3) of the input's size as `view` shows them: moved as a picture, and
    the arrows turned, mirrored and stretched with it.
    """
    return motion.turned(view.picture(channels, fill=motion.FILL), view.matrix[:, :2])


def moved_mask(mask: Picture, view: View, look: Look) -> Picture:
    """(h, w) uint8 of a mask of any size, in cells of the heatmap, as `view` shows it."""
    height, width = mask.shape
    (tall, wide), (h, w) = look.size, look.heatmap
    to_input = np.array([[wide / width, 0, 0], [0, tall / height, 0]])
    to_cells = np.diag([w / wide, h / tall]) @ view.matrix
    matrix = np.column_stack([to_cells[:, :2] @ to_input[:, :2], to_cells[:, 2]])
    return warp(mask, matrix, look.heatmap, fill=IGNORED, nearest=True)
