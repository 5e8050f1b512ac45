"""Where frames come from: pictures, videos, cameras, streams and a synthetic figure."""

from __future__ import annotations

import glob
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, StudioError
from studio.io.files import IMAGE_SUFFIXES, list_images, read_text
from studio.io.images import read_image
from studio.io.video import VIDEO_SUFFIXES, VideoReader

Picture = npt.NDArray[np.uint8]

IMAGES, VIDEO, CAMERA, STREAM, SYNTHETIC = "images", "video", "camera", "stream", "synthetic"
SYNTHETIC_PREFIX = "synthetic:"
CAMERA_PREFIX = "camera:"
_STREAM = re.compile(r"^(rtsp|rtmp|http|https|udp|tcp|srt)://", re.IGNORECASE)
_GLOB = re.compile(r"[*?\[]")
# A video that ends before this part of what its header promises was probably cut short.
_WHOLE = 0.95


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """One frame. `index` counts from 0, `time` is seconds from the source's start, `name` is the
    picture's file name or the source's own. `picture` is (H, W, 3) uint8 BGR, or None where it
    could not be read; then `problem` says why. `path`: the picture's file, where there is one.
    """

    index: int
    time: float
    name: str
    picture: Picture | None
    problem: StudioError | None = None
    path: Path | None = None


class Source(Protocol):
    """Frames in order. `live`: they come at their own pace and are gone when not taken.

    `count` is how many there will be (0: not known), `fps` 0 where there is no pace, `size`
    (width, height) or (0, 0).
    """

    kind: str
    name: str
    live: bool
    fps: float
    size: tuple[int, int]
    count: int

    def __iter__(self) -> Iterator[SourceFrame]: ...

    def close(self) -> None:
        """Let the file or the camera go."""
        ...


@dataclass(frozen=True)
class CameraWish:
    """What a camera is asked for; 0 leaves it to the camera. It may give something else."""

    width: int = 0
    height: int = 0
    fps: float = 0.0


def cut_short(source: Source, read: int) -> str:
    """What is to be said of a video that ended after `read` frames, long before its header says;
    "" where nothing is.
    """
    if source.kind != VIDEO or read >= source.count * _WHOLE:
        return ""
    return (
        f"The video ends after {read} of {source.count} frames: it is cut short or damaged. What "
        "could be read was used."
    )


def source_kind(text: str) -> str:
    """What `text` names, without opening it: "images", "video", "camera", "stream" or
    "synthetic".
    """
    text = text.strip()
    if text.startswith(SYNTHETIC_PREFIX):
        return SYNTHETIC
    if text.startswith(CAMERA_PREFIX) or text.isdigit() or re.fullmatch(r"/dev/video\d+", text):
        return CAMERA
    if _STREAM.match(text):
        return STREAM
    return (
        VIDEO if Path(text).suffix.lower() in VIDEO_SUFFIXES and not _GLOB.search(text) else IMAGES
    )


def open_source(text: str, camera: CameraWish | None = None) -> Source:
    """`text`: a picture, a folder, a glob (`a/*.jpg`), a list file (.txt, one path a line), a
    video, a camera's number or `camera:NAME`, a stream's URL, or `synthetic:[seed]`.

    Raises FileProblem, FormatError, or DeviceError where a camera or stream does not answer.
    """
    text = text.strip()
    kind = source_kind(text)
    if kind == SYNTHETIC:
        return SyntheticSource(text.removeprefix(SYNTHETIC_PREFIX), camera or CameraWish())
    if kind == CAMERA:
        from studio.runtime.camera_source import CameraSource

        return CameraSource(text, camera or CameraWish())
    if kind == STREAM:
        from studio.runtime.stream_source import StreamSource

        return StreamSource(text)
    if kind == VIDEO and not _is_list(text):
        return VideoSource(Path(text).expanduser())
    return ImagesSource(text)


