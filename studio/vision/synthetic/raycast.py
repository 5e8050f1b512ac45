"""Ellipsoids seen through a camera, pixel by pixel: enough for a head.

Camera space: x right, y down, z towards the viewer. A solid's own space has the axes that a head
has: its left, down and forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

FAR = np.float32(1e9)
Shell = Callable[[Floats], npt.NDArray[np.bool_]]
"""Which of the (3, n) spots of a surface are there."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera. size: pixels of a square picture. scale: pixels that a unit at depth 0 measures.
    distance: units from the camera to depth 0; infinite for a view without perspective.
    """

    size: int
    scale: float
    distance: float = float("inf")

    def rays(self, oversample: int) -> tuple[Floats, Floats]:
        """Origins and directions, (3, N) each, of the rays through a grid of `oversample` times
        the picture's pixels, row by row.
        """
        count = self.size * oversample
        steps = (np.arange(count, dtype=np.float32) + 0.5) / oversample - self.size / 2
        x, y = np.meshgrid(steps / self.scale, steps / self.scale)
        zero = np.zeros(x.size, np.float32)
        plane = np.stack([x.ravel(), y.ravel(), zero])
        if not np.isfinite(self.distance):
            down = np.stack([zero, zero, zero - 1])
            return (plane + np.array([[0], [0], [10]], np.float32)).astype(np.float32), down
        eye = np.array([[0.0], [0.0], [self.distance]], np.float32)
        way = plane - eye
        return np.broadcast_to(eye, way.shape), way / np.linalg.norm(way, axis=0)

    def project(self, points: Matrix) -> Matrix:
        """(n, 2) pixels of (n, 3) points in camera space, (0, 0) the picture's outer corner."""
        nearer = (
            1 - points[:, 2:] / self.distance
            if np.isfinite(self.distance)
            else np.ones((len(points), 1))
        )
        return points[:, :2] / nearer * self.scale + self.size / 2


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a solid is: the columns of `axes` are its left, down and forward in camera space."""

    axes: Matrix
    place: Matrix


@dataclass(frozen=True)
class Ellipsoid:
    """middle and radii along the axes of the solid it is part of."""

    middle: tuple[float, float, float]
    radii: tuple[float, float, float]


class Caster:
    """Finds for every ray the nearest of the surfaces shown to it so far.

    depth: (N,) how far along its ray, `FAR` where nothing is. owner: (N,) int16, 0 where nothing
    is. point: (3, N) the spot in its own space. normal: (3, N) in camera space.
    """

    def __init__(self, view: View, oversample: int) -> None:
        self._origin, self._way = view.rays(oversample)
        count = self._way.shape[1]
        self.depth = np.full(count, FAR, np.float32)
        self.owner = np.zeros(count, np.int16)
        self.point = np.zeros((3, count), np.float32)
        self.normal = np.zeros((3, count), np.float32)

    def show(self, part: Ellipsoid, pose: Pose, owner: int, shell: Shell | None = None) -> None:
        """Put one in. shell: leaves parts of it out."""
        turn = pose.axes.T.astype(np.float32)
        radii = np.array(part.radii, np.float32)[:, None]
        start = turn @ (self._origin - pose.place.astype(np.float32)[:, None])
        start = (start - np.array(part.middle, np.float32)[:, None]) / radii
        way = (turn @ self._way) / radii
        a = (way * way).sum(axis=0)
        b = (start * way).sum(axis=0)
        inside = b * b - a * ((start * start).sum(axis=0) - 1)
        hit = np.flatnonzero(inside > 0)
        far = (-b[hit] - np.sqrt(inside[hit])) / a[hit]
        nearer = (far < self.depth[hit]) & (far > 0)
        hit, far = hit[nearer], far[nearer]
        unit = start[:, hit] + far * way[:, hit]
        spot = unit * radii + np.array(part.middle, np.float32)[:, None]
        if shell is not None:
            there = shell(spot)
            hit, far, unit, spot = hit[there], far[there], unit[:, there], spot[:, there]
        slope = pose.axes.astype(np.float32) @ (unit / radii)
        self.depth[hit], self.owner[hit] = far, owner
        self.point[:, hit] = spot
        self.normal[:, hit] = slope / np.maximum(np.linalg.norm(slope, axis=0), 1e-9)
