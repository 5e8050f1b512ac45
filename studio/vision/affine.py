"""One convention for every crop, turn and mirror: continuous coordinates.

A picture of width W spans x from 0 to W; the first pixel's centre is at .5 (labelme's and our
annotations' convention). A (2, 3) float64 matrix takes such coordinates of one picture to another.
OpenCV counts from pixel centres; `warp` translates, so that a drawn mark and its point stay
together to a fraction of a pixel whatever the scale.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


def enlarged_box(box: npt.ArrayLike, aspect: float, scale: float = 1.25) -> Matrix:
    """(4,) centre x, centre y, width, height: `box` (x1, y1, x2, y2) made as wide as `aspect`
    (width / height) asks by growing its shorter side, then enlarged by `scale`.
    """
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box, dtype=np.float64))
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    width, height = max(width, height * aspect), max(height, width / aspect)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, width * scale, height * scale])


def crop_matrix(crop: npt.ArrayLike, size: tuple[int, int]) -> Matrix:
    """(2, 3) from a picture to the input of `size` (height, width) that shows `crop` (centre x,
    centre y, width, height).
    """
    cx, cy, width, height = (float(v) for v in np.asarray(crop, dtype=np.float64))
    sx, sy = size[1] / width, size[0] / height
    return np.array([[sx, 0.0, size[1] / 2 - sx * cx], [0.0, sy, size[0] / 2 - sy * cy]])


def box_matrix(box: npt.ArrayLike, size: tuple[int, int], scale: float = 1.25) -> Matrix:
    """`crop_matrix` of a person's box (x1, y1, x2, y2), enlarged to the aspect of `size`."""
    return crop_matrix(enlarged_box(box, size[1] / size[0], scale), size)


def then(first: Matrix, second: Matrix) -> Matrix:
    """(2, 3) of `first`, then `second`."""
    out = second[:, :2] @ first
    out[:, 2] += second[:, 2]
    return out


def inverse(matrix: Matrix) -> Matrix:
    """(2, 3) of the way back."""
    back: Matrix = np.linalg.inv(matrix[:, :2]).astype(np.float64)
    return np.hstack([back, -back @ matrix[:, 2:]])


def moved(points: npt.NDArray[np.floating], matrix: Matrix) -> npt.NDArray[np.float64]:
    """(..., 2) float64 points moved by a (2, 3) matrix, or each of (N, K, 2) by its own of
    (N, 2, 3).
    """
    turned = points.astype(np.float64) @ np.swapaxes(matrix[..., :2], -1, -2)
    shift = matrix[..., 2]
    return turned + (shift[..., None, :] if matrix.ndim == 3 else shift)


def warp(
    picture: Picture,
    matrix: Matrix,
    size: tuple[int, int],
    *,
    fill: int | tuple[int, ...] = 0,
    nearest: bool = False,
) -> Picture:
    """`picture` (H, W) or (H, W, C) uint8 as `matrix` lays it into `size` (height, width).

    fill: what stands where the picture does not reach. nearest: for masks of class numbers.
    """
    import cv2

    # From pixel centres to continuous coordinates, through the matrix, and back.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    value = (fill,) * 4 if isinstance(fill, int) else fill
    return np.asarray(
        cv2.warpAffine(
            picture,
            centred,
            (size[1], size[0]),
            flags=cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=value,
        ),
        dtype=np.uint8,
    )
