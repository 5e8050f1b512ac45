"""What looks wrong in annotations: the quality desk's checks, most serious first.

Lengths and angles are judged against the rest of the data by robust statistics (median and median
absolute deviation), relative to the person's own size. All thresholds stand in `Limits`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import AnnotatedImage, Instance, Point, Shape, instances_of
from studio.core.edits import ReplaceContent
from studio.core.options import N_
from studio.core.skeleton import Skeleton
from studio.metrics.usual import Limits, Usual, corners_of, measures_of
from studio.vision.proposals import alike

FloatArray = npt.NDArray[np.float64]
IGNORED = "quality_ignored"

KINDS: dict[str, str] = {
    "swapped": N_("Left and right swapped"),
    "limb": N_("Limb too long"),
    "angle": N_("Unusual angle"),
    "together": N_("Joints on one spot"),
    "picture": N_("Outside the picture"),
    "box": N_("Outside the box"),
    "outline": N_("Outside the outline"),
    "twice": N_("The same person twice"),
    "joint_twice": N_("A joint set twice"),
    "unknown": N_("Unknown joint name"),
    "nobody": N_("A joint without a person"),
    "missing": N_("Joints missing"),
    "unsure": N_("Tracked with little confidence"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong. severity: 0..1. joints: names of those concerned. spot: where to
    look, pixels of the picture. value: the measure behind it (a factor, degrees, pixels, ...).
    """

    kind: str
    severity: float
    group_id: int | None = None
    joints: tuple[str, ...] = ()
    spot: Point = (0.0, 0.0)
    value: float = 0.0

    @property
    def key(self) -> str:
        """What a person ignores by: stays the same while the joints move a little."""
        return f"{self.kind}:{self.group_id}:{'+'.join(self.joints)}"

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "severity": round(self.severity, 3),
            "group_id": self.group_id,
            "joints": list(self.joints),
            "spot": [round(v, 1) for v in self.spot],
            "value": round(self.value, 3),
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Finding:
        """The inverse of `to_mapping`."""
        x, y = data["spot"]
        return cls(
            str(data["kind"]),
            float(data["severity"]),
            data["group_id"],
            tuple(data["joints"]),
            (float(x), float(y)),
            float(data["value"]),
        )


def inspect(
    image: AnnotatedImage,
    skeleton: Skeleton,
    usual: Usual | None = None,
    limits: Limits | None = None,
) -> tuple[Finding, ...]:
    """Everything that looks wrong on one picture and is not ignored, most serious first."""
    limits = limits or Limits()
    found: list[Finding] = [*_loose_ends(image, skeleton)]
    people = [p for p in instances_of(image, skeleton) if not p.iscrowd]
    for person in people:
        size = _size(person)
        found += _places(person, skeleton, image, size, limits)
        if size <= 0:
            continue
        found += _sides(person, skeleton, size)
        found += _missing(person, skeleton)
        if usual is not None and len(skeleton.edges):
            found += _proportions(person, skeleton, usual, limits)
    found += _unsure(image, skeleton, limits)
    for a, b in combinations(people, 2):
        likeness = alike(a, b, skeleton)
        if likeness >= limits.alike:
            found.append(
                Finding("twice", 0.9, b.track_id, (str(a.track_id),), _middle(b), likeness)
            )
    ignored = set(image.extra.get(IGNORED) or ())
    kept = [f for f in found if f.key not in ignored]
    return tuple(sorted(kept, key=lambda f: -f.severity))


def ignore(image: AnnotatedImage, finding: Finding) -> ReplaceContent:
    """The finding marked as looked at and right; the mark stands in the annotation file."""
    marks = [*(image.extra.get(IGNORED) or ()), finding.key]
    after = replace(image, extra={**image.extra, IGNORED: list(dict.fromkeys(marks))})
    return ReplaceContent(image, after, title=N_("Ignore a finding"))


def _size(person: Instance) -> float:
    box = person.tight_box()
    return 0.0 if box is None else float(np.sqrt(max(box[2] * box[3], 0.0)))


def _middle(person: Instance) -> Point:
    box = person.tight_box()
    if box is None:
        return (0.0, 0.0)
    return float(box[0] + box[2] / 2), float(box[1] + box[3] / 2)


def _spot(person: Instance, *joints: int) -> Point:
    x, y = person.keypoints[list(joints), :2].mean(axis=0)
    return float(x), float(y)


def _loose_ends(image: AnnotatedImage, skeleton: Skeleton) -> Iterable[Finding]:
    """Joints of nobody, joints set twice, names that the skeleton does not know."""
    seen: Counter[tuple[int, str]] = Counter()
    boxed = {s.group_id for s in image.shapes if s.label == skeleton.category}
    for shape in image.shapes:
        if shape.shape_type != "point" or not shape.points:
            continue
        spot, group = shape.points[0], shape.group_id
        known = shape.label in skeleton.index
        if known and group is None:
            yield Finding("nobody", 0.7, None, (shape.label,), spot)
        elif known and group is not None:
            seen[group, shape.label] += 1
            if seen[group, shape.label] == 2:
                yield Finding("joint_twice", 0.9, group, (shape.label,), spot, 2.0)
        elif group is not None and group in boxed:
            yield Finding("unknown", 0.6, group, (shape.label,), spot)


