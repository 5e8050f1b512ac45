"""Writing a head-pose set's lists, table and `dataset.json` beside its crops."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.dataset import SIDES, TEST
from studio.io.files import atomic_write_text, problem_of, write_json
from studio.io.headpose_set import (
    COLUMNS,
    FILES,
    KIND,
    POSES,
    SET_KIND,
    HeadSample,
    hash_of_heads,
)
from studio.io.images import encode_image

Picture = npt.NDArray[np.uint8]

DATASET_JSON = "dataset.json"


def write_crop(path: Path, crop: Picture, quality: int) -> None:
    """One crop of a set that is moved into its place as a whole. Raises FileProblem."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_image(path, crop, quality=quality))
    except OSError as error:
        raise problem_of(error, path, "write") from error


def write_set(
    folder: Path, samples: Sequence[HeadSample], name: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """`files.txt`, the sides' lists, `poses.csv` and `dataset.json` for crops that stand in
    `folder` under the samples' names; returns what `dataset.json` holds. more: what it says
    besides. Raises FileProblem.
    """
    atomic_write_text(folder / FILES, names_text(s.name for s in samples))
    for side in SIDES:
        names = [s.name for s in samples if s.split == side]
        if names or side != TEST:
            atomic_write_text(folder / f"{side}.txt", names_text(names))
    atomic_write_text(folder / POSES, poses_text(samples))
    counts = Counter(s.split for s in samples)
    value = {
        "v": 1,
        "name": name,
        "kind": SET_KIND,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "formats": [KIND],
        "paths": {"files": FILES, "poses": POSES},
        "counts": {side: counts[side] for side in SIDES if counts[side] or side != TEST},
        "people": len(samples),
        "content_hash": hash_of_heads((s.name, s.split, s.rotation) for s in samples),
        "split": {s.name: s.split for s in samples},
        **more,
    }
    write_json(folder / DATASET_JSON, value)
    return value


def poses_text(samples: Iterable[HeadSample]) -> str:
    """The content of `poses.csv`; files by their names."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for sample in samples:
        angles = [f"{a:.6f}" for a in sample.angles]
        numbers = [f"{v:.9f}" for v in sample.rotation.ravel()]
        rows.writerow((sample.name, *angles, *numbers))
    return text.getvalue()


def names_text(names: Iterable[str]) -> str:
    """A filename list, one name a line."""
    return "".join(f"{name}\n" for name in names)
