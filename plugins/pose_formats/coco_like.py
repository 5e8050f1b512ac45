"""CrowdPose, PoseTrack18, AI Challenger and OCHuman: COCO's form, each with something of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio.core.annotation import Instance
from studio.core.errors import FormatError, StudioError
from studio.core.skeleton import Skeleton
from studio.io import coco
from studio.io.files import read_json
from studio.io.masks import outlines_of_mask
from studio.io.plain import is_list, is_table, numbers
from studio.io.records import Record, Report, many, warn

from .files import ends_of, files_below, joint_names, plain


class CocoLike:
    """What they share. `joints`: the names in a file, where they are not the skeleton's own."""

    skeleton: ClassVar[str]
    joints: ClassVar[tuple[str, ...]]
    renamed: ClassVar[dict[str, str]] = {}

    def recognises(self, path: Path) -> bool:
        """Whether the file, or a folder's files, are of this dataset."""
        return bool(files_below(path, self._fits))

    def read(self, path: Path, skeleton: Skeleton, report: Report) -> Sequence[Record]:
        """Every picture. Raises FormatError where there is nothing of this kind."""
        files = files_below(path, self._fits)
        if not files:
            raise FormatError(
                f"No annotation file of {type(self).__name__} stands here.",
                where=path,
                hint="Choose the dataset's folder or its JSON file.",
            )
        records: list[Record] = []
        for file in files:
            data = read_json(file)
            if not is_table(data):
                raise FormatError("This is no COCO file.", where=file)
            self._name_joints(data)
            self.prepare(data, file, report)
            side = next((s for s in ("train", "val") if s in file.stem.lower()), "")
            found, _ = coco.read_value(data, file, report, skeleton=skeleton, split=side)
            records += self.finish(data, found)
        return records

    def prepare(self, data: dict[str, Any], path: Path, report: Report) -> None:
        """Bring what is this dataset's own into COCO's form."""

    def finish(self, data: dict[str, Any], records: list[Record]) -> list[Record]:
        """Add what COCO has no place for."""
        del data
        return records

    def _fits(self, path: Path) -> bool:
        return joint_names(ends_of(path)) == self.joints

    def _name_joints(self, data: dict[str, Any]) -> None:
        categories = data.get("categories")
        for category in categories if is_list(categories) else []:
            if is_table(category) and is_list(category.get("keypoints")):
                names = [plain(str(k)) for k in category["keypoints"]]
                category["keypoints"] = [self.renamed.get(n, n) for n in names]


class CrowdPose(CocoLike):
    """https://github.com/Jeff-sjtu/CrowdPose"""

    skeleton = "crowdpose"
    joints = (
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
        "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle", "head", "neck",
    )  # fmt: skip
    renamed: ClassVar[dict[str, str]] = {"head": "top_head"}


class AiChallenger(CocoLike):
    """https://github.com/AIChallenger/AI_Challenger_2017, in its COCO form."""

    skeleton = "aic"
    joints = (
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
        "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee",
        "left_ankle", "head_top", "neck",
    )  # fmt: skip


class PoseTrack18(CocoLike):
    """https://posetrack.net: a joint's flag says only whether it was annotated."""

    skeleton = "posetrack18"
    joints = (
        "nose", "head_bottom", "head_top", "left_ear", "right_ear", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
        "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    )  # fmt: skip

    def prepare(self, data: dict[str, Any], path: Path, report: Report) -> None:
        annotations = data.get("annotations")
        for annotation in annotations if is_list(annotations) else []:
            if is_table(annotation):
                flat = numbers(annotation.get("keypoints"))
                if flat is not None:
                    flat[2::3] = [2.0 if v > 0 else 0.0 for v in flat[2::3]]
                    annotation["keypoints"] = flat
                annotation["group_id"] = annotation.get("track_id")
        images = data.get("images")
        listed = [i for i in images if is_table(i)] if is_list(images) else []
        data["images"] = [i for i in listed if i.get("is_labeled", True)]
        unlabelled = len(listed) - len(data["images"])
        if unlabelled:
            warn(report, f"{many(unlabelled, 'frame')} not labelled; left out.", str(path))

    def finish(self, data: dict[str, Any], records: list[Record]) -> list[Record]:
        images = {str(i.get("file_name")): i for i in data["images"]}
        made: list[Record] = []
        for record in records:
            picture = str(record.picture).replace("\\", "/")
            image = next((v for k, v in images.items() if picture.endswith(k)), {})
            ignored = self._ignored(image, record)
            made.append(
                replace(
                    record,
                    instances=(*record.instances, *ignored),
                    video=str(image.get("vid_id") or record.video),
                )
            )
        return made

    @staticmethod
    def _ignored(image: dict[str, Any], record: Record) -> list[Instance]:
        """Regions that nobody labelled, as crowds."""
        xs, ys = image.get("ignore_regions_x"), image.get("ignore_regions_y")
        if not is_list(xs) or not is_list(ys) or not record.instances:
            return []
        like = record.instances[0]
        regions: list[Instance] = []
        for x, y in zip(xs, ys, strict=False):
            px, py = numbers(x), numbers(y)
            if px and py and len(px) == len(py) >= 3:
                regions.append(
                    Instance(
                        category=like.category,
                        keypoints=np.zeros_like(like.keypoints),
                        polygons=(np.column_stack([px, py]),),
                        iscrowd=True,
                    )
                )
        return regions


class OcHuman(CocoLike):
    """https://github.com/liruilong940607/OCHumanApi: COCO's joints, people as run-length masks."""

    skeleton = "coco17"
    joints = ()

    def _fits(self, path: Path) -> bool:
        data = ends_of(path)
        return len(joint_names(data)) == 17 and b"ochuman" in (data + path.name.encode()).lower()

    def prepare(self, data: dict[str, Any], path: Path, report: Report) -> None:
        annotations = data.get("annotations")
        turned = 0
        for annotation in annotations if is_list(annotations) else []:
            if not is_table(annotation) or annotation.get("iscrowd"):
                continue
            mask = annotation.get("segmentation")
            if is_table(mask):
                try:
                    annotation["segmentation"] = [
                        p.ravel().tolist() for p in outlines_of_mask(mask)
                    ]
                except (StudioError, ValueError) as error:
                    annotation["segmentation"] = []
                    warn(report, f"Mask of annotation {annotation.get('id')}: {error}", str(path))
                turned += 1
        if turned:
            warn(report, f"{many(turned, 'mask')} made into outlines; holes are filled.", str(path))
