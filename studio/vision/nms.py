"""Non-maximum suppression in numpy, with the outcome of torchvision's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# Boxes of different categories are moved this far apart, so that they never overlap.
CATEGORY_OFFSET = 7680.0
MAX_CANDIDATES = 30_000


def nms(
    boxes: FloatArray,
    scores: FloatArray,
    categories: npt.NDArray[np.integer],
    *,
    iou: float = 0.7,
    limit: int = 300,
) -> npt.NDArray[np.intp]:
    """Indices of the boxes to keep, best first, at most `limit`.

    boxes: (N, 4) float32 x1, y1, x2, y2. scores: (N,) float32. categories: (N,) whole numbers;
    only boxes of the same category suppress each other. A box goes when its IoU with a better
    one is above `iou`.
    """
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    moved = boxes[order] + (categories[order, None] * CATEGORY_OFFSET).astype(np.float32)
    x1, y1, x2, y2 = moved.T
    areas = (x2 - x1) * (y2 - y1)
    alive = np.arange(len(order))
    kept: list[int] = []
    while len(alive) and len(kept) < limit:
        best, rest = alive[0], alive[1:]
        kept.append(int(best))
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        union = areas[best] + areas[rest] - shared
        # Multiplied out in double precision: no division by an empty union.
        alive = rest[shared.astype(np.float64) <= iou * union.astype(np.float64)]
    return order[np.asarray(kept, dtype=np.intp)]


def overlaps(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """(N, M) float64 IoU of (N, 4) and (M, 4) boxes x1, y1, x2, y2; 0 where both are empty."""
    a, b = first[:, None].astype(np.float64), second[None].astype(np.float64)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    union = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1)
    union = union - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
