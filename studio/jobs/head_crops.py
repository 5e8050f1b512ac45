"""The crops that a conversion of heads writes, and the picture of some of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.vision.head_crop import crop_of, cropped, whole_pixels
from studio.vision.head_drawing import draw_cube

Picture = npt.NDArray[np.uint8]
Box = npt.NDArray[np.float64]

# Crops in the preview: so many in a row, so many rows, pixels of a crop, the cube's part of it.
_ROW, _ROWS, _TILE = 6, 3, 128
_CUBE = 0.55


class Preview:
    """Some of the crops with their rotation drawn as a cube, for a person to look at."""

    def __init__(self, total: int) -> None:
        count = min(total, _ROW * _ROWS)
        chosen = np.linspace(0, max(total - 1, 0), max(count, 1)).round().astype(int)
        self._wanted = {int(i) for i in chosen}
        self._tiles: list[Picture] = []

    def add(self, number: int, crop: Picture, rotation: npt.NDArray[np.float64]) -> None:
        """Show the crop, if it is one of the chosen numbers or one of them was left out."""
        import cv2

        if not any(n <= number for n in self._wanted):
            return
        self._wanted.remove(min(self._wanted))
        tile = np.asarray(cv2.resize(crop, (_TILE, _TILE), interpolation=cv2.INTER_AREA), np.uint8)
        draw_cube(tile, rotation, (_TILE / 2, _TILE / 2), _TILE * _CUBE)
        self._tiles.append(tile)

    def mosaic(self) -> Picture:
        """(H, W, 3) uint8 BGR."""
        columns = min(_ROW, len(self._tiles))
        rows = -(-len(self._tiles) // columns)
        out = np.full((rows * _TILE, columns * _TILE, 3), 40, np.uint8)
        for number, tile in enumerate(self._tiles):
            y, x = number // columns * _TILE, number % columns * _TILE
            out[y : y + _TILE, x : x + _TILE] = tile
        return out


def head_crop(frame: Picture, box: Box, size: int) -> Picture:
    """The head in (size, size, 3) uint8 BGR; size 0: in as many pixels as the box has."""
    whole = whole_pixels(box)
    width, height = round(whole[2] - whole[0]), round(whole[3] - whole[1])
    return cropped(frame, crop_of(whole), (size, size) if size else (height, width))
