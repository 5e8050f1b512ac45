"""Make the sample project: drawn people with exact labels, a film of them, and two photographs.

The photographs travel with the ultralytics package and are read from where it is installed; what
is annotated on them is ours and stands in `resources/sample/photos`. Nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import studio
from studio.core.annotation import Instance, Shape, shapes_of
from studio.core.job import JobContext
from studio.core.requests.sample import SampleOptions
from studio.io import labelme
from studio.io.files import atomic_folder, atomic_write_text
from studio.io.images import image_size, write_image
from studio.io.skeletons import load_skeleton
from studio.io.video import VideoWriter
from studio.jobs.sample_heads import draw_heads
from studio.vision.synthetic import SyntheticPicture, make_clip, make_picture

PHOTO_NOTES = studio.RESOURCES / "sample" / "photos"
SKELETON = "coco17"
_JPEG_QUALITY = 92
_PROJECT = """\
name = "Sample"
pictures = ["pictures"]
skeletons = ["coco17"]
categories = ["person"]
"""


def run(options: SampleOptions, context: JobContext) -> dict[str, Any]:
    """See `SampleOptions`. Raises FileProblem where the folder holds something already."""
    with atomic_folder(options.out) as folder:
        pictures = folder / "pictures"
        people = _draw_pictures(options, pictures, context)
        for number in range(1, options.clips + 1):
            people += _draw_clip(options, number, folder, context)
        photos = _copy_photos(pictures / "photos", context) if options.photos else ()
        if options.heads:
            draw_heads(folder / "datasets" / "heads", options, context)
        atomic_write_text(folder / "studio.toml", _PROJECT)
    context.artifact("project", options.out)
    return {
        "project": str(options.out),
        "pictures": options.pictures,
        "people": people,
        "heads": options.heads,
        "clips": [
            str(options.out / "clips" / f"{_clip_name(n + 1)}.mp4") for n in range(options.clips)
        ],
        "photos": [str(options.out / "pictures" / "photos" / name) for name in photos],
    }


def _draw_pictures(options: SampleOptions, folder: Path, context: JobContext) -> int:
    """The number of people drawn."""
    folder.mkdir(parents=True)
    people = 0
    for number in range(options.pictures):
        context.check()
        rng = np.random.default_rng((options.seed, number))
        count = int(rng.integers(1, options.people + 1)) if options.people else None
        picture = make_picture(rng, options.size, people=count)
        people += _write(folder / "drawn" / f"people_{number + 1:05d}.jpg", picture)
        context.progress("pictures", number + 1, options.pictures)
    return people


def _draw_clip(options: SampleOptions, number: int, folder: Path, context: JobContext) -> int:
    """One film in `clips` and its kept frames in `pictures`; the number of people in those."""
    name = _clip_name(number)
    size = (options.size * 4 // 3 // 2 * 2, options.size // 2 * 2)
    seed = options.seed + 1000 * number
    people = 0
    with VideoWriter(folder / "clips" / f"{name}.mp4", 25.0, size) as video:
        for index, picture in enumerate(make_clip(seed, options.frames, size, options.clip_people)):
            context.check()
            video.write(picture.image)
            if index % options.clip_every == 0:
                kept = folder / "pictures" / name / f"{name}_frame_{index:06d}.jpg"
                people += _write(kept, picture)
            context.progress(name, index + 1, options.frames)
    return people


def _clip_name(number: int) -> str:
    return f"clip_{number}"


def _write(path: Path, picture: SyntheticPicture) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, picture.image, quality=_JPEG_QUALITY)
    height, width = picture.image.shape[:2]
    note = labelme.new_image(path, (width, height))
    labelme.write(
        labelme.annotation_path(path),
        replace(note, shapes=_shapes(picture.people), flags={"reviewed": True}),
    )
    return len(picture.people)


def _shapes(people: Iterable[Instance]) -> tuple[Shape, ...]:
    """Outlines and joints, to a hundredth of a pixel; the box follows from the outline."""
    skeleton = load_skeleton(SKELETON)
    shapes: list[Shape] = []
    for number, person in enumerate(people, start=1):
        group = person.track_id if person.track_id is not None else number
        shapes += shapes_of(replace(person, box=None), skeleton, group)
    return tuple(
        replace(shape, points=tuple((round(x, 2), round(y, 2)) for x, y in shape.points))
        for shape in shapes
    )


def _copy_photos(folder: Path, context: JobContext) -> tuple[str, ...]:
    """The photographs with our annotations; what could not be had is said in the log."""
    assets = photo_folder()
    if assets is None:
        context.log(
            "The photographs are left out: they come with ultralytics, which is not installed.",
            "warning",
        )
        return ()
    copied: list[str] = []
    for note_path in sorted(PHOTO_NOTES.glob("*.json")):
        note = labelme.read(note_path)
        source = assets / note.image_path
        if not source.is_file():
            context.log(
                f"This ultralytics carries no {note.image_path}; it is left out.", "warning"
            )
            continue
        if image_size(source) != (note.width, note.height):
            context.log(
                f"{note.image_path} is another picture than annotated; left out.", "warning"
            )
            continue
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / note.image_path)
        shutil.copyfile(note_path, folder / note_path.name)
        copied.append(note.image_path)
    return tuple(copied)


def photo_folder() -> Path | None:
    """Where the installed ultralytics keeps its photographs, found without importing it."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "assets"
    return folder if folder.is_dir() else None
