"""Cubes and axes on heads: held against a rendered head, a drawn one and photographs."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from studio.core.head import Angles, angles_of, rotation_of
from studio.core.prediction import HeadPose, Prediction
from studio.core.skeleton import Skeleton
from studio.io.skeletons import load_skeleton
from studio.vision.drawing import DrawStyle, draw_people
from studio.vision.head_drawing import (
    COLORS,
    Line,
    axis_lines,
    cube_lines,
    cube_sides,
    draw_axes,
    draw_cube,
    head_place,
)
from studio.vision.synthetic.head import make_head
from tests.io.data import shared
from tests.vision.rendered_head import Marks, marks_of, published

SIZE, LENGTH = 640, 280.0
MIDDLE = (SIZE / 2, SIZE / 2)
ANY = Rotation.random(200, np.random.default_rng(6)).as_matrix()
# The mark of the rendered head that each of the drawn directions leads to.
MARK_OF = {"left": "left ear", "down": "chin", "forward": "nose"}
# A degree, as far as it is seen from the side.
DEGREE = np.sin(np.radians(1.0))


@cache
def rendered() -> list[Marks]:
    """The marks of the heads of all those rotations."""
    return [marks_of(rotation) for rotation in ANY]


def ends(lines: tuple[Line, ...]) -> dict[str, np.ndarray]:
    """Where each axis ends, in parts of its length from the middle."""
    return {line.kind: (np.array(line.end) - MIDDLE) / LENGTH for line in lines}


def tip_in(picture: np.ndarray, kind: str) -> np.ndarray:
    """The farthest pixel of a colour, or half of it at an edge, from the middle; in parts of the
    length.
    """
    color = np.array(COLORS[kind], np.float64)
    rows, columns = np.nonzero(picture.any(axis=-1))
    drawn = picture[rows, columns]
    strength = np.linalg.norm(drawn, axis=-1)
    alike = drawn @ color > 0.98 * strength * np.linalg.norm(color)
    alike &= strength > 0.5 * np.linalg.norm(color)
    rows, columns = rows[alike], columns[alike]
    spots = (np.stack([columns + 0.5, rows + 0.5], axis=1) - MIDDLE) / LENGTH
    return spots[np.linalg.norm(spots, axis=1).argmax()]


@pytest.mark.parametrize("angles", [(30, 0, 0), (0, 25, 0), (0, 0, 20), (-50, 12, -33)])
def test_the_studios_rotation_is_the_published_one(angles: tuple[float, float, float]) -> None:
    assert rotation_of(Angles(*angles)) == pytest.approx(published(*angles))
    assert angles_of(published(*angles)) == pytest.approx(angles)


def test_axes_end_where_the_rendered_head_has_its_marks() -> None:
    """200 rotations of every kind, backs of heads too, to a degree."""
    for rotation, marks in zip(ANY, rendered(), strict=True):
        for kind, end in ends(axis_lines(rotation, MIDDLE, LENGTH)).items():
            assert np.linalg.norm(end - marks.places[MARK_OF[kind]]) < DEGREE, (kind, rotation)
        right = marks.places["right ear"]
        assert np.linalg.norm(ends(axis_lines(rotation, MIDDLE, LENGTH))["left"] + right) < DEGREE


def test_the_pixels_of_drawn_axes_are_on_the_rendered_marks() -> None:
    checked = 0
    for rotation, marks in zip(ANY, rendered(), strict=True):
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        draw_axes(picture, rotation, MIDDLE, LENGTH, thin=True)
        for kind, mark in MARK_OF.items():
            place = marks.places[mark]
            others = [marks.places[m] for k, m in MARK_OF.items() if k != kind]
            if np.linalg.norm(place) < 0.1 or any(beside(place, o) for o in others):
                continue
            assert np.linalg.norm(tip_in(picture, kind) - place) < DEGREE, (kind, rotation)
            checked += 1
    assert checked > 400


def beside(place: np.ndarray, other: np.ndarray) -> bool:
    """Whether an axis that ends at `other` may run over the tip at `place`."""
    along = np.clip(place @ other / max(other @ other, 1e-9), 0, 1)
    return bool(np.linalg.norm(place - along * other) < 0.05)


def test_the_axis_that_points_to_the_viewer_is_drawn_last() -> None:
    for rotation, marks in zip(ANY, rendered(), strict=True):
        order = [line.kind for line in axis_lines(rotation, MIDDLE, LENGTH)]
        towards = [MARK_OF[kind] in marks.seen for kind in order]
        # What is seen comes after what is hidden.
        assert towards == sorted(towards)


def test_the_cubes_face_is_where_the_nose_is() -> None:
    for rotation, marks in zip(ANY, rendered(), strict=True):
        lines = cube_lines(rotation, MIDDLE, LENGTH)
        assert len(lines) == 12
        front = [line for line in lines if line.kind == "front"]
        assert len(front) == 4
        middle = np.mean([line.start + line.end for line in front], axis=0).reshape(2, 2).mean(0)
        half = (middle - MIDDLE) / (LENGTH / 2)
        assert np.linalg.norm(half - marks.places["nose"]) < DEGREE
        # The other edges run along the direction that their colour stands for.
        for line in lines:
            if line.kind != "front":
                run = (np.array(line.end) - line.start) / LENGTH
                place = marks.places[MARK_OF[line.kind]]
                assert min(np.linalg.norm(run - place), np.linalg.norm(run + place)) < DEGREE


def crossing(first: Line, second: Line) -> tuple[np.ndarray, float, float] | None:
    """Where two strokes cross, and how far along each, if they do well inside of both."""
    a, b = np.array(first.start), np.array(second.start)
    along, other = np.array(first.end) - a, np.array(second.end) - b
    matrix = np.stack([along, -other], axis=1)
    sine = abs(np.linalg.det(matrix)) / (np.linalg.norm(along) * np.linalg.norm(other) + 1e-9)
    if sine < 0.35:
        return None
    s, t = np.linalg.solve(matrix, b - a)
    inside = 0.2 < s < 0.8 and 0.2 < t < 0.8
    return (a + s * along, s, t) if inside else None


def depth_of(rotation: np.ndarray, line: Line) -> tuple[float, float]:
    """How near the viewer a stroke's two ends are, found anew from where they are seen: they are
    corners of the cube, and each is seen at another place.
    """
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    # The head model's axes: right, up, to the viewer.
    there = corners @ rotation
    seen = np.stack([there[:, 0], -there[:, 1]], axis=1)
    depths = []
    for spot in (line.start, line.end):
        place = (np.array(spot) - MIDDLE) / LENGTH
        depths.append(float(there[np.linalg.norm(seen - place, axis=1).argmin(), 2]))
    return depths[0], depths[1]


def test_where_two_edges_of_the_cube_cross_the_nearer_one_is_seen() -> None:
    crossings = 0
    for rotation in ANY:
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        draw_cube(picture, rotation, MIDDLE, LENGTH)
        for first, second in combinations(cube_lines(rotation, MIDDLE, LENGTH), 2):
            found = crossing(first, second)
            if found is None or first.kind == second.kind:
                continue
            spot, s, t = found
            (a, b), (c, d) = depth_of(rotation, first), depth_of(rotation, second)
            nearer = first if a + s * (b - a) > c + t * (d - c) else second
            x, y = (int(v) for v in spot)
            assert tuple(int(v) for v in picture[y, x]) == COLORS[nearer.kind], rotation
            crossings += 1
    assert crossings > 100


def test_sides_turned_to_the_viewer_are_those_with_a_mark_that_is_seen() -> None:
    for rotation, marks in zip(ANY, rendered(), strict=True):
        middles = [
            (side.mean(axis=0) - MIDDLE) / (LENGTH / 2)
            for side in cube_sides(rotation, MIDDLE, LENGTH)
        ]
        assert len(middles) == 3
        for mark in marks.seen:
            place = marks.places[mark]
            if np.linalg.norm(place) < 0.99:
                assert min(np.linalg.norm(m - place) for m in middles) < DEGREE


@pytest.mark.parametrize(
    ("angles", "nose"),
    [
        (Angles(40, 0, 0), (-1, 0)),  # to the picture's left
        (Angles(-40, 0, 0), (1, 0)),
        (Angles(0, 30, 0), (0, -1)),  # up
        (Angles(0, -30, 0), (0, 1)),
    ],
)
def test_the_signs_of_yaw_and_pitch(angles: Angles, nose: tuple[int, int]) -> None:
    place = marks_of(published(*angles)).places["nose"]
    assert tuple(np.sign(np.round(place, 2))) == nose
    end = ends(axis_lines(rotation_of(angles), MIDDLE, LENGTH))["forward"]
    assert tuple(np.sign(np.round(end, 2))) == nose


def test_the_sign_of_roll() -> None:
    """The top tilts to the picture's right: a quarter of a turn as the clock goes."""
    top = marks_of(published(0, 0, 30)).places["top"]
    assert top[0] == pytest.approx(0.5, abs=0.01)
    down = ends(axis_lines(rotation_of(Angles(0, 0, 30)), MIDDLE, LENGTH))["down"]
    assert down == pytest.approx(-top, abs=0.01)


