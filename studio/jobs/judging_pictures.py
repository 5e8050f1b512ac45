"""The pictures that a certificate is made on: those named, else those that the model's own run was
judged on, else drawn ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.artifact import ModelArtifact
from studio.core.dataset import TRAIN, VAL, Dataset, Sample
from studio.core.errors import DataError, Problem, StudioError
from studio.core.job import JobContext
from studio.core.skeleton import Skeleton
from studio.exporting.run_data import judging_place
from studio.io.datasets import bare_pictures, detect_kind, load_dataset
from studio.io.images import image_size, read_image
from studio.io.video_keypoints import Row, VideoSet, is_video_keypoints, read_video_set, splits_of
from studio.runtime.clips import is_clip_model
from studio.runtime.topdown import is_topdown

Picture = npt.NDArray[np.uint8]

DRAWN = "drawn people"
DRAWN_PICTURES = 8
_FILM = 2


@dataclass(frozen=True, eq=False)
class JudgingPictures:
    """Pictures to judge on. labels: the skeleton of their labels, None where there are none that
    fit the model. sides: whether some are trained on and others not. calibrated: whether the
    artefact's ranges were set by these very pictures, so that they flatter it.
    """

    source: str
    samples: tuple[Sample, ...]
    labels: Skeleton | None
    sides: bool = False
    calibrated: bool = False
    _drawn: Mapping[int, Picture] = field(default_factory=dict[int, Picture])

    @property
    def drawn(self) -> bool:
        """Whether no camera has seen them."""
        return bool(self._drawn)

    def read(self, sample: Sample) -> Picture:
        """(H, W, 3) uint8 BGR. Raises FileProblem, FormatError."""
        drawn = self._drawn.get(sample.image_id)
        return read_image(sample.image) if drawn is None else drawn

    def limited(self, most: int, calibrated: Iterable[str] = ()) -> JudgingPictures:
        """At most so many, without those that the artefact was calibrated on where there are
        others.
        """
        known = set(calibrated)
        fresh = tuple(s for s in self.samples if str(s.image) not in known)
        chosen = fresh or self.samples
        flattered = bool(known) and not fresh
        return dataclasses.replace(self, samples=chosen[:most], calibrated=flattered)


def pictures_to_judge_on(
    artifact: ModelArtifact, data: Path | None, context: JobContext
) -> JudgingPictures:
    """All that there are for a model that finds joints; `data` is what somebody named.

    Raises DataError, FileProblem, FormatError where that cannot be used.
    """
    if data is not None:
        return _of(artifact, data.expanduser().absolute(), VAL, context)
    place = judging_place(artifact, context)
    if place is not None:
        try:
            return _of(artifact, place.path, "all" if place.apart else VAL, context)
        except StudioError as error:
            context.log(
                f"The pictures that the model was judged on cannot be used: {error}", "warning"
            )
    return _drawn(artifact)


def _of(artifact: ModelArtifact, place: Path, side: str, context: JobContext) -> JudgingPictures:
    def told(problem: Problem) -> None:
        context.log(str(problem), "warning")

    if is_clip_model(artifact) and is_video_keypoints(place):
        known = splits_of(place)
        names = (side,) if side in known else known
        found = [read_video_set(place, name, told) for name in names]
        samples = tuple(s for part in found for s in _frames(part))
        labels = _fitting(artifact, found[0].skeleton if found else None)
        return JudgingPictures(str(place), samples, labels, sides=len(known) > 1)
    bare = bare_pictures(place)
    if bare:
        if is_topdown(artifact):
            raise DataError(
                "A model that looks at people in boxes is judged on labelled pictures.",
                where=place,
                hint="Give --data a dataset with people.",
            )
        samples = tuple(Sample(p, image_size(p), (), n) for n, p in enumerate(bare, 1))
        return JudgingPictures(str(place), samples, None)
    # Annotated pictures need not say whose joints they are: the model knows its own.
    own = artifact.skeleton if detect_kind(place) == "labelme" else None
    dataset = load_dataset(place, own, told)
    labels = _labels(artifact, dataset)
    if is_topdown(artifact) and labels is None:
        raise DataError(
            f"The model finds {len(artifact.skeleton)} joints of people in boxes; the dataset has "
            f"nobody labelled with the skeleton {artifact.skeleton.name}.",
            where=place,
            hint="Give --data a dataset of the skeleton that the model was trained on.",
        )
    sides = {TRAIN, VAL} <= set(dataset.splits)
    samples = dataset.split(side if side in dataset.splits else "all")
    return JudgingPictures(str(place), samples, labels, sides=sides)


def _labels(artifact: ModelArtifact, dataset: Dataset) -> Skeleton | None:
    if not any(sample.instances for sample in dataset.samples):
        return None
    return _fitting(artifact, dataset.skeleton)


def _fitting(artifact: ModelArtifact, labels: Skeleton | None) -> Skeleton | None:
    fits = labels is not None and len(labels) == len(artifact.skeleton)
    return labels if fits else None


def _frames(part: VideoSet) -> Sequence[Sample]:
    """Labelled frames in their order; each instance has the joints of all classes in a row."""
    found: list[Sample] = []
    places = {p.category: p.places for p in part.parts}
    names = {p.category: p.name for p in part.parts}
    for video in part.videos:
        rows: dict[int, list[Row]] = {}
        for row in video.rows:
            rows.setdefault(row.frame, []).append(row)
        for number, path in video.frames:
            if path is None or number not in video.labelled:
                continue
            instances: list[Instance] = []
            for row in rows.get(number, ()):
                points = np.zeros((len(part.skeleton), 3))
                points[list(places[row.category])] = row.keypoints
                points[points[:, 2] == 0] = 0
                instances.append(Instance(names[row.category], points))
            found.append(Sample(path, image_size(path), tuple(instances), len(found) + 1))
    return found


def _drawn(artifact: ModelArtifact) -> JudgingPictures:
    """Drawn people; for a model of clips the frames of a film of one person."""
    from studio.vision.synthetic import make_clip, make_picture
    from studio.vision.synthetic.scene import coco17

    clip = is_clip_model(artifact)
    film = list(make_clip(_FILM, 3 * DRAWN_PICTURES, (480, 360), 1))[::3] if clip else []
    samples: list[Sample] = []
    pictures: dict[int, Picture] = {}
    for seed in range(DRAWN_PICTURES):
        drawn = film[seed] if clip else make_picture(seed, (480, 360))
        height, width = drawn.image.shape[:2]
        number = seed + 1
        people = tuple(drawn.people)
        samples.append(Sample(Path(f"drawn {number}"), (width, height), people, number))
        pictures[number] = drawn.image
    fits = artifact.skeleton.keypoints == coco17().keypoints
    return JudgingPictures(DRAWN, tuple(samples), coco17() if fits else None, _drawn=pictures)
