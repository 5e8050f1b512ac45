"""Exact polygons of a mask: along the pixels' edges, holes joined to their outline."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

_SMALLEST_HOLE = 4.0
_SMALLEST_PIECE = 6.0


def outline_polygons(
    mask: npt.NDArray[np.bool_], corner: tuple[int, int] = (0, 0), tolerance: float = 0.4
) -> tuple[Points, ...]:
    """The outlines of `mask` (H, W) bool, each (N, 2) float64 in pixels, the largest first.

    `corner` is added to x and y. Points keep to the pixels' outer edges within `tolerance`
    pixels. A hole is part of its outline's polygon, joined by a cut of no width. Pieces of fewer
    than 6 pixels and holes of fewer than 4 are left out, unless nothing else is there.
    """
    height, width = mask.shape
    # Twice as fine and one wider: samples fall on the corners of the pixels, so the contour
    # runs along the pixels' edges and not through their middles.
    fine = np.zeros((2 * height + 3, 2 * width + 3), np.uint8)
    twice = cv2.resize(
        mask.astype(np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST
    )
    for dy in (1, 2):
        for dx in (1, 2):
            view = fine[dy : dy + 2 * height, dx : dx + 2 * width]
            np.bitwise_or(view, twice, out=view)
    contours, tree = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if tree is None:
        return ()
    pieces: list[tuple[float, Points]] = []
    for number, contour in enumerate(contours):
        if tree[0, number, 3] >= 0:
            continue
        area = cv2.contourArea(contour) / 4
        outline = _simplified(contour, tolerance)
        hole = int(tree[0, number, 2])
        while hole >= 0:
            if cv2.contourArea(contours[hole]) / 4 >= _SMALLEST_HOLE:
                outline = _join_hole(outline, _simplified(contours[hole], tolerance))
            hole = int(tree[0, hole, 0])
        pieces.append((area, outline + np.array(corner)))
    pieces.sort(key=lambda piece: -piece[0])
    kept = [points for area, points in pieces if area >= _SMALLEST_PIECE]
    return tuple(kept or [pieces[0][1]])


def _simplified(contour: npt.NDArray[Any], tolerance: float) -> Points:
    """The contour's points in pixels; never fewer than three."""
    simple = cv2.approxPolyDP(contour, 2 * tolerance, True)
    points = simple if len(simple) >= 3 else contour
    return (points.reshape(-1, 2).astype(np.float64) - 1) / 2


def _join_hole(outline: Points, hole: Points) -> Points:
    """One polygon that runs round the outline, across to the hole, round it and back."""
    distance = ((outline[:, None] - hole[None]) ** 2).sum(axis=2)
    at, start = np.unravel_index(int(distance.argmin()), distance.shape)
    ring = np.concatenate([hole[start:], hole[: start + 1]])
    return np.concatenate([outline[: at + 1], ring, outline[at:]])
