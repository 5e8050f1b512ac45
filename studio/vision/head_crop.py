"""Which part of a picture shows a head: the same rules for training sets, tests and live pictures.

Boxes are x1, y1, x2, y2 in pixels of the picture; a crop may reach beyond it and is black there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from studio.vision.affine import Matrix, crop_matrix, inverse, moved, warp

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# A box has at least this side, however near each other the points are.
_LEAST_SIDE = 4.0
# Of a picture that is shrunk more than so many times, pixels are averaged first.
_COARSE = 1.5
FEWEST_POINTS = 3
TEST_K = 0.2
TRAIN_K = (0.2, 0.4)
# The largest side of a test input is so many times the part that the network sees.
TEST_RESIZE = 256 / 224


Reach = tuple[float, float, float, float]
"""How far a crop goes beyond the landmarks at its left, top, right and bottom, in parts of k times
the box's present side.
"""

# 300W-LP, and AFLW2000 with more room at the sides.
REACH_300W: Reach = (0.6, 2.0, 0.6, 0.6)
REACH_AFLW: Reach = (2.0, 2.0, 2.0, 0.6)


def landmark_box(points: npt.ArrayLike) -> Floats | None:
    """(4,) around (n, 2) landmarks; those at -1 are missing and left out. None without any."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    known = points[np.isfinite(points).all(axis=1) & (points != -1).all(axis=1)]
    if not len(known):
        return None
    return np.concatenate([known.min(axis=0), known.max(axis=0)])


def reaching(box: npt.ArrayLike, k: float, reach: Reach) -> Floats:
    """(4,): `box` widened left, up, right and down in this order; each step takes the width or
    height as the step before has left it, as the published crops do.
    """
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box, np.float64))
    x1 -= reach[0] * k * abs(x2 - x1)
    y1 -= reach[1] * k * abs(y2 - y1)
    x2 += reach[2] * k * abs(x2 - x1)
    y2 += reach[3] * k * abs(y2 - y1)
    return np.array([x1, y1, x2, y2])


def enlarged(box: npt.ArrayLike, margin: float) -> Floats:
    """(4,): `box` with `margin` times its width at both sides and its height above and below."""
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box, np.float64))
    width, height = x2 - x1, y2 - y1
    grown = [x1 - margin * width, y1 - margin * height, x2 + margin * width, y2 + margin * height]
    return np.array(grown)


def keypoint_box(
    face: Sequence[Sequence[float]], shoulders: Sequence[Sequence[float]], margin: float
) -> Floats | None:
    """(4,) a square around the head by its (x, y) joints, `margin` times its side wider each way.

    Face joints lie in a row: the side is the longer one of their box. With fewer than three of
    them the shoulders join; None where that is still fewer than three.
    """
    points = [(float(p[0]), float(p[1])) for p in face]
    if len(points) < FEWEST_POINTS:
        points += [(float(p[0]), float(p[1])) for p in shoulders]
    if len(points) < FEWEST_POINTS:
        return None
    box = landmark_box(points)
    if box is None:
        return None
    middle = (box[:2] + box[2:]) / 2
    half = max(float((box[2:] - box[:2]).max()), _LEAST_SIDE) / 2
    return enlarged(np.concatenate([middle - half, middle + half]), margin)


def joints_of_head(
    keypoints: npt.NDArray[np.floating], names: Sequence[str], face: Sequence[int], least: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """The face's and the shoulders' joints of a person's (K, 3) x, y, score from `least` up: what
    `keypoint_box` asks for. face: the skeleton's face points; where it has none, by their names.
    """
    known = {i: (float(x), float(y)) for i, (x, y, score) in enumerate(keypoints) if score >= least}
    chosen = face_joints(names, face)
    shoulders = [i for i, n in enumerate(names) if n.endswith("shoulder")]
    return [known[i] for i in sorted(chosen) if i in known], [
        known[i] for i in shoulders if i in known
    ]


def face_joints(names: Sequence[str], face: Sequence[int]) -> set[int]:
    """Which joints are the face's: `face` says so, else their names do."""
    return set(face) or {i for i, n in enumerate(names) if n.endswith(("nose", "eye", "ear"))}


def centre_box(size: tuple[int, int]) -> Floats:
    """(4,) the largest square in the middle of a picture of `size` (width, height)."""
    width, height = size
    side = min(width, height)
    x, y = (width - side) / 2, (height - side) / 2
    return np.array([x, y, x + side, y + side])


def crop_of(box: npt.ArrayLike) -> tuple[float, float, float, float]:
    """Centre x, centre y, width and height of a box: what `vision.affine.crop_matrix` takes."""
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box, np.float64))
    return (x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, 1.0), max(y2 - y1, 1.0)


def whole_pixels(box: npt.ArrayLike) -> Floats:
    """(4,) the box cut down to whole pixels, as the published crops are."""
    x1, y1, x2, y2 = (int(v) for v in np.asarray(box, np.float64))
    return np.array([x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)], np.float64)


def judged_crop(picture: Picture, box: npt.ArrayLike, size: tuple[int, int]) -> Picture:
    """`size` (height, width): `box` stretched to 256/224 of it, and the middle of that, as heads
    are judged.
    """
    cx, cy, width, height = crop_of(whole_pixels(box))
    return cropped(picture, (cx, cy, width / TEST_RESIZE, height / TEST_RESIZE), size)


def cropped(
    picture: Picture, crop: tuple[float, float, float, float], size: tuple[int, int]
) -> Picture:
    """`crop` (centre x, centre y, width, height) of a picture, stretched to `size` (height,
    width); what lies outside the picture is black.
    """
    return warped(picture, crop_matrix(crop, size), size)


def warped(picture: Picture, matrix: Matrix, size: tuple[int, int]) -> Picture:
    """`vision.affine.warp`, but pixels are averaged where the picture is made much smaller."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale > 1 / _COARSE:
        return warp(picture, matrix, size)
    part, left, top = _needed(picture, matrix, size)
    height, width = part.shape[:2]
    small = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
    back = matrix.copy()
    back[:, 2] += matrix[:, :2] @ (left, top)
    back[:, 0] *= width / small[0]
    back[:, 1] *= height / small[1]
    return warp(shrunk, back, size)


def _needed(picture: Picture, matrix: Matrix, size: tuple[int, int]) -> tuple[Picture, int, int]:
    """The part of a picture that the result shows, with where it begins (x, y)."""
    corners = np.array([(0, 0), (size[1], 0), (0, size[0]), (size[1], size[0])], np.float64)
    there = moved(corners, inverse(matrix))
    height, width = picture.shape[:2]
    x1, y1 = (int(v) for v in np.clip(np.floor(there.min(axis=0)), 0, (width - 1, height - 1)))
    x2, y2 = (
        int(v) for v in np.clip(np.ceil(there.max(axis=0)), (x1 + 1, y1 + 1), (width, height))
    )
    return picture[y1:y2, x1:x2], x1, y1


def head_in(rows: Mapping[str, tuple[float, float]], margin: float) -> Floats | None:
    """`keypoint_box` of named joints as the motion folders spell them (Nose, LEye, RShoulder)."""
    plain = {name.strip().lower(): spot for name, spot in rows.items()}
    face = [plain[n] for n in ("nose", "leye", "reye", "lear", "rear") if n in plain]
    shoulders = [plain[n] for n in ("lshoulder", "rshoulder") if n in plain]
    return keypoint_box(face, shoulders, margin)
