"""Drawn people: what the labels say is what the pixels show."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.transform import Rotation

from studio.core.annotation import HIDDEN, VISIBLE, Instance
from studio.vision.synthetic import SyntheticPicture, make_picture
from studio.vision.synthetic.body import Arm, Build, Pose, pose_figure
from studio.vision.synthetic.canvas import Light
from studio.vision.synthetic.figure import Look
from studio.vision.synthetic.outlines import outline_polygons
from studio.vision.synthetic.poses import sample_pose, stand
from studio.vision.synthetic.scene import Actor, coco17, paint_scene

SIDE = 240
JOINT = coco17().index


def scene(*actors: Actor, mirrored: bool = False) -> SyntheticPicture:
    ground = np.full((SIDE, SIDE, 3), 128, np.uint8)
    light = Light(0.4 if mirrored else -0.4, -0.6, 0.7)
    return paint_scene(np.random.default_rng(0), ground, light, actors, keep_all=True)


def actor(pose: Pose, x: float = 120, *, seed: int = 0, scale: float = 190, who: int = 1) -> Actor:
    look = replace(
        Look.sample(np.random.default_rng(seed)), build=Build(), glasses=False, hair="short"
    )
    return Actor(look, pose, (x, 125), scale, near=who, track_id=who, distance=1e6)


def visibility(person: Instance, *names: str) -> list[int]:
    return [int(person.keypoints[JOINT[n], 2]) for n in names]


@pytest.fixture(scope="module")
def pictures() -> list[SyntheticPicture]:
    return [make_picture(seed, SIDE) for seed in range(30)]


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    here = make_picture(7, (200, 160))
    assert here.image.shape == (160, 200, 3)
    assert here.image.dtype == np.uint8
    code = (
        "import hashlib; from studio.vision.synthetic import make_picture;"
        "p = make_picture(7, (200, 160)); print(hashlib.sha256(p.image.tobytes()"
        " + b''.join(i.keypoints.tobytes() for i in p.people)).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
    labels = b"".join(i.keypoints.tobytes() for i in here.people)
    assert told == hashlib.sha256(here.image.tobytes() + labels).hexdigest()
    assert not np.array_equal(here.image, make_picture(8, (200, 160)).image)


def test_pictures_vary_in_people_sizes_and_visibility(pictures: list[SyntheticPicture]) -> None:
    people = [p for picture in pictures for p in picture.people]
    heights = [p.box[3] for p in people if p.box is not None]
    seen = np.concatenate([p.keypoints[:, 2] for p in people])
    assert {len(p.people) for p in pictures} >= {1, 2, 3}
    assert max(heights) > 3 * min(heights)
    assert all((seen == v).mean() > 0.05 for v in (0, HIDDEN, VISIBLE))


def test_visible_joints_lie_on_their_person(pictures: list[SyntheticPicture]) -> None:
    seen = 0
    for picture in pictures:
        for person, mask in zip(picture.people, picture.masks, strict=True):
            for x, y, v in person.keypoints:
                if v == VISIBLE:
                    assert mask[int(y), int(x)]
                    seen += 1
    assert seen > 20 * len(pictures), "hardly a joint was looked at"


def test_joints_outside_the_picture_are_absent(pictures: list[SyntheticPicture]) -> None:
    for picture in pictures:
        for person in picture.people:
            points = person.keypoints
            assert np.all(points[points[:, 2] == 0] == 0)
            inside = points[points[:, 2] > 0, :2]
            assert np.all((inside >= 0) & (inside < SIDE))


def test_boxes_and_areas_are_those_of_the_visible_pixels(pictures: list[SyntheticPicture]) -> None:
    for picture in pictures:
        taken = np.zeros((SIDE, SIDE), int)
        for person, mask in zip(picture.people, picture.masks, strict=True):
            taken += mask
            rows, columns = np.nonzero(mask)
            assert person.area == mask.sum()
            assert person.box is not None
            assert person.box.tolist() == [
                columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
            ]  # fmt: skip
        assert taken.max() <= 1


def filled(polygons: tuple[npt.NDArray[np.float64], ...]) -> npt.NDArray[np.bool_]:
    """(SIDE, SIDE) bool: the pixels whose middle is inside, by the even-odd rule."""
    middles = np.arange(SIDE) + 0.5
    total = np.zeros((SIDE, SIDE), bool)
    for polygon in polygons:
        inside = np.zeros((SIDE, SIDE), bool)
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            rows = (y0 <= middles) != (y1 <= middles)
            if rows.any():
                crossing = x0 + (middles[rows] - y0) * (x1 - x0) / (y1 - y0)
                inside[rows] ^= middles > crossing[:, None]
        total |= inside
    return total


def test_outlines_are_the_masks(pictures: list[SyntheticPicture]) -> None:
    for picture in pictures:
        for person, mask in zip(picture.people, picture.masks, strict=True):
            drawn = filled(person.polygons)
            overlap = (drawn & mask).sum() / (drawn | mask).sum()
            assert overlap > 0.98


def test_an_outline_follows_the_pixels_edges_and_keeps_holes() -> None:
    mask = np.zeros((20, 30), bool)
    mask[4:14, 5:25] = True
    mask[7:10, 9:20] = False
    (polygon,) = outline_polygons(mask, (100, 50))
    assert polygon.min(axis=0).tolist() == [105, 54]
    assert polygon.max(axis=0).tolist() == [125, 64]
    x, y = polygon.T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    # Corners of a hole may be cut.
    assert area == pytest.approx(mask.sum(), abs=2)


def test_a_mirrored_scene_has_mirrored_labels() -> None:
    rng = np.random.default_rng(5)
    for seed in range(8):
        one = actor(sample_pose(rng), 100, seed=seed)
        one = replace(one, look=replace(one.look, front="zip"))
        other = replace(one, pose=one.pose.mirrored(), at=(SIDE - 100, 125))
        (left,), (right,) = scene(one).people, scene(other, mirrored=True).people
        swapped = right.keypoints[list(coco17().flip_idx)]
        both = (left.keypoints[:, 2] > 0) & (swapped[:, 2] > 0)
        assert both.sum() >= 10
        assert np.allclose(left.keypoints[both, 0], SIDE - swapped[both, 0], atol=1e-6)
        assert np.allclose(left.keypoints[both, 1], swapped[both, 1], atol=1e-6)
        assert (left.keypoints[both, 2] == swapped[both, 2]).mean() > 0.9
        turn = np.diag([-1, 1, 1])
        assert left.head_rotation is not None
        assert np.allclose(turn @ left.head_rotation @ turn, right.head_rotation)


def test_whoever_stands_in_front_hides_exactly_the_joints_that_it_covers() -> None:
    changed = 0
    rng = np.random.default_rng(3)
    for seed in range(12):
        far = actor(sample_pose(rng), 110, seed=seed, who=1)
        near = actor(sample_pose(rng), 130 + 4 * seed, seed=seed + 50, who=2)
        (alone,) = scene(far).people
        both = scene(far, near)
        covered, mask = both.people[0], both.masks[1]
        for before, after in zip(alone.keypoints, covered.keypoints, strict=True):
            assert before[0] == after[0]
            if before[2] == VISIBLE:
                behind = mask[int(before[1]), int(before[0])]
                assert after[2] == (HIDDEN if behind else VISIBLE)
                changed += bool(behind)
    assert changed > 10


def test_faces_arms_and_sides_are_seen_from_where_they_show() -> None:
    rng = np.random.default_rng(1)
    calm = replace(stand(rng), left_arm=Arm(), right_arm=Arm(), lean=0, side=0)
    (front,) = scene(actor(calm)).people
    (back,) = scene(actor(replace(calm, facing=180))).people
    (rightwards,) = scene(actor(replace(calm, facing=90))).people
    assert visibility(front, "nose", "left_eye", "right_eye") == [2, 2, 2]
    assert visibility(back, "nose", "left_eye", "right_eye") == [1, 1, 1]
    # Who walks to the picture's right shows the viewer the right side.
    assert visibility(rightwards, "right_ear", "right_shoulder", "right_elbow") == [2, 2, 2]
    assert visibility(rightwards, "left_eye", "left_ear", "left_shoulder") == [1, 1, 1]
    left, right = (front.keypoints[JOINT[f"{s}_shoulder"], 0] for s in ("left", "right"))
    assert left > right
    left, right = (back.keypoints[JOINT[f"{s}_shoulder"], 0] for s in ("left", "right"))
    assert left < right


def test_a_moved_arm_moves_the_pixels_at_its_joints_alone() -> None:
    calm = replace(stand(np.random.default_rng(1)), left_arm=Arm(), right_arm=Arm())
    low = scene(actor(calm))
    high = scene(actor(replace(calm, left_arm=Arm(spread=150))))
    moved = np.abs(low.image.astype(int) - high.image).max(axis=2) > 30
    before, after = low.people[0].keypoints, high.people[0].keypoints
    same = [i for i, n in enumerate(coco17().keypoints) if n not in ("left_elbow", "left_wrist")]
    assert np.allclose(before[same[:5]], after[same[:5]])
    for name in ("left_elbow", "left_wrist"):
        x, y, v = after[JOINT[name]]
        assert v == VISIBLE
        assert moved[int(y), int(x)]
    for name in ("right_wrist", "right_knee", "left_ankle", "nose"):
        x, y, _ = after[JOINT[name]]
        assert not moved[int(y), int(x)]


@pytest.mark.parametrize(
    ("pose", "angles"),
    [
        (Pose(facing=35), (0, -35, 0)),
        (Pose(head_pitch=20), (20, 0, 0)),
        (Pose(head_roll=15), (0, 0, 15)),
        (Pose(facing=-60, head_yaw=10), (0, 50, 0)),
    ],
)
def test_head_angles_follow_the_convention(pose: Pose, angles: tuple[float, ...]) -> None:
    """R = Rz(roll) Ry(yaw) Rx(pitch), scipy's extrinsic xyz; yaw grows to the picture's left,
    pitch upwards, roll clockwise."""
    rotation = pose_figure(Build(), pose).head_rotation
    assert np.linalg.det(rotation) == pytest.approx(1)
    told = Rotation.from_matrix(rotation).as_euler("xyz", degrees=True)
    assert told == pytest.approx(angles, abs=1e-6)


def test_head_rotations_are_those_of_the_drawn_faces() -> None:
    rng = np.random.default_rng(11)
    for seed in range(20):
        (person,) = scene(actor(sample_pose(rng), seed=seed)).people
        points = person.keypoints
        face = [JOINT[n] for n in ("left_eye", "right_eye", "left_ear", "right_ear", "nose")]
        if not points[face, 2].all() or person.head_rotation is None:
            continue
        axes = np.diag([1, -1]) @ person.head_rotation.T[:2] @ np.diag([1, -1, 1])
        size = Build().head * 190
        left_eye, right_eye, left_ear, right_ear, nose = points[face, :2]
        assert left_ear - right_ear == pytest.approx(axes @ (1.98 * size, 0, 0), abs=1e-3)
        assert left_eye - right_eye == pytest.approx(axes @ (0.74 * size, 0, 0), abs=1e-3)
        forward = nose - (left_ear + right_ear) / 2
        assert forward == pytest.approx(axes @ (0, 0.24 * size, 1.22 * size), abs=1e-3)


def test_visible_eyes_are_drawn_where_the_labels_say() -> None:
    for facing in (-40, 0, 30):
        one = actor(Pose(facing=facing), scale=600)
        one = replace(one, at=(120, 420), look=replace(one.look, skin=(150.0, 180.0, 220.0)))
        picture = scene(one)
        for name in ("left_eye", "right_eye"):
            x, y, v = picture.people[0].keypoints[JOINT[name]]
            assert v == VISIBLE
            assert picture.image[int(y), int(x)].max() < 70
            assert picture.image[int(y) + 14, int(x)].max() > 90
