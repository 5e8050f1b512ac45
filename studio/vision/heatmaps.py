"""Joints as heatmaps and back: Gaussian targets, sub-pixel decoding, the mirrored second look.

Coordinates are continuous (see `studio.vision.affine`): a map of width w spans 0 to w and the
centre of its first cell is at .5. A point of the network's input is its point in the map times
input size / map size; nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# A stencil centre this far from its cell fits what lies just outside the map; more is no peak.
_FURTHEST = 1.5
_TINY = 1e-10


def gaussians(
    points: npt.NDArray[np.floating], size: tuple[int, int], sigma: float = 2.0
) -> Floats:
    """(K, h, w) float32 maps of `size` (h, w), each a Gaussian of height 1 around its point.

    points: (K, 2 or more) x, y in cells. The centre keeps its fraction of a cell. A joint that is
    not labelled gets a map too: the caller leaves it out of the loss.
    """
    height, width = size
    xy = np.asarray(points, dtype=np.float32)[:, :2]
    across = np.arange(width, dtype=np.float32) + 0.5
    down = np.arange(height, dtype=np.float32) + 0.5
    gx = np.exp(-((across - xy[:, :1]) ** 2) / (2 * sigma**2))
    gy = np.exp(-((down - xy[:, 1:2]) ** 2) / (2 * sigma**2))
    return (gy[:, :, None] * gx[:, None, :]).astype(np.float32)


def decode_maps(maps: Floats, blur: float = 2.0) -> Floats:
    """(..., K, 3) float32 of x, y in cells and the height of the peak, from (..., K, h, w) maps.

    DARK (Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose Estimation",
    2020): the map is smoothed by the Gaussian that it was trained with (`blur`: its sigma in
    cells; 0 does not smooth), and the peak of the parabola through its logarithm is the joint. A
    pure Gaussian comes back where it was put. A peak near the border is not smoothed, as there is
    nothing beyond to smooth with.
    """
    *lead, height, width = maps.shape
    if min(height, width) < 3:
        raise ValueError(f"a map of {height} x {width} is too small for a parabola; 3 x 3 at least")
    flat = np.ascontiguousarray(maps, dtype=np.float32).reshape(-1, height, width)
    rows = np.arange(len(flat))
    place = flat.reshape(len(flat), -1).argmax(axis=1)
    y, x = np.divmod(place, width)
    scores = flat[rows, y, x]
    cy, cx = np.clip(y, 1, height - 2), np.clip(x, 1, width - 2)
    stencil = _stencils(flat, cy, cx)
    if blur > 0:
        reach = _radius(blur) + 1
        inside = (x >= reach) & (x < width - reach) & (y >= reach) & (y < height - reach)
        smooth = _smoothed(flat, blur, scores)
        stencil = np.where(inside[:, None, None], _stencils(smooth, cy, cx), stencil)
    offset = _parabola_peak(np.log(np.maximum(stencil, _TINY)))
    raw = np.stack([x - cx, y - cy], axis=1)
    offset = np.where(np.abs(offset - raw).max(axis=1, keepdims=True) <= _FURTHEST, offset, raw)
    found = np.stack([cx + offset[:, 0] + 0.5, cy + offset[:, 1] + 0.5, scores], axis=1)
    return found.reshape(*lead, 3).astype(np.float32)


def unflipped(maps: Floats, flip_idx: Sequence[int], shift: int = 0) -> Floats:
    """(N, K, h, w) maps of mirrored pictures as maps of the pictures themselves: joints change
    sides by `flip_idx` and columns run the other way.

    shift: cells to move right by, for networks whose cells lie on input pixels 0, s, 2s, ...
    instead of between them.
    """
    out = maps[:, list(flip_idx), :, ::-1]
    if shift:
        out = np.concatenate([out[..., :shift], out[..., :-shift]], axis=-1)
    return np.ascontiguousarray(out)


def simcc_targets(
    points: npt.NDArray[np.floating], bins: int, scale: float, sigma: float
) -> Floats:
    """(K, bins) float32: a Gaussian around each of (K,) coordinates in input pixels times
    `scale`, summing to 1 (SimCC, Li et al. 2022). sigma: in bins.
    """
    centre = np.asarray(points, dtype=np.float32)[:, None] * scale
    cells = np.arange(bins, dtype=np.float32) + 0.5
    values = np.exp(-((cells - centre) ** 2) / (2 * sigma**2))
    return (values / np.maximum(values.sum(axis=1, keepdims=True), _TINY)).astype(np.float32)


def decode_simcc(across: Floats, down: Floats, sigma: float) -> Floats:
    """(..., K, 3) float32 of x, y in bins and a score 0..1 from two rows of logits a joint,
    (..., K, W bins) and (..., K, H bins).

    The peak of the parabola through the three logits around the best bin: the softmax of such a
    network is a Gaussian, and its logarithm a parabola. The score is how high the lower of the two
    peaks is beside that of the target, whose `sigma` is in bins.
    """
    x, top_x = _peak_of_row(across)
    y, top_y = _peak_of_row(down)
    score = np.minimum(top_x, top_y) * (sigma * np.sqrt(2 * np.pi))
    return np.stack([x, y, np.minimum(score, 1.0)], axis=-1).astype(np.float32)


def unflipped_simcc(across: Floats, down: Floats, flip_idx: Sequence[int]) -> tuple[Floats, Floats]:
    """The two rows of mirrored pictures as those of the pictures themselves."""
    order = list(flip_idx)
    return (
        np.ascontiguousarray(across[:, order, ::-1]),
        np.ascontiguousarray(down[:, order]),
    )


def _radius(sigma: float) -> int:
    """DARK's kernel of 11 cells for sigma 2."""
    return max(1, round(2.5 * sigma))


