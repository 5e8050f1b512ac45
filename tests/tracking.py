"""Clips with exact identities, what a model might find in them, and how well a tracker tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from trackeval.metrics.clear import CLEAR

from studio.core.annotation import VISIBLE
from studio.core.prediction import Prediction
from studio.metrics.hota_kp import HotaKpJudging, Tracked, sequence_of
from studio.registry.plugins import find
from studio.vision.synthetic import make_clip, make_picture
from studio.vision.synthetic.scene import SyntheticPicture, coco17

FPS = 25.0
# Frames that a moving person is followed without being looked for.
BRIDGED = 10

Frame = np.ndarray[Any, np.dtype[np.uint8]]


@cache
def clip(
    seed: int, frames: int, people: int = 4, size: tuple[int, int] = (480, 320)
) -> tuple[SyntheticPicture, ...]:
    """Two people who cross each other's way and others; the labels are exact."""
    return tuple(make_clip(seed, frames, size, people, fps=FPS))


def moving_person() -> tuple[list[Frame], Prediction, np.ndarray[Any, Any]]:
    """A drawn person who glides before another picture, 4 pixels right and 2 down a frame; as
    found on the first frame; which of its joints can be seen.
    """
    picture = make_picture(3, (480, 360), people=1, smallest=0.6, largest=0.7)
    behind = make_picture(8, (480, 360), people=0).image
    mask, person = picture.masks[0], picture.people[0]
    frames: list[Frame] = []
    for number in range(BRIDGED + 1):
        frame = behind.copy()
        shift = (2 * number, 4 * number)
        moved = np.roll(mask, shift, axis=(0, 1))
        frame[moved] = np.roll(picture.image, shift, axis=(0, 1))[moved]
        frames.append(frame)
    points = person.keypoints.astype(np.float32)
    seen = points[:, 2] == 2
    points[:, 2] = np.where(seen, 0.9, 0.0)
    assert person.box is not None
    x, y, w, h = person.box
    box = np.array([x, y, x + w, y + h], np.float32)
    return frames, Prediction(box, 0.9, points), seen


def found_in(
    picture: SyntheticPicture,
    rng: np.random.Generator,
    noise: float = 1.0,
    missed: float = 0.03,
    sight: int = 0,
) -> list[Prediction]:
    """The people of a picture as a model might find them, in any order: joints tremble by `noise`
    pixels, some people are `missed`, and all with less than `sight` joints in sight; hidden joints
    are less sure. `box_score` keeps who it is.
    """
    people: list[Prediction] = []
    for one in rng.permutation(np.arange(len(picture.people))):
        person = picture.people[one]
        visible = int((person.keypoints[:, 2] == VISIBLE).sum())
        if rng.random() < missed or person.labelled < 3 or visible < sight:
            continue
        points = person.keypoints.copy()
        points[:, :2] += rng.normal(0, noise, (len(points), 2))
        points[:, 2] = np.choose(person.keypoints[:, 2].astype(int), (0.05, 0.4, 0.9))
        assert person.box is not None
        x, y, w, h = person.box
        box = np.array([x, y, x + w, y + h]) + rng.normal(0, noise, 4)
        people.append(
            Prediction(
                box.astype(np.float32), float(rng.uniform(0.5, 0.95)), points.astype(np.float32),
                box_score=float(person.track_id or 0),
            )
        )  # fmt: skip
    return people


def tracked(
    name: str, pictures: Sequence[SyntheticPicture], seed: int = 0, noise: float = 1.0,
    missed: float = 0.03, sight: int = 0, **values: Any,
) -> list[tuple[Prediction, ...]]:  # fmt: skip
    """What the tracker called `name` tells of each frame."""
    contribution = find("tracker", name)
    tracker = contribution.load()
    tracker.start(contribution.options_class().from_mapping(values).validated(), coco17(), FPS)
    rng = np.random.default_rng(seed)
    told: list[tuple[Prediction, ...]] = []
    for index, picture in enumerate(pictures):
        people = found_in(picture, rng, noise, missed, sight)
        people = people if tracker.wants_people(index) else []
        told.append(tracker.update(picture.image, people, index, index / FPS))
    return told


@dataclass(frozen=True)
class Judged:
    """HOTA-KP and its parts, 0..1, and how often an identity changed (CLEAR's IDSW)."""

    hota: float
    detection: float
    association: float
    switches: int


def judged(pictures: Sequence[SyntheticPicture], told: Sequence[Sequence[Prediction]]) -> Judged:
    """How right the identities and places are that a tracker told."""
    truth, answers = _both(pictures, told)
    judging = HotaKpJudging()
    judging.add("clip", "person", truth, answers)
    found = judging.result().all
    clear: Any = CLEAR({"PRINT_CONFIG": False})
    switches = clear.eval_sequence(sequence_of(truth, answers))["IDSW"]
    return Judged(found.mean(), found.mean("DetA"), found.mean("AssA"), int(switches))


def hota(pictures: Sequence[SyntheticPicture], told: Sequence[Sequence[Prediction]]) -> float:
    """HOTA-KP of what a tracker told."""
    return judged(pictures, told).hota


def same_person(told: Sequence[Sequence[Prediction]]) -> dict[int, set[int]]:
    """Of each real person (`found_in` keeps who it is) the identities given."""
    found: dict[int, set[int]] = {}
    for people in told:
        for p in people:
            if p.track_id is not None:
                found.setdefault(int(p.box_score or 0), set()).add(p.track_id)
    return found


def _both(
    pictures: Sequence[SyntheticPicture], told: Sequence[Sequence[Prediction]]
) -> tuple[list[Tracked], list[Tracked]]:
    truth, answers = [], []
    for picture, people in zip(pictures, told, strict=True):
        truth.append(_tracked([p.track_id for p in picture.people],
                              [p.keypoints for p in picture.people]))  # fmt: skip
        sure = [p for p in people if p.track_id is not None]
        answers.append(_tracked([p.track_id for p in sure], [p.keypoints for p in sure]))
    return truth, answers


def _tracked(ids: Sequence[int | None], points: Sequence[Any]) -> Tracked:
    if not ids:
        return Tracked.empty(len(coco17()))
    return Tracked(np.array(ids, np.int64), np.array(points, np.float64))
