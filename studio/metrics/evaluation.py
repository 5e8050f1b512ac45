"""A pose model judged on labelled pictures: COCO's figures, each joint, each picture."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.dataset import Sample
from studio.core.errors import DataError, Problem, StudioError
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.coco_writing import annotations_of
from studio.io.images import read_image
from studio.io.records import Record
from studio.metrics.coco_ap import KeypointAp, keypoint_ap
from studio.metrics.joints import JointErrors, Pair, Truth, pair_people

Picture = npt.NDArray[np.uint8]
Find = Callable[[Picture, Sample], Sequence[Prediction]]


@dataclass(frozen=True, eq=False)
class JudgedPicture:
    """One picture: its people in pairs, the mean OKS over them (a missed person counts 0, NaN
    where nobody is labelled), and how many were missed or seen where nobody is.
    """

    sample: Sample
    pairs: list[Pair]
    oks: float
    missed: int
    false: int

    @property
    def badness(self) -> float:
        """How bad it is, for sorting: what is missing to 1 for each person, a false one a half."""
        people = sum(p.truth is not None for p in self.pairs)
        return people * (1 - self.oks if people else 0) + 0.5 * self.false


@dataclass(eq=False)
class Evaluation:
    """The whole judgement. pictures: worst first. problems: pictures that could not be read.
    milliseconds: the median time of one picture.
    """

    ap: KeypointAp
    joints: JointErrors
    pictures: list[JudgedPicture]
    people: int
    problems: list[Problem] = field(default_factory=list[Problem])
    milliseconds: float = 0.0

    @property
    def metrics(self) -> dict[str, float]:
        """COCO's ten figures."""
        return self.ap.metrics


class Judging:
    """Gathers the pictures of one judgement, one after the other.

    show_conf: the score from which a person counts as found in pictures and joint errors.
    """

    def __init__(self, skeleton: Skeleton, *, show_conf: float = 0.25) -> None:
        self._skeleton = skeleton
        self._show_conf = show_conf
        self._truth: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [
                {"id": 1, "name": skeleton.category, "keypoints": list(skeleton.keypoints)}
            ],
        }
        self._results: list[dict[str, Any]] = []
        self._judged: list[JudgedPicture] = []
        self._joints = JointErrors(skeleton.keypoints)

    def add(self, sample: Sample, people: Sequence[Prediction]) -> None:
        """Hold `people`, found down to a very low score, against a picture's labels.

        Raises DataError where they have another number of joints.
        """
        _check_joints(people, self._skeleton, sample)
        sigmas = self._skeleton.oks_sigmas
        annotations = truth_of(sample, self._skeleton)
        number = len(self._judged) + 1
        width, height = sample.size
        self._truth["images"].append({"id": number, "width": width, "height": height})
        for annotation in annotations:
            identity = {"id": len(self._truth["annotations"]) + 1, "image_id": number}
            self._truth["annotations"].append({**annotation, **identity})
        self._results += [_result(person, number) for person in people]
        shown = [p for p in people if p.score >= self._show_conf]
        pairs = pair_people([_truth(a) for a in annotations], shown, sigmas)
        self._joints.add(pairs)
        self._judged.append(_judged(sample, pairs))

    def result(self, problems: Sequence[Problem] = (), milliseconds: float = 0.0) -> Evaluation:
        """The judgement, worst pictures first. Raises DataError where there was no picture."""
        if not self._judged:
            raise DataError("No picture of the dataset can be read.", hint="Check its folder.")
        sigmas = self._skeleton.oks_sigmas
        return Evaluation(
            ap=keypoint_ap(self._truth, self._results, sigmas.tolist()),
            joints=self._joints,
            pictures=sorted(self._judged, key=lambda p: (-p.badness, str(p.sample.image))),
            people=sum(not _truth(a).ignored for a in self._truth["annotations"]),
            problems=list(problems),
            milliseconds=milliseconds,
        )


def evaluate(
    samples: Sequence[Sample],
    skeleton: Skeleton,
    find: Find,
    *,
    show_conf: float = 0.25,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluation:
    """Judge `find` on `samples`: it is given a BGR picture and the sample it is of (whose labels
    only a judgement on labelled boxes looks at) and says its people, down to a very low score.

    show_conf: as for `Judging`. progress: called after each picture; it may raise to end. A
    picture that cannot be read is a problem and is left out. Raises DataError where no picture
    can be judged or joints differ.
    """
    judging = Judging(skeleton, show_conf=show_conf)
    problems: list[Problem] = []
    times: list[float] = []
    for number, sample in enumerate(samples, 1):
        try:
            frame = read_image(sample.image)
        except StudioError as error:
            problems.append(Problem(error.message, where=str(sample.image), hint=error.hint))
            progress(number, len(samples))
            continue
        begun = time.perf_counter()
        people = find(frame, sample)
        times.append((time.perf_counter() - begun) * 1000)
        judging.add(sample, people)
        progress(number, len(samples))
    return judging.result(problems, statistics.median(times) if times else 0.0)


def truth_of(sample: Sample, skeleton: Skeleton) -> list[dict[str, Any]]:
    """The sample's people as COCO annotations; an area that the data states is kept."""
    record = Record(
        name=sample.image.name,
        picture=sample.image,
        size=sample.size,
        instances=sample.instances,
        origin=str(sample.image),
    )
    annotations = annotations_of(record, skeleton)
    for annotation, person in zip(annotations, sample.instances, strict=True):
        if person.area is not None:
            annotation["area"] = person.area
    return annotations


def _check_joints(people: Sequence[Prediction], skeleton: Skeleton, sample: Sample) -> None:
    if people and len(people[0].keypoints) != len(skeleton):
        raise DataError(
            f"The model finds {len(people[0].keypoints)} joints, the labels have {len(skeleton)}.",
            where=str(sample.image),
            hint="Choose a dataset with the skeleton that the model was trained on.",
        )


def _truth(annotation: dict[str, Any]) -> Truth:
    ignored = bool(annotation["iscrowd"]) or annotation["num_keypoints"] == 0
    return Truth(
        keypoints=np.asarray(annotation["keypoints"], dtype=np.float64).reshape(-1, 3),
        area=float(annotation["area"]),
        box=np.asarray(annotation["bbox"], dtype=np.float64),
        ignored=ignored,
    )


def _result(person: Prediction, image_id: int) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "category_id": 1,
        "score": float(person.score),
        "keypoints": person.keypoints.astype(np.float64).ravel().tolist(),
    }


def _judged(sample: Sample, pairs: list[Pair]) -> JudgedPicture:
    asked = [p for p in pairs if p.truth is not None]
    return JudgedPicture(
        sample=sample,
        pairs=pairs,
        oks=sum(p.oks or 0.0 for p in asked) / len(asked) if asked else float("nan"),
        missed=sum(p.predicted is None for p in asked),
        false=sum(p.truth is None for p in pairs),
    )
