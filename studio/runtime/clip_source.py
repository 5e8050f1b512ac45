"""Where in which video a frame stands that a job looks at, and what stood before it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.io.files import list_images
from studio.io.images import read_image
from studio.io.video_keypoints import BEFORE, FRAMES, frame_of, is_video_keypoints, set_root
from studio.runtime.clips import ClipPredictor, ClipTicket, Place
from studio.runtime.sources import SourceFrame

Picture = npt.NDArray[np.uint8]

VAL = "val"


def source_of(text: str) -> str:
    """A video keypoint set stands for the frames of its val side; everything else for itself."""
    path = Path(text).expanduser()
    if text and path.is_dir() and is_video_keypoints(path):
        frames = set_root(path) / VAL / FRAMES
        return str(frames) if frames.is_dir() else text
    return text


def place_of(frame: SourceFrame) -> Place:
    """The video and the number that the picture's name tells (`<video>_frame_<number>`); else the
    source's own name and count.
    """
    if frame.path is None:
        return Path(frame.name).stem, frame.index
    named = frame_of(frame.path.stem)
    # Pictures that are no frames have nothing before them: each is a clip of its own.
    return named or (str(frame.path), 0)


class ClipFrames:
    """Shows a model the frames of a source, each with what stood before it."""

    def __init__(self, predictor: ClipPredictor) -> None:
        self._predictor = predictor
        self._known: dict[Path, dict[Place, Path]] = {}

    def submit(self, frames: Sequence[SourceFrame]) -> ClipTicket:
        """Start one inference over readable frames in their order. Raises ModelError, and
        FileProblem or FormatError where a frame of `before/` cannot be read.
        """
        started = time.perf_counter()
        inputs: list[Picture] = []
        sizes: list[tuple[int, int]] = []
        for frame in frames:
            if frame.picture is not None:
                self._show_before(frame)
                inputs.append(self._predictor.laid(frame.picture, place_of(frame)))
                sizes.append((int(frame.picture.shape[0]), int(frame.picture.shape[1])))
        spent = (time.perf_counter() - started) * 1000 / max(len(inputs), 1)
        return self._predictor.start(inputs, sizes, spent)

    def _show_before(self, frame: SourceFrame) -> None:
        """The frames of a set that only stand before others, as it comes to them."""
        if frame.path is None or not self._predictor.facts.moving:
            return
        video, number = place_of(frame)
        known = self._before(frame.path)
        for other in range(number - self._predictor.facts.gap, number):
            path = known.get((video, other))
            if path is not None:
                self._predictor.remember(read_image(path), (video, other))

    def _before(self, picture: Path) -> dict[Place, Path]:
        frames = next((p for p in picture.absolute().parents if p.name == FRAMES), None)
        if frames is None:
            return {}
        folder = frames.parent / BEFORE
        if folder not in self._known:
            listed = list_images(folder, recursive=True) if folder.is_dir() else ()
            named = ((frame_of(path.stem), path) for path in listed)
            self._known[folder] = {place: path for place, path in named if place is not None}
        return self._known[folder]
