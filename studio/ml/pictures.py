"""Pictures of a training under way: what goes in after augmentation, and what comes out so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from studio.core.job import JobContext
from studio.io.images import write_image

Item = TypeVar("Item")
Picture = npt.NDArray[np.uint8]

FOLDER = "report"
# How many pictures of a batch, or of the validation, are drawn.
SHOWN = 4
# Seconds between two looks at the validation pictures, so that short epochs stay short.
PAUSE = 10.0
_TILE = 480


class RunPictures:
    """Keeps `report/batch.jpg` and `report/val_NNNN.jpg` of one run, and says so."""

    def __init__(self, context: JobContext, run_dir: Path) -> None:
        self._context = context
        self._folder = run_dir / FOLDER
        self._batch_drawn = False
        self._last = 0.0

    def batch(self, draw: Callable[[], Sequence[Picture]]) -> tuple[Path, ...]:
        """Draw the first batch, with its labels, as the network sees it; later ones are not. What
        was written is returned.
        """
        if self._batch_drawn:
            return ()
        self._batch_drawn = True
        return self._save("batch.jpg", draw())

    def judged(
        self, epoch: int, draw: Callable[[], Sequence[Picture]], *, force: bool = False
    ) -> None:
        """Draw what the network finds on a few validation pictures, where the last such look is
        a while ago; `force`: in any case.
        """
        if force or time.monotonic() - self._last >= PAUSE:
            self._save(f"val_{epoch:04d}.jpg", draw())
            self._last = time.monotonic()

    def _save(self, name: str, tiles: Sequence[Picture]) -> tuple[Path, ...]:
        if not tiles:
            return ()
        path = self._folder / name
        write_image(path, mosaic(tiles[:SHOWN]), quality=85)
        self._context.artifact("picture", path)
        return (path,)


def spread(items: Sequence[Item], count: int = SHOWN) -> list[Item]:
    """`count` items from all over the list."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def mosaic(tiles: Sequence[Picture]) -> Picture:
    """Pictures (H, W, 3) uint8, two in a row, each in a square of 480 pixels at most."""
    import cv2

    side = min(_TILE, max(max(t.shape[:2]) for t in tiles))
    columns = min(2, len(tiles))
    rows = -(-len(tiles) // columns)
    out = np.full((rows * side, columns * side, 3), 40, np.uint8)
    for number, tile in enumerate(tiles):
        scale = side / max(tile.shape[:2])
        small = np.asarray(cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        top = (number // columns) * side + (side - small.shape[0]) // 2
        left = (number % columns) * side + (side - small.shape[1]) // 2
        out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out
