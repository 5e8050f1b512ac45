"""300W-LP and AFLW2000-3D: each picture has a MATLAB file with 68 landmarks and the head's angles.

http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm. `Pose_Para` begins with pitch,
yaw and roll in radians; `pt2d` is (2, 68) x and y, -1 where a landmark is missing. Heads turned by
more than 99 degrees about any axis are left out, as everywhere these sets are used.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio.core.errors import FormatError, Problem, StudioError
from studio.core.head import Angles, rotation_of
from studio.io.files import problem_of
from studio.io.headpose_set import HeadSample, resolve_name
from studio.io.records import many
from studio.vision.head_crop import REACH_300W, REACH_AFLW, TEST_K, Reach, landmark_box, reaching

FARTHEST = 99.0
_KEYS = ("Pose_Para", "pt2d")
_MEND = "Get it again from where the set came."
_NAMES = 200


class FaceLandmarks300w:
    """See `studio.registry.interfaces.HeadFormat`."""

    margin = 0.0
    size = 0
    ratio = 0.8
    reach: ClassVar[Reach] = REACH_300W

    def recognises(self, path: Path) -> bool:
        """Whether a picture stands beside a .mat of its name, here or one or two folders below."""
        return self._pair(path) is not None and not self._is_aflw(path)

    def read(
        self,
        path: Path,
        names: Sequence[str] | None,
        report: Callable[[Problem], None],
        options: Any | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sequence[HeadSample]:
        """Every head, in the order of the list or of names."""
        del options
        pictures = _listed(path, names) if names is not None else list(_pictures(path))
        found: list[HeadSample] = []
        turned = 0
        for number, (name, picture) in enumerate(pictures, 1):
            try:
                sample = self._sample(name, picture)
            except StudioError as error:
                report(Problem(error.message, where=error.where or str(picture), hint=error.hint))
                continue
            finally:
                if progress is not None:
                    progress(number, len(pictures))
            if max(abs(a) for a in sample.angles) > FARTHEST:
                turned += 1
            else:
                found.append(sample)
        if turned:
            text = f"{many(turned, 'head')} turned by more than {FARTHEST:g} degrees; left out."
            report(Problem(text, where=str(path), severity="warning"))
        return found

    def _sample(self, name: str, picture: Path) -> HeadSample:
        if not picture.is_file():
            raise FormatError("The picture is not there.", where=picture, hint=_MEND)
        angles, points = read_mat(picture.with_suffix(".mat"))
        face = landmark_box(points)
        if face is None:
            raise FormatError("All landmarks are missing.", where=picture.with_suffix(".mat"))
        return HeadSample(
            picture,
            rotation_of(angles),
            angles,
            name=name,
            box=reaching(face, TEST_K, self.reach),
            face=face,
            reach=self.reach,
        )

    def _pair(self, path: Path) -> Path | None:
        for pattern in ("*.mat", "*/*.mat", "*/*/*.mat"):
            for number, mat in enumerate(path.glob(pattern)):
                if mat.with_suffix(".jpg").is_file() or mat.with_suffix(".png").is_file():
                    return mat
                if number > _NAMES:
                    break
        return None

    def _is_aflw(self, path: Path) -> bool:
        """The same files; only the name tells which of the two crops is usual."""
        return any("aflw" in part.lower() for part in path.resolve().parts[-3:])


class Aflw2000(FaceLandmarks300w):
    """AFLW2000-3D, the usual test of what was trained on 300W-LP: none for training."""

    ratio = 0.0
    reach: ClassVar[Reach] = REACH_AFLW

    def recognises(self, path: Path) -> bool:
        """As 300W-LP, in a folder that says so."""
        return self._is_aflw(path) and self._pair(path) is not None


def read_mat(path: Path) -> tuple[Angles, np.ndarray]:
    """The angles in degrees and the (68, 2) landmarks of one file.

    Raises FormatError; a file holds numbers alone, nothing in it is run.
    """
    from scipy.io import loadmat

    try:
        data = loadmat(path, variable_names=_KEYS)
        pose = np.asarray(data["Pose_Para"], np.float64).ravel()
        points = np.asarray(data["pt2d"], np.float64)
    except OSError as error:
        raise problem_of(error, path, "read") from error
    except KeyError as error:
        raise FormatError(f"It holds no {error.args[0]}.", where=path, hint=_MEND) from error
    except Exception as error:  # a damaged file makes the reader fail in many ways
        raise FormatError(f"This .mat cannot be read: {error}.", where=path, hint=_MEND) from error
    if pose.size < 3 or points.ndim != 2 or points.shape[0] != 2 or not np.isfinite(pose[:3]).all():
        raise FormatError("Its pose or its landmarks have another form.", where=path, hint=_MEND)
    pitch, yaw, roll = (math.degrees(v) for v in pose[:3])
    return Angles(yaw, pitch, roll), points.T


def _listed(root: Path, names: Sequence[str]) -> list[tuple[str, Path]]:
    return [(name, resolve_name(root, name)) for name in names]


def _pictures(root: Path) -> Iterator[tuple[str, Path]]:
    """Name without its ending, and picture, of every picture with a .mat beside it."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        stems = {f[:-4] for f in files if f.lower().endswith(".mat")}
        for file in sorted(files):
            stem, suffix = os.path.splitext(file)  # noqa: PTH122 - a hundred thousand of them
            if suffix.lower() in (".jpg", ".png", ".jpeg") and stem in stems:
                picture = Path(folder) / file
                yield picture.relative_to(root).with_suffix("").as_posix(), picture