class ImagesSource:
    """One picture or many; one that cannot be read comes as a problem and the others go on."""

    kind: str = IMAGES
    live: bool = False
    fps: float = 0.0
    size: tuple[int, int] = (0, 0)

    def __init__(self, text: str, paths: Iterable[Path] | None = None) -> None:
        self.paths = _picture_paths(text) if paths is None else tuple(paths)
        self.name = Path(text).name or text
        self.count = len(self.paths)

    def __iter__(self) -> Iterator[SourceFrame]:
        for index in range(self.count):
            yield self.read(index)

    def read(self, index: int) -> SourceFrame:
        """One of the pictures; several threads may read."""
        path = self.paths[index]
        try:
            picture, problem = read_image(path), None
        except StudioError as error:
            picture, problem = None, error
        return SourceFrame(index, 0.0, path.name, picture, problem, path)

    def close(self) -> None:
        """Nothing is held."""


class VideoSource:
    """A video file, every frame."""

    kind: str = VIDEO
    live: bool = False

    def __init__(self, path: Path) -> None:
        self._reader = VideoReader(path)
        self.name = path.name
        self.fps = self._reader.fps
        self.size = self._reader.size
        self.count = self._reader.frame_count

    def __iter__(self) -> Iterator[SourceFrame]:
        for index, seconds, frame in self._reader:
            yield SourceFrame(index, seconds, self.name, frame)

    def close(self) -> None:
        """Let the file go."""
        self._reader.close()


class SyntheticSource:
    """A camera without a camera: drawn people that move, at 30 frames a second.

    `synthetic:7` plays another scene than `synthetic:`; `synthetic:7?frames=60` ends by itself
    and then runs as fast as it is taken, like a file.
    """

    kind: str = SYNTHETIC

    def __init__(self, text: str, wish: CameraWish) -> None:
        match = re.fullmatch(r"(\d*)(?:\?frames=(\d+))?", text)
        if match is None:
            raise FileProblem(
                f"There is no synthetic source {text!r}.", hint="Write synthetic: or synthetic:7."
            )
        self._seed = int(match[1] or 0)
        self.count = int(match[2] or 0)
        self.live = not self.count
        self.name = "synthetic"
        self.size = (wish.width or 640, wish.height or 480)
        self.fps = wish.fps or 30.0
        self._open = True

    def __iter__(self) -> Iterator[SourceFrame]:
        frames = _synthetic_frames(self._seed, self.size, self.fps)
        started = time.monotonic()
        for index, picture in enumerate(frames):
            if not self._open or (self.count and index >= self.count):
                return
            if self.live:
                time.sleep(max(0.0, started + index / self.fps - time.monotonic()))
            yield SourceFrame(index, index / self.fps, self.name, picture)

    def close(self) -> None:
        """End the play."""
        self._open = False


def _is_list(text: str) -> bool:
    return text.lower().endswith(".txt")


def _picture_paths(text: str) -> tuple[Path, ...]:
    """The pictures that `text` names, each once. Raises FileProblem where there are none."""
    path = Path(text).expanduser()
    if path.is_dir():
        found = list_images(path) or list_images(path, recursive=True)
        if not found:
            raise FileProblem(
                "There are no pictures in this folder.",
                where=path,
                hint="Pictures end in .jpg, .png, .bmp, .tif or .webp.",
            )
        return found
    if path.is_file():
        if _is_list(text):
            return _listed(path)
        return (path,)
    if _GLOB.search(text):
        matches = (Path(m) for m in sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207 - may be absolute
        found = tuple(m for m in matches if m.suffix.lower() in IMAGE_SUFFIXES and m.is_file())
        if found:
            return found
        raise FileProblem("No picture fits this pattern.", where=text, hint="Check the pattern.")
    raise FileProblem(
        "There is no such source.",
        where=text,
        hint="Give a picture, a folder, a video, a camera's number (0) or a stream's URL.",
    )


def _listed(path: Path) -> tuple[Path, ...]:
    """A list file's pictures; relative ones stand beside the list."""
    lines = (line.strip() for line in read_text(path).splitlines())
    found = tuple(path.parent / Path(line) for line in lines if line and not line.startswith("#"))
    if not found:
        raise FileProblem(
            "The list names no pictures.", where=path, hint="Write one path on each line."
        )
    return tuple(dict.fromkeys(found))


def _synthetic_frames(seed: int, size: tuple[int, int], fps: float) -> Iterator[Picture]:
    from studio.vision import synthetic

    return synthetic.frames(seed, size, fps)
