"""Object keypoint similarity, as COCO defines it: how alike two poses are, 0..1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]


def oks_matrix(
    truth: FloatArray,
    areas: FloatArray,
    predicted: FloatArray,
    sigmas: FloatArray,
    boxes: FloatArray | None = None,
) -> npt.NDArray[np.float64]:
    """(G, D) float64 similarities of G true and D predicted poses.

    truth: (G, K, 3) x, y, v in pixels. areas: (G,) square pixels. predicted: (D, K, 2 or more)
    x, y, .... sigmas: (K,). boxes: (G, 4) x, y, w, h; a person without a labelled joint is
    judged by how far the points lie outside twice its box (and as 0 without boxes).
    """
    g, d = len(truth), len(predicted)
    out = np.zeros((g, d), dtype=np.float64)
    variances = (np.asarray(sigmas, dtype=np.float64) * 2) ** 2
    for i in range(g):
        labelled = truth[i, :, 2] > 0
        offset = predicted[:, :, :2].astype(np.float64) - truth[i, None, :, :2]
        if not labelled.any():
            if boxes is None:
                continue
            offset = _outside(predicted, np.asarray(boxes[i], dtype=np.float64))
            labelled = np.ones(len(variances), dtype=bool)
        squared = (offset**2).sum(axis=-1)
        exponent = squared / variances / (float(areas[i]) + np.spacing(1)) / 2
        out[i] = np.exp(-exponent[:, labelled]).mean(axis=1)
    return out


def seen_oks(
    first: FloatArray,
    second: FloatArray,
    areas: FloatArray,
    sigmas: FloatArray,
    seen: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """(G, D) float64 similarities over the joints that `seen` (G, D, K) names for each pair.

    first: (G, K, 2 or more) x, y in pixels. second: (D, K, 2 or more). areas: (G,) square pixels.
    sigmas: (K,). A pair without a joint seen is as like as 0.
    """
    offset = second[None, :, :, :2].astype(np.float64) - first[:, None, :, :2]
    squared = np.square(offset).sum(axis=-1)
    variances = (np.asarray(sigmas, dtype=np.float64) * 2) ** 2
    spread = variances * (np.asarray(areas, np.float64)[:, None, None] + np.spacing(1)) * 2
    alike = np.exp(-squared / spread) * seen
    return alike.sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)


def pair_oks(
    first: FloatArray, second: FloatArray, area: float, sigmas: FloatArray
) -> npt.NDArray[np.float64]:
    """(K,) float64: each joint's own similarity between two (K, 2 or more) poses."""
    squared = ((first[:, :2].astype(np.float64) - second[:, :2]) ** 2).sum(axis=-1)
    variances = (np.asarray(sigmas, dtype=np.float64) * 2) ** 2
    return np.exp(-squared / variances / (area + np.spacing(1)) / 2)


def _outside(predicted: FloatArray, box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x, y, w, h = box
    low = np.array([x - w, y - h])
    high = np.array([x + 2 * w, y + 2 * h])
    points = predicted[:, :, :2].astype(np.float64)
    return np.maximum(low - points, 0) + np.maximum(points - high, 0)


def oks_nms(
    poses: FloatArray, scores: FloatArray, boxes: FloatArray, sigmas: FloatArray, same: float
) -> list[int]:
    """Indices of the poses to keep, best first: each drops those whose OKS to it is above `same`.

    poses: (N, K, 2 or more) x, y in pixels. scores: (N,). boxes: (N, 4) x1, y1, x2, y2, whose
    area stands for the person's. sigmas: (K,).
    """
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    order = list(np.argsort(-np.asarray(scores), kind="stable"))
    seen = np.concatenate([poses[..., :2], np.ones((*poses.shape[:2], 1))], axis=-1)
    kept: list[int] = []
    while order:
        best = int(order.pop(0))
        kept.append(best)
        if not order:
            break
        # Of two people the mean of their areas, so that the order of the pair does not matter.
        alike = np.array(
            [
                pair_oks(seen[best], seen[other], (areas[best] + areas[other]) / 2, sigmas).mean()
                for other in order
            ]
        )
        order = [other for other, oks in zip(order, alike, strict=True) if oks <= same]
    return kept
