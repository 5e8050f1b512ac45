"""BIWI Kinect Head Pose: 24 films, each frame a picture with its head's rotation and place.

https://icu.ee.ethz.ch/research/datsets.html: `01/frame_00003_rgb.png` with `frame_00003_pose.txt`,
three rows of a rotation and one of a translation in millimetres. There x runs right, y down and z
away from the camera, and the rotation takes the head's own axes to the camera's. With z towards
the camera, as everywhere here, its transpose turns about y and z the other way round: R = Q T' Q
with Q = diag(1, -1, -1), the same as taking pitch of T' and the negatives of its yaw and roll.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import FormatError, Problem, StudioError
from studio.core.head import angles_of
from studio.io.files import read_text
from studio.io.headpose_set import HeadSample, check_rotation, resolve_name

_PICTURE, _POSE = "_rgb.png", "_pose.txt"
_TURN = np.diag([1.0, -1.0, -1.0])


class Biwi:
    """See `studio.registry.interfaces.HeadFormat`. The pictures show half a person: a face
    detector finds the head.
    """

    margin = 0.4
    size = 256
    ratio = 0.7

    def recognises(self, path: Path) -> bool:
        """Whether a frame's picture and pose stand in one of its folders."""
        return any(
            pose.with_name(pose.name.replace(_POSE, _PICTURE)).is_file()
            for place in (path, path / "hpdb")
            for pose in sorted(place.glob(f"*/frame_*{_POSE}"))[:3]
        )

    def read(
        self,
        path: Path,
        names: Sequence[str] | None,
        report: Callable[[Problem], None],
        options: Any | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sequence[HeadSample]:
        """Every frame with a pose, film by film; a film keeps to one side."""
        del options
        root = path / "hpdb" if (path / "hpdb").is_dir() else path
        pictures = (
            [resolve_name(root, n.removeprefix("hpdb/")) for n in names]
            if names is not None
            else sorted(root.glob(f"*/frame_*{_PICTURE}"))
        )
        found: list[HeadSample] = []
        for number, picture in enumerate(pictures, 1):
            try:
                found.append(_sample(root, picture))
            except StudioError as error:
                report(Problem(error.message, where=error.where or str(picture), hint=error.hint))
            if progress is not None:
                progress(number, len(pictures))
        return found


def _sample(root: Path, picture: Path) -> HeadSample:
    if not picture.is_file():
        raise FormatError("The picture is not there.", where=picture)
    rotation = read_pose(picture.with_name(picture.name.replace(_PICTURE, _POSE)))
    name = picture.relative_to(root).with_suffix("").as_posix()
    return HeadSample(
        picture,
        rotation,
        angles_of(rotation),
        name=name,
        video=picture.parent.name,
        loose=True,
    )


def read_pose(path: Path) -> np.ndarray:
    """(3, 3) R of a `_pose.txt`, in the studio's convention. Raises FileProblem, FormatError."""
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    try:
        told = np.array([[float(v) for v in row] for row in rows[:3]], np.float64)
        check_rotation(told)
    except ValueError as error:
        raise FormatError(
            "Its first three rows are no rotation.", where=path, hint="Get it again."
        ) from error
    return _TURN @ told.T @ _TURN
