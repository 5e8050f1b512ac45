"""How many pictures a conversion would put on each side, before it is made; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import StudioError
from studio.gui.project_items import DATASET_JSON

SMALL_FILE = 2048


def count_sides(
    names: Sequence[str], shares: tuple[float, float], seed: int, dataset: Path | None
) -> tuple[int, int, int]:
    """(training, validation, test) for these pictures at `shares` (training, test), as the
    conversion itself splits them; those of an existing `dataset` keep their side. Raises
    StudioError where its dataset.json is damaged.
    """
    from studio.io.datasets import read_dataset_json, split_names

    kept: dict[str, str] = {}
    if dataset is not None and (dataset / DATASET_JSON).is_file():
        kept = dict(read_dataset_json(dataset).get("split", {}))
    ratio, test = shares
    sides = list(split_names([*names, *kept], ratio, seed, kept, test=test).values())
    return sides.count("train"), sides.count("val"), sides.count("test")


def picture_names(folders: Sequence[Path]) -> list[str]:
    """The names that a conversion will split: annotated pictures, or all of a dataset's."""
    from studio.io.annotations import annotation_files
    from studio.io.datasets import detect_kind
    from studio.io.files import list_images

    names: list[str] = []
    for folder in folders:
        pictures = list_images(folder, recursive=True)
        if detect_kind(folder) != "labelme":
            names += [p.name for p in pictures]
            continue
        beside = {p.with_suffix(""): p.name for p in pictures}
        files, _bare = annotation_files(folder)
        names += [beside.get(f.with_suffix(""), f.stem + ".jpg") for f in files if not _waits(f)]
    return names


def _waits(file: Path) -> bool:
    """Whether it is a frame of a video that nobody has annotated yet: a conversion leaves it out.
    Such a file is small; larger ones are not read for this.
    """
    from studio.io import labelme

    try:
        if file.stat().st_size > SMALL_FILE:
            return False
        image = labelme.read(file)
    except (OSError, StudioError):
        return False
    return not image.shapes and not image.reviewed and "frame" in image.extra