def test_the_heads_that_models_learn_from_say_the_same() -> None:
    """What stands in a drawn head's label, against where its nose, ears and mouth are drawn."""
    signs = np.zeros(3, int)
    for seed in range(200):
        head = make_head(seed, 96)
        angles = angles_of(head.rotation)
        assert rotation_of(angles) == pytest.approx(head.rotation)
        point = {name: np.array(spot) for name, spot in head.points.items()}
        ears = (point["left_ear"] + point["right_ear"]) / 2
        level = point["left_ear"] - point["right_ear"]
        lines = {
            line.kind: np.array(line.end) - line.start
            for line in axis_lines(head.rotation, (0.0, 0.0), 1.0)
        }
        nose = point["nose"] - ears
        if np.linalg.norm(lines["forward"]) > 0.5:
            assert nose @ lines["forward"] > 0.8 * np.linalg.norm(nose) * np.linalg.norm(
                lines["forward"]
            )
        if np.linalg.norm(lines["left"]) > 0.5:
            assert level @ lines["left"] > 0.8 * np.linalg.norm(level) * np.linalg.norm(
                lines["left"]
            )
        upright = abs(angles.roll) < 20
        if abs(angles.yaw) > 25 and upright:
            assert np.sign(nose[0]) == -np.sign(angles.yaw), seed
            signs[0] += 1
        if abs(angles.roll) > 15 and abs(angles.yaw) < 30 and abs(angles.pitch) < 20:
            assert np.sign(level[1]) == np.sign(angles.roll), seed
            signs[2] += 1
        if abs(angles.pitch) > 25 and upright:
            # The nose lies a little below the ears on a head that looks straight ahead.
            assert np.sign(nose[1]) == -np.sign(angles.pitch), seed
            signs[1] += 1
    assert (signs > 15).all()


