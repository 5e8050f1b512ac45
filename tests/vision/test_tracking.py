"""Points followed through frames whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.annotation import Shape
from studio.vision.following import FollowedPerson
from studio.vision.tracking import Tracker, TrackSettings, track


def _texture(size: tuple[int, int] = (360, 300), seed: int = 1, soft_by: float = 3.0) -> np.ndarray:
    import cv2

    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), soft_by).astype(np.float64)
    low, high = soft.min(), soft.max()
    return ((soft - low) / (high - low) * 255).astype(np.uint8)


def _moved(picture: np.ndarray, dx: float, dy: float, scale: float = 1.0) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    # In the studio's coordinates, whose origin is the pixel's corner.
    matrix = np.array([[scale, 0, dx + (scale - 1) / 2], [0, scale, dy + (scale - 1) / 2]])
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


POINTS = np.array([[100.0, 90.0], [180.5, 140.25], [220.0, 200.0], [120.0, 210.0]])


def test_a_shifted_picture_takes_the_points_along() -> None:
    first = _texture()
    frames = [_moved(first, 3.3 * n, -1.7 * n) for n in range(6)]
    found = list(track(frames, POINTS))
    assert len(found) == 5
    for n, step in enumerate(found, 1):
        assert step.points == pytest.approx(POINTS + np.array([3.3 * n, -1.7 * n]), abs=0.25)
        assert (step.confidence > 0.5).all()


def test_forward_and_back_again_ends_where_it_began() -> None:
    first = _texture()
    frames = [_moved(first, 4.0 * n, 2.0 * n) for n in range(5)]
    there = list(track(frames, POINTS))[-1].points
    back = list(track(frames[::-1], there))[-1].points
    assert back == pytest.approx(POINTS, abs=0.3)


def test_a_covered_point_is_lost_and_stays_so() -> None:
    first = _texture()
    second = _moved(first, 2, 0)
    second[60:120, 72:132] = 128
    third = _moved(first, 4, 0)
    one, two = track([first, second, third], POINTS)
    assert one.kept.tolist() == [False, True, True, True]
    assert np.isnan(one.points[0]).all()
    assert two.kept.tolist() == [False, True, True, True]


def test_a_cut_another_size_and_too_few_points_stop_it() -> None:
    first = _texture()
    tracker = Tracker(first, POINTS)
    assert tracker.next(255 - first) is None
    assert tracker.stopped in ("cut", "lost")
    tracker = Tracker(first, POINTS)
    assert tracker.next(first[:100]) is None
    assert tracker.stopped == "size"
    tracker = Tracker(first, POINTS, TrackSettings(cut=255))
    assert tracker.next(_texture(seed=9)) is None
    assert tracker.stopped == "lost"
    dark = np.zeros_like(first)
    tracker = Tracker(np.full_like(first, 250), POINTS)
    assert tracker.next(dark) is None
    assert tracker.stopped == "cut"


def _person(box: bool = True, joints: bool = True) -> tuple[Shape, ...]:
    shapes = []
    if box:
        shapes.append(Shape("person", "rectangle", ((80.0, 70.0), (240.0, 230.0)), 4))
    if joints:
        shapes += [Shape(f"j{n}", "point", (tuple(p),), 4) for n, p in enumerate(POINTS)]
        shapes.append(Shape("hip", "point", ((150.0, 150.0),), 4, flags={"occluded": True}))
    return tuple(shapes)


@pytest.mark.parametrize("joints", [True, False])
def test_the_box_goes_along_with_the_person(joints: bool) -> None:
    first = _texture()
    person = FollowedPerson(first, _person(joints=joints))
    step = person.next(_moved(first, 5, 3))
    assert step is not None
    box = step.shapes[0]
    assert np.asarray(box.points) == pytest.approx(np.array([[85, 73], [245, 233]]), abs=0.6)
    if joints:
        assert step.kept == 4
        assert step.shapes[1].extra["score"] > 0.5
        hidden = step.shapes[-1]
        assert hidden.occluded
        assert hidden.points[0] == pytest.approx((155, 153), abs=0.6)
        assert hidden.extra["score"] <= 0.5


def test_a_person_that_comes_nearer_grows() -> None:
    first = _texture()
    person = FollowedPerson(first, _person())
    step = person.next(_moved(first, 0, 0, 1.04))
    assert step is not None
    (x1, y1), (x2, y2) = step.shapes[0].points
    assert (x2 - x1, y2 - y1) == pytest.approx((160 * 1.04, 160 * 1.04), abs=1.5)
    assert (x1, y1) == pytest.approx((80 * 1.04, 70 * 1.04), abs=1.5)


def test_joints_that_fly_apart_are_no_person_any_more() -> None:
    """Each joint's surroundings are found again, but together they have grown by more than half."""
    patches = [_texture((40, 40), seed, 8) for seed in range(4)]
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])

    def frame(away: float) -> np.ndarray:
        picture = np.full((300, 360, 3), 120, np.uint8)
        for patch, corner in zip(patches, corners, strict=True):
            x, y = np.round([180, 150] + corner * away).astype(int)
            picture[y - 20 : y + 20, x - 20 : x + 20] = patch
        return picture

    def spots(away: float) -> np.ndarray:
        return np.array([180.0, 150.0]) + corners * away

    shapes = [Shape(f"j{n}", "point", ((x, y),), 1) for n, (x, y) in enumerate(spots(32))]
    person = FollowedPerson(frame(32), shapes)
    step = person.next(frame(33))
    assert step is not None
    found = np.array([s.points[0] for s in step.shapes])
    assert found == pytest.approx(spots(33), abs=0.5)
    # One of the points it stands on is believed each time; all of them together are not.
    assert person.next(frame(50)) is None
    assert person.stopped == "drift"


def test_nothing_to_follow() -> None:
    person = FollowedPerson(
        _texture(), (Shape("hip", "point", ((1.0, 1.0),), 4, flags={"occluded": True}),)
    )
    assert person.stopped == "lost"
    assert person.next(_texture()) is None
