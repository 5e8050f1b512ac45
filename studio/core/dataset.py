"""A dataset as training, judging and exporting see it, whatever format it came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.errors import DataError
from studio.core.skeleton import Skeleton

TRAIN, VAL, TEST = "train", "val", "test"
SIDES = (TRAIN, VAL, TEST)


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture with its people.

    size: (width, height) of the upright picture. image_id: COCO's, or its place in the dataset,
    from 1. split: "train", "val", "test", or "" where the dataset is not split.
    """

    image: Path
    size: tuple[int, int]
    instances: tuple[Instance, ...]
    image_id: int
    split: str = ""

    def people_boxes(self) -> npt.NDArray[np.float32]:
        """(n, 4) x1, y1, x2, y2 in pixels of everybody who is asked for: no crowd, and at least one
        labelled joint.
        """
        boxes = [
            box
            for person in self.instances
            if not person.iscrowd and person.labelled and (box := person.tight_box()) is not None
        ]
        found = np.stack(boxes).astype(np.float32) if boxes else np.zeros((0, 4), np.float32)
        found[:, 2:] += found[:, :2]
        return found


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures with people, the skeleton that names their joints, and where the files stand.

    kind: "dataset" (a folder with dataset.json), "coco", "yolo" or "labelme".
    content_hash: hex digest over every picture's name, size and people; equal for equal content.
    paths: the formats that stand ready on the disk: "coco_train", "coco_val", "coco_test"
        (JSON files), "coco_train_images" and so on (folders), "yolo_yaml".
    """

    root: Path
    skeleton: Skeleton
    samples: tuple[Sample, ...]
    kind: str
    content_hash: str = ""
    paths: Mapping[str, Path] = field(default_factory=dict[str, Path])

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one side; "" and "all" mean all of them.

        Raises DataError where that side is empty: nothing can be trained or judged on it.
        """
        if name in ("", "all"):
            chosen = self.samples
        else:
            chosen = tuple(s for s in self.samples if s.split == name)
        if not chosen:
            sides = Counter(s.split or "(none)" for s in self.samples)
            listed = ", ".join(f"{side}: {count}" for side, count in sides.items())
            raise DataError(
                f'The dataset has no pictures in its split "{name}" ({listed or "it is empty"}).',
                where=str(self.root),
                hint="Convert it again with another ratio, or choose another split.",
            )
        return chosen

    @property
    def splits(self) -> tuple[str, ...]:
        """The sides that hold at least one picture, in order of appearance."""
        return tuple(dict.fromkeys(s.split for s in self.samples))
