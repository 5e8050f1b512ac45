"""The conversion's part that writes video keypoint sets (`--to video-keypoints`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.requests.convert import ConvertOptions
from studio.core.skeleton import Skeleton
from studio.io.dataset_folder import Layout, Placed
from studio.io.skeletons import load_skeleton
from studio.io.video_keypoint_writing import SetWriter, check_frames
from studio.io.video_keypoints import FORMAT

__all__ = ["FORMAT", "skeletons_of", "spooled", "write"]


def spooled(formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats whose texts are kept on the way: a set is made of COCO's where there is no
    annotation file.
    """
    return tuple(dict.fromkeys((*formats, "coco"))) if FORMAT in formats else formats


def skeletons_of(
    options: ConvertOptions, own: Skeleton, context: JobContext
) -> tuple[Skeleton, ...]:
    """The categories of the set: the conversion's own skeleton and the further ones."""
    return (own, *(load_skeleton(name, context.project) for name in options.categories))


def write(
    layout: Layout,
    pictures: Sequence[Placed],
    skeletons: Sequence[Skeleton],
    options: ConvertOptions,
    problems: list[Problem],
    progress: Callable[[int, int], None],
) -> dict[str, str]:
    """The set; its `dataset.json` path. Raises FileProblem, OSError."""
    check_frames(pictures)
    folders = [path if path.is_dir() else path.parent for path in options.input]
    writer = SetWriter(layout.folder, skeletons, folders, problems.append, link=layout.link)
    writer.write(pictures, progress)
    return {"video_keypoints": FORMAT}