def _places(
    person: Instance, skeleton: Skeleton, image: AnnotatedImage, size: float, limits: Limits
) -> Iterable[Finding]:
    """Joints outside the picture, the box, the outline."""
    size = max(size, 1.0)
    margin = max(limits.margin * size, 3.0)
    group = person.track_id
    for joint in np.flatnonzero(person.keypoints[:, 2] > 0):
        name, (x, y, _v) = skeleton.keypoints[joint], person.keypoints[joint]
        spot = (float(x), float(y))
        if image.width and image.height:
            out = _beyond(spot, (0.0, 0.0, float(image.width), float(image.height)))
            if out > 0:
                yield Finding("picture", 1.0, group, (name,), spot, out)
                continue
        if person.box is not None:
            bx, by, bw, bh = (float(v) for v in person.box)
            out = _beyond(spot, (bx, by, bx + bw, by + bh))
            # What is hidden may well lie beyond the box of what is seen, but not far.
            if out > (margin if person.keypoints[joint, 2] == 2 else 6 * margin):
                yield Finding("box", 0.8 * _grade(out / size, 0.5), group, (name,), spot, out)
                continue
        if person.polygons and person.keypoints[joint, 2] == 2:
            out = min(_outside(spot, polygon) for polygon in person.polygons)
            if out > margin:
                yield Finding("outline", 0.8 * _grade(out / size, 0.4), group, (name,), spot, out)


def _beyond(spot: Point, box: tuple[float, float, float, float]) -> float:
    dx = max(box[0] - spot[0], 0.0, spot[0] - box[2])
    dy = max(box[1] - spot[1], 0.0, spot[1] - box[3])
    return float(np.hypot(dx, dy))


def _outside(spot: Point, polygon: FloatArray) -> float:
    """Pixels from a polygon, 0 inside."""
    x, y = spot
    a, b = polygon, np.roll(polygon, -1, axis=0)
    above = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    crossing = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / rise
    if (above & (x < crossing)).sum() % 2:
        return 0.0
    along = b - a
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    part = np.clip((((x, y) - a) * along).sum(axis=1) / square, 0, 1)
    return float(np.linalg.norm(a + part[:, None] * along - (x, y), axis=1).min())


def _grade(value: float, full: float, low: float = 0.3) -> float:
    return float(min(1.0, low + (1.0 - low) * value / full))


def _sides(person: Instance, skeleton: Skeleton, size: float) -> Iterable[Finding]:
    """Left and right exchanged: in one pair, where the limbs would be much shorter the other way
    round; or of a face turned to us whose left eye is on the wrong side.
    """
    points, visible = person.keypoints[:, :2], person.keypoints[:, 2] > 0
    for left, right in skeleton.flip_pairs:
        if not (visible[left] and visible[right]):
            continue
        # A pair seen from the side may lie either way round.
        if float(np.linalg.norm(points[left] - points[right])) < 0.1 * size:
            continue
        now, gain = _crossings(points, visible, skeleton, left, right)
        if now >= 2 or (now == 1 and gain / size > 0.25):
            names = (skeleton.keypoints[left], skeleton.keypoints[right])
            spot = _spot(person, left, right)
            severity = _grade(gain / size, 0.6, 0.6)
            yield Finding("swapped", severity, person.track_id, names, spot, float(now))
    yield from _facing(person, skeleton, size)


def _crossings(
    points: FloatArray,
    visible: npt.NDArray[np.bool_],
    skeleton: Skeleton,
    left: int,
    right: int,
) -> tuple[int, float]:
    """How many crossings of the two sides' limbs would go if the pair were exchanged, and by how
    many pixels the limbs would be shorter.
    """
    flip = skeleton.flip_idx
    count, gain = 0, 0.0
    for a, b in skeleton.edges:
        end = b if a == left else a if b == left else -1
        if end < 0 or end == right or flip[end] == end:
            continue
        other = flip[end]
        if not (visible[end] and visible[other]):
            continue
        one, two = points[left], points[right]
        before = np.linalg.norm(one - points[end]) + np.linalg.norm(two - points[other])
        after = np.linalg.norm(two - points[end]) + np.linalg.norm(one - points[other])
        gain += float(before - after)
        crossed = _cross(one, points[end], two, points[other])
        count += int(crossed) - int(_cross(two, points[end], one, points[other]))
    return count, gain