def _smoothed(flat: Floats, sigma: float, heights: Floats) -> Floats:
    """Every map smoothed and brought back to its height."""
    import cv2

    size = 2 * _radius(sigma) + 1
    smooth = np.stack(
        [
            cv2.GaussianBlur(m, (size, size), sigma, borderType=cv2.BORDER_CONSTANT)
            for m in np.maximum(flat, 0)
        ]
    )
    top = smooth.reshape(len(flat), -1).max(axis=1)
    return smooth * (heights / np.maximum(top, _TINY))[:, None, None]


def _stencils(
    flat: Floats, cy: npt.NDArray[np.integer], cx: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """(M, 3, 3) cells around each map's (cy, cx)."""
    step = np.arange(-1, 2)
    rows = np.arange(len(flat))[:, None, None]
    ys = cy[:, None, None] + step[None, :, None]
    xs = cx[:, None, None] + step[None, None, :]
    return flat[rows, ys, xs].astype(np.float64)


def _parabola_peak(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(M, 2) x, y from each stencil's centre to its parabola's peak; infinite where it has none."""
    dx = (cells[:, 1, 2] - cells[:, 1, 0]) / 2
    dy = (cells[:, 2, 1] - cells[:, 0, 1]) / 2
    dxx = cells[:, 1, 2] - 2 * cells[:, 1, 1] + cells[:, 1, 0]
    dyy = cells[:, 2, 1] - 2 * cells[:, 1, 1] + cells[:, 0, 1]
    dxy = (cells[:, 2, 2] - cells[:, 2, 0] - cells[:, 0, 2] + cells[:, 0, 0]) / 4
    det = dxx * dyy - dxy**2
    peaked = (dxx < 0) & (det > _TINY)
    safe = np.where(peaked, det, 1.0)
    x = -(dyy * dx - dxy * dy) / safe
    y = -(dxx * dy - dxy * dx) / safe
    return np.where(peaked[:, None], np.stack([x, y], axis=1), np.inf)


def _peak_of_row(rows: Floats) -> tuple[Floats, Floats]:
    """Where each row of logits is highest, in bins with the first one's centre at .5, and the
    best bin's share of the row's softmax.
    """
    bins = rows.shape[-1]
    flat = rows.reshape(-1, bins).astype(np.float64)
    best = flat.argmax(axis=1)
    centre = np.clip(best, 1, bins - 2)
    line = np.arange(len(flat))
    low, mid, high = (flat[line, centre + step] for step in (-1, 0, 1))
    bend = low - 2 * mid + high
    peaked = bend < -_TINY
    raw = (best - centre).astype(np.float64)
    offset = np.where(peaked, (low - high) / 2 / np.where(peaked, bend, 1.0), raw)
    offset = np.where(np.abs(offset - raw) <= _FURTHEST, offset, raw)
    share = 1 / np.exp(flat - flat[line, best][:, None]).sum(axis=1)
    found = (centre + offset + 0.5).reshape(rows.shape[:-1]).astype(np.float32)
    return found, share.reshape(rows.shape[:-1]).astype(np.float32)
