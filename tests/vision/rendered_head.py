"""A ball of a head with marks on it, rendered by rays: what drawn cubes and axes are held against.

Nothing here is the studio's. Rotations are made by SciPy from the published convention: R is
Rz(roll) Ry(yaw) Rx(pitch), and its transpose turns the 3DDFA head model, whose x points to the
picture's right, y up and z to the viewer. The person's left ear is at that model's +x: on the
picture's right when it looks at the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

# In the head model's axes, with the mark's colour (BGR).
MARKS = {
    "nose": ((0.0, 0.0, 1.0), (0, 0, 255)),
    "left ear": ((1.0, 0.0, 0.0), (0, 255, 0)),
    "right ear": ((-1.0, 0.0, 0.0), (255, 0, 0)),
    "top": ((0.0, 1.0, 0.0), (0, 255, 255)),
    "chin": ((0.0, -1.0, 0.0), (255, 0, 255)),
}
# The half angle of a mark on the ball.
_MARK = np.radians(6.0)


@dataclass(frozen=True)
class Marks:
    """(x, y) in parts of the head's radius, right and down from its middle, and which of them the
    viewer sees; the others are seen through the ball, from behind.
    """

    places: dict[str, np.ndarray]
    seen: frozenset[str]


def published(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) R of angles in degrees."""
    return Rotation.from_euler("xyz", [pitch, yaw, roll], degrees=True).as_matrix()


@cache
def _hits(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that the ball fills, and (n, 3) where their rays, which are parallel, hit it."""
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    x, down = np.meshgrid(steps, steps)
    inside = x**2 + down**2 < 1
    x, down = x[inside], down[inside]
    hit = np.stack([x, -down, np.sqrt(1 - x**2 - down**2)], axis=-1)
    return inside, hit.astype(np.float32)


def render(rotation: np.ndarray, size: int, *, far: bool = False) -> np.ndarray:
    """(size, size, 3) uint8 BGR of the ball that fills the picture; far: its inside's far half."""
    inside, hit = _hits(size)
    # The ball's own axes stand at R' times the model's.
    places = np.array([place for place, _ in MARKS.values()]) @ rotation
    # Rays leave the ball where they hit it, but at its far side.
    places = places * (1, 1, -1 if far else 1)
    near = hit @ places.T.astype(np.float32) > np.cos(_MARK)
    colors = np.full((len(hit), 3), 60, np.uint8)
    for number, (_, color) in enumerate(MARKS.values()):
        colors[near[:, number]] = color
    picture = np.zeros((size, size, 3), np.uint8)
    picture[inside] = colors
    return picture


def marks_of(rotation: np.ndarray, size: int = 401) -> Marks:
    """Where the marks are found in the rendered pictures, by their colours."""
    near, far = render(rotation, size), render(rotation, size, far=True)
    places: dict[str, np.ndarray] = {}
    seen: set[str] = set()
    for name, (_place, color) in MARKS.items():
        shown = [(picture == np.array(color, np.uint8)).all(axis=-1) for picture in (near, far)]
        # A mark at the ball's edge is partly on either side.
        mask = max(shown, key=lambda m: int(m.sum()))
        rows, columns = np.nonzero(mask)
        places[name] = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / size * 2 - 1
        if mask is shown[0]:
            seen.add(name)
    return Marks(places, frozenset(seen))