def test_photographs_with_known_rotations_say_the_same() -> None:
    """AFLW2000's own landmarks: the tip of the nose before the outline of the face, and the eyes."""
    scipy_io = pytest.importorskip("scipy.io")
    paths = sorted(shared("headpose/AFLW2000").glob("*.mat"))
    checked = 0
    for path in paths:
        known = scipy_io.loadmat(path)
        pitch, yaw, roll = np.degrees(known["Pose_Para"][0][:3])
        points = np.asarray(known["pt3d_68"], np.float64)[:2].T
        lines = {
            line.kind: np.array(line.end) - line.start
            for line in axis_lines(published(yaw, pitch, roll), (0.0, 0.0), 1.0)
        }
        eyes = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
        assert eyes @ lines["left"] > 0.9 * np.linalg.norm(eyes) * np.linalg.norm(lines["left"])
        if abs(yaw) > 20:
            bridge = (points[36:42].mean(axis=0) + points[42:48].mean(axis=0)) / 2
            tip = points[30] - bridge
            assert np.sign(tip @ eyes) == np.sign(lines["forward"] @ eyes), path.name
            checked += 1
    assert len(paths) == 8
    assert checked >= 2


SKELETON: Skeleton = load_skeleton("coco17")


def person(head: HeadPose | None) -> Prediction:
    box = np.array([20, 20, 380, 380], np.float32)
    return Prediction(box, 0.9, np.zeros((17, 3), np.float32), head=head)


def test_people_are_drawn_with_their_heads() -> None:
    rotation = published(35, -10, 5)
    head = HeadPose(rotation, 35, -10, 5, np.array([100, 60, 300, 260], np.float32))
    frame = np.full((400, 400, 3), 128, np.uint8)
    assert head_place(person(head)) == ((200.0, 160.0), pytest.approx(120.0))
    nothing = DrawStyle(boxes=False, heads="none")
    plain = draw_people(frame, [person(head)], SKELETON, nothing)
    assert (plain == frame).all()
    for style, draw in (
        (DrawStyle(boxes=False), draw_cube),
        (DrawStyle(boxes=False, heads="axis", head_size=50), draw_axes),
    ):
        expected = frame.copy()
        draw(expected, rotation, (200.0, 160.0), float(style.head_size or 120))
        drawn = draw_people(frame, [person(head)], SKELETON, style)
        assert (drawn == expected).all()
        assert (drawn != frame).any()


def test_a_head_whose_place_is_not_known_is_not_drawn() -> None:
    frame = np.full((400, 400, 3), 128, np.uint8)
    unplaced = person(HeadPose(np.eye(3), 0, 0, 0))
    assert head_place(unplaced) is None
    assert head_place(person(None)) is None
    style = DrawStyle(boxes=False)
    assert (draw_people(frame, [unplaced], SKELETON, style) == frame).all()