def _cross(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> bool:
    """Whether the segments a-b and c-d cross."""

    def side(p: FloatArray, q: FloatArray, r: FloatArray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _facing(person: Instance, skeleton: Skeleton, size: float) -> Iterable[Finding]:
    keypoints = person.keypoints
    face = set(skeleton.face_points)
    pairs = [(a, b) for a, b in skeleton.flip_pairs if a in face and b in face]
    if not pairs:
        return
    # The innermost pair of the face (the eyes) is seen from the front alone.
    left, right = pairs[0]
    trunk = [p for p in skeleton.flip_pairs if (p in skeleton.edges or p[::-1] in skeleton.edges)]
    body = [
        (a, b) for a, b in trunk if a not in face and keypoints[a, 2] > 0 and keypoints[b, 2] > 0
    ]
    if not body or not (keypoints[left, 2] == 2 and keypoints[right, 2] == 2):
        return
    down = np.array([0.0, 1.0])
    if len(body) > 1:
        upper, lower = (keypoints[list(pair), :2].mean(axis=0) for pair in body[:2])
        down = lower - upper
    eyes = _turned(keypoints, left, right, down)
    chest = _turned(keypoints, *body[0], down)
    reach = float(np.linalg.norm(down)) or 1.0
    # Heads turn, but not half round: face and chest that clearly disagree are mislabelled.
    if eyes * chest < 0 and abs(chest) / reach > 0.12 * size and abs(eyes) / reach > 0.02 * size:
        names = (skeleton.keypoints[body[0][0]], skeleton.keypoints[body[0][1]])
        value = abs(chest) / reach / size
        yield Finding("swapped", 0.85, person.track_id, names, _spot(person, *body[0]), value)


def _turned(keypoints: FloatArray, left: int, right: int, down: FloatArray) -> float:
    """Above 0 where the pair shows its front."""
    across = keypoints[left, :2] - keypoints[right, :2]
    return float(across[0] * down[1] - across[1] * down[0])


def _missing(person: Instance, skeleton: Skeleton) -> Iterable[Finding]:
    gone = [
        name
        for name, v in zip(skeleton.keypoints, person.keypoints[:, 2], strict=True)
        if v == 0 and name not in person.absent
    ]
    if gone and person.labelled:
        part = len(gone) / len(skeleton)
        severity = 0.1 + 0.2 * (1 - part)
        yield Finding("missing", severity, person.track_id, tuple(gone), _middle(person), len(gone))


def _proportions(
    person: Instance, skeleton: Skeleton, usual: Usual, limits: Limits
) -> Iterable[Finding]:
    length, angle = measures_of(person, skeleton)
    relative = length - usual.length
    known = ~np.isnan(relative)
    if known.sum() >= 3:
        apart = relative - np.median(relative[known])
        for edge in np.flatnonzero(known & (apart > np.log(limits.factor))):
            deviations = float(apart[edge] / usual.length_spread[edge])
            if deviations < limits.deviations:
                continue
            a, b = skeleton.edges[edge]
            names = (skeleton.keypoints[a], skeleton.keypoints[b])
            factor = float(np.exp(apart[edge]))
            severity = _grade(factor - limits.factor, 2.0, 0.5)
            yield Finding("limb", severity, person.track_id, names, _spot(person, a, b), factor)
    yield from _angles(person, skeleton, angle, usual, limits)
    yield from _together(person, skeleton)


def _angles(
    person: Instance, skeleton: Skeleton, angle: FloatArray, usual: Usual, limits: Limits
) -> Iterable[Finding]:
    """The most unusual angle of a person: poses vary, and one that bends bends in many joints."""
    deviations = np.nan_to_num(np.abs(angle - usual.angle) / usual.angle_spread)
    deviations[~(np.abs(angle - usual.angle) > limits.degrees)] = 0.0
    if not len(deviations) or deviations.max() < limits.deviations:
        return
    corner = int(deviations.argmax())
    joints = corners_of(skeleton)[corner]
    names = tuple(skeleton.keypoints[j] for j in joints)
    severity = min(0.6, 0.25 + 0.03 * float(deviations[corner] - limits.deviations))
    spot = _spot(person, joints[1])
    yield Finding("angle", severity, person.track_id, names, spot, float(angle[corner]))


def _together(person: Instance, skeleton: Skeleton) -> Iterable[Finding]:
    """Two joints of a limb on the very same spot."""
    for a, b in skeleton.edges:
        if person.keypoints[a, 2] > 0 and person.keypoints[b, 2] > 0:
            apart = float(np.abs(person.keypoints[a, :2] - person.keypoints[b, :2]).max())
            if apart < 0.5:
                names = (skeleton.keypoints[a], skeleton.keypoints[b])
                yield Finding("together", 0.6, person.track_id, names, _spot(person, a), apart)


def _unsure(image: AnnotatedImage, skeleton: Skeleton, limits: Limits) -> Iterable[Finding]:
    worst: dict[int, tuple[float, Shape]] = {}
    for shape in image.shapes:
        score = shape.extra.get("score")
        if (
            shape.shape_type == "point"
            and shape.label in skeleton.index
            and shape.group_id is not None
            and isinstance(score, int | float)
            and score < limits.unsure
        ):
            known = worst.get(shape.group_id)
            if known is None or score < known[0]:
                worst[shape.group_id] = (float(score), shape)
    for group, (score, shape) in worst.items():
        severity = 0.2 + 0.3 * (1 - score / limits.unsure)
        yield Finding("unsure", severity, group, (shape.label,), shape.points[0], score)
