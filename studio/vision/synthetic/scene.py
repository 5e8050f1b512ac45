"""A picture of people: who stands where, what is seen of them, and the exact labels."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

import studio
from studio.core.annotation import HIDDEN, VISIBLE, Instance
from studio.core.skeleton import Skeleton
from studio.vision.synthetic.background import Camera, draw_occluder, make_background, sample_light
from studio.vision.synthetic.body import Pose, pose_figure
from studio.vision.synthetic.canvas import NOBODY, Canvas, Image, Light
from studio.vision.synthetic.figure import (
    PART_BITS,
    PART_ID,
    Look,
    Projected,
    Tailor,
    eye_turned_to_viewer,
    project,
)
from studio.vision.synthetic.outlines import outline_polygons
from studio.vision.synthetic.poses import sample_pose

Rng = np.random.Generator

# Fewer visible pixels than this are no person that anybody could label.
SMALLEST_PERSON = 30
_LEAST_SEEN = 0.25
_FEWEST_JOINTS = 4
_SMALL = 2000

_HEAD_PARTS = ("head", "nose")


def _limb_parts(side: str) -> dict[str, tuple[str, ...]]:
    return {
        f"{side}_eye": _HEAD_PARTS,
        f"{side}_ear": (f"{side}_ear", "head"),
        f"{side}_shoulder": (f"{side}_upper_arm", "torso", "neck"),
        f"{side}_elbow": (f"{side}_upper_arm", f"{side}_forearm"),
        f"{side}_wrist": (f"{side}_forearm", f"{side}_hand"),
        f"{side}_hip": (f"{side}_thigh", "pelvis", "torso", "skirt"),
        f"{side}_knee": (f"{side}_thigh", f"{side}_shin"),
        f"{side}_ankle": (f"{side}_shin", f"{side}_foot"),
    }


# The parts that show a joint; any other part on top of it hides it.
SHOWN_BY: dict[str, frozenset[int]] = {
    joint: frozenset(PART_ID[p] for p in parts)
    for joint, parts in (
        ("nose", _HEAD_PARTS),
        *_limb_parts("left").items(),
        *_limb_parts("right").items(),
    )
}
_TRUNK_JOINTS = frozenset(f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "hip"))
_TRUNK_PARTS = frozenset(PART_ID[p] for p in ("torso", "pelvis", "neck", "skirt"))


@dataclass(frozen=True)
class SyntheticPicture:
    """image: (H, W, 3) uint8 BGR. people: the ones that can be seen, the farthest first.
    masks: for each person the visible pixels, (H, W) bool.
    """

    image: Image
    people: tuple[Instance, ...]
    masks: tuple[npt.NDArray[np.bool_], ...]


@dataclass(frozen=True)
class Actor:
    """One person in a scene. `at` is the middle of the hips in pixels, `scale` pixels a stature.
    `track_id` names the person; larger `near` is painted later.
    """

    look: Look
    pose: Pose
    at: tuple[float, float]
    scale: float
    near: float
    track_id: int
    distance: float = 7.0


@cache
def coco17() -> Skeleton:
    """The skeleton that the labels follow."""
    path = studio.RESOURCES / "skeletons" / "coco17.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return Skeleton.from_mapping(data, where=str(path))


def make_picture(
    rng: Rng | int,
    size: int | tuple[int, int] = 320,
    *,
    people: int | None = None,
    smallest: float = 0.34,
    largest: float = 1.15,
) -> SyntheticPicture:
    """One picture with exact labels; the same seed gives the same bytes.

    rng: a seed or a generator to draw from. size: pixels of a square, or (width, height).
    people: how many are placed (some may stand outside and are not in the labels); None draws
    1 to 7. smallest, largest: statures as parts of the picture's height.
    """
    rng = np.random.default_rng(rng) if isinstance(rng, int) else rng
    width, height = (size, size) if isinstance(size, int) else size
    count = int(rng.choice([1, 2, 3, 4, 5, 7], p=[0.24, 0.3, 0.22, 0.13, 0.07, 0.04]))
    count = count if people is None else people
    background = make_background(rng, width, height)
    light = sample_light(rng)
    actors = place_actors(rng, count, (width, height), smallest, largest)
    occluders = int(rng.integers(1, 3)) if rng.random() < 0.3 else 0
    picture = paint_scene(rng, background, light, actors, occluders)
    return replace(picture, image=Camera.sample(rng).take(rng, picture.image))


def place_actors(
    rng: Rng, count: int, size: tuple[int, int], smallest: float, largest: float
) -> list[Actor]:
    """People of many sizes who do not wholly cover each other, the nearest last."""
    width, height = size
    actors: list[Actor] = []
    taken: list[tuple[float, float, float]] = []
    common = rng.uniform(np.log(smallest), np.log(largest))
    for number in range(count):
        for _ in range(12):
            spread = rng.normal(common, 0.35)
            scale = float(np.exp(np.clip(spread, np.log(smallest), np.log(largest)))) * height
            if count > 3:
                scale = max(smallest * height, 0.72 * scale)
            x = rng.uniform(0.04, 0.96) * width
            y = rng.uniform(0.18, 0.88) * height
            if scale > 0.7 * height and rng.random() < 0.85:
                # Close by, a camera looks at the head rather than at the knees.
                y = rng.uniform(0.06, 0.45) * height + 0.46 * scale
            if all(abs(x - tx) > 0.16 * (scale + ts) or abs(y - ty) > 0.36 * (scale + ts)
                   for tx, ty, ts in taken):  # fmt: skip
                break
            if rng.random() < 0.08:
                break
        else:
            continue
        taken.append((x, y, scale))
        actors.append(
            Actor(
                Look.sample(rng),
                sample_pose(rng),
                (x, y),
                scale,
                near=scale + rng.normal(0, 4),
                track_id=number + 1,
                distance=float(rng.uniform(4.5, 10)),
            )
        )
    return sorted(actors, key=lambda actor: actor.near)


def paint_scene(
    rng: Rng,
    background: Image,
    light: Light,
    actors: Sequence[Actor],
    occluders: int = 0,
    *,
    keep_all: bool = False,
) -> SyntheticPicture:
    """Paint the actors in their order and label what is seen of them; the camera comes after.

    A person of whom too little is seen to be told as one is taken out and the scene painted
    again; with `keep_all` (a film) such a person stays in the picture and has no label there.
    """
    state = rng.bit_generator.state
    while True:
        rng.bit_generator.state = state
        canvas = Canvas(background.copy(), light)
        figures, whole = _paint_people(rng, canvas, actors, occluders)
        seen = np.bincount(
            canvas.owner.ravel() >> PART_BITS, minlength=len(actors) + 1
        )[1:]  # fmt: skip
        told = [_can_be_told(canvas, f, s, w) for f, s, w in zip(figures, seen, whole, strict=True)]
        if keep_all or all(told):
            break
        actors = [actor for actor, kept in zip(actors, told, strict=True) if kept]
    people, masks = [], []
    for number, (actor, figure) in enumerate(zip(actors, figures, strict=True), start=1):
        if seen[number - 1] >= SMALLEST_PERSON:
            instance, mask = _label(canvas, number, actor, figure)
            people.append(instance)
            masks.append(mask)
    return SyntheticPicture(canvas.image, tuple(people), tuple(masks))


def _can_be_told(canvas: Canvas, figure: Projected, seen: int, whole: int) -> bool:
    """Whether enough of a person is in the picture and uncovered to be told as a person."""
    height, width = canvas.image.shape[:2]
    inside = sum(
        0 <= figure.points[name][0] < width and 0 <= figure.points[name][1] < height
        for name in coco17().keypoints
    )
    enough = max(SMALLEST_PERSON, _LEAST_SEEN * whole)
    return inside >= _FEWEST_JOINTS and seen >= enough


def _paint_people(
    rng: Rng, canvas: Canvas, actors: Sequence[Actor], occluders: int
) -> tuple[list[Projected], list[int]]:
    """The projected figures, and how many pixels of the picture each took when painted."""
    figures: list[Projected] = []
    whole: list[int] = []
    between = sorted(
        int(rng.integers(1, len(actors) + 1)) for _ in range(occluders if actors else 0)
    )
    for number, actor in enumerate(actors, start=1):
        posed = pose_figure(actor.look.build, actor.pose)
        figure = project(posed, actor.at, actor.scale, actor.distance)
        figures.append(figure)
        area = 0
        for part in Tailor(actor.look, figure, number).build():
            drawn = canvas.draw(part)
            area += 0 if drawn is None else int(drawn[2].sum())
        # Parts of one figure overlap by about a third; an estimate is enough here.
        whole.append(int(area * 0.68))
        for _ in range(between.count(number)):
            draw_occluder(rng, canvas, min(actor.scale, 0.55 * canvas.image.shape[0]))
    return figures, whole


def _label(
    canvas: Canvas, number: int, actor: Actor, figure: Projected
) -> tuple[Instance, npt.NDArray[np.bool_]]:
    mask = (canvas.owner >> PART_BITS) == number
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    # Small people are held to their pixels more closely: each one weighs more.
    tolerance = 0.25 if mask.sum() < _SMALL else 0.4
    instance = Instance(
        category=coco17().category,
        keypoints=_keypoints(canvas, number, figure),
        box=np.array([x0, y0, x1 - x0, y1 - y0], np.float64),
        polygons=outline_polygons(mask[y0:y1, x0:x1], (x0, y0), tolerance),
        track_id=actor.track_id,
        area=float(mask.sum()),
        head_rotation=figure.posed.head_rotation,
    )
    return instance, mask


def _keypoints(canvas: Canvas, number: int, figure: Projected) -> npt.NDArray[np.float64]:
    """(17, 3): inside the picture hidden or visible, outside it all zeros."""
    height, width = canvas.image.shape[:2]
    found = np.zeros((len(coco17()), 3))
    for joint, name in enumerate(coco17().keypoints):
        x, y, _ = figure.points[name]
        if 0 <= x < width and 0 <= y < height:
            owner = int(canvas.owner[int(y), int(x)])
            shown = _is_shown(name, owner, number, figure)
            found[joint] = (x, y, VISIBLE if shown else HIDDEN)
    return found


def _is_shown(name: str, owner: int, number: int, figure: Projected) -> bool:
    """Whether the pixel at a joint shows the part of the body that the joint belongs to."""
    if owner == NOBODY or owner >> PART_BITS != number:
        return False
    part = owner & ((1 << PART_BITS) - 1)
    if part not in SHOWN_BY[name]:
        return False
    head = figure.posed.head
    if name == "nose":
        return float(head[2, 2]) > -0.25
    if name.endswith("_eye"):
        return eye_turned_to_viewer(head, name.removesuffix("_eye"))
    if name.endswith("_ear"):
        sign = 1.0 if name.startswith("left") else -1.0
        return float(head[2, 0]) * sign > -0.4
    if name in _TRUNK_JOINTS and part in _TRUNK_PARTS:
        # On the trunk's far side the trunk itself hides the joint.
        middle = figure.points["waist" if name.endswith("_hip") else "shoulders"][2]
        return figure.points[name][2] > middle - 0.055 * figure.scale
    return True
