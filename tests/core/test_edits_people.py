"""People on a picture: what each maker of edits leaves behind."""

from __future__ import annotations

import pytest

from studio.core import people, shape_edits
from studio.core.annotation import AnnotatedImage, Shape, instances_of
from studio.core.skeleton import Skeleton

SKELETON = Skeleton(
    name="five",
    keypoints=("nose", "left_eye", "right_eye", "left_hand", "right_hand"),
    flip_pairs=((1, 2), (3, 4)),
)
EMPTY = AnnotatedImage("a.jpg", 640, 480)


def person(*joints: int, group: int = 1, start: AnnotatedImage = EMPTY) -> AnnotatedImage:
    image = start
    for joint in joints:
        point = (10.0 * joint + 5, 20.0 * joint + 5)
        image = people.set_joint(image, SKELETON, group, joint, point).apply(image)
    return image


def labels(image: AnnotatedImage) -> list[str]:
    return [s.label for s in image.shapes]


def test_joints_stand_in_the_skeletons_order_however_they_were_clicked() -> None:
    image = person(3, 0, 4, 1)
    assert labels(image) == ["nose", "left_eye", "left_hand", "right_hand"]
    image = person(2, start=person(0, 4, group=7, start=image))
    assert labels(image)[:5] == ["nose", "left_eye", "right_eye", "left_hand", "right_hand"]
    assert image.next_group_id() == 8


def test_a_joint_set_again_moves_and_keeps_its_other_keys() -> None:
    image = AnnotatedImage(
        "a.jpg", 9, 9, (Shape("nose", "point", ((1, 1),), 1, extra={"difficult": True}),)
    )
    image = people.set_joint(image, SKELETON, 1, 0, (4, 5)).apply(image)
    assert image.shapes[0].points == ((4, 5),)
    assert image.shapes[0].extra == {"difficult": False}


def test_the_next_joint_skips_what_is_set_or_absent() -> None:
    image = person(0, 2)
    assert people.next_joint(image, SKELETON, 1) == 1
    assert people.next_joint(image, SKELETON, 1, after=1) == 3
    image = people.set_absent(image, SKELETON, 1, [1]).apply(image)
    assert people.next_joint(image, SKELETON, 1) == 3
    assert people.next_joint(image, SKELETON, 1, after=4) == 3
    assert people.next_joint(image, SKELETON, None) == 0
    assert people.next_joint(person(0, 1, 2, 3, 4), SKELETON, 1) is None


def test_absent_stands_on_the_outline_else_on_a_joint_and_is_never_lost() -> None:
    image = people.set_absent(person(0, 1), SKELETON, 1, [4, 2]).apply(person(0, 1))
    assert image.shapes[0].extra == {"absent": ["right_eye", "right_hand"]}
    (found,) = instances_of(image, SKELETON)
    assert found.absent == {"right_eye", "right_hand"}
    image = people.delete_shapes(image, [0]).apply(image)
    assert people.absent_of(image, 1) == {"right_eye", "right_hand"}
    image = people.fit_box(image, SKELETON, 1).apply(image)
    assert image.shapes[0].shape_type == "rectangle"
    assert image.shapes[0].extra == {"absent": ["right_eye", "right_hand"]}
    assert "absent" not in image.shapes[1].extra
    image = people.set_joint(image, SKELETON, 1, 4, (3, 3)).apply(image)
    assert people.absent_of(image, 1) == {"right_eye"}


def test_marking_a_set_joint_absent_takes_its_point() -> None:
    image = people.set_absent(person(0, 1), SKELETON, 1, [0]).apply(person(0, 1))
    assert labels(image) == ["left_eye"]
    assert people.visibility(image, SKELETON, 1, 0) == 0
    assert people.visibility(image, SKELETON, 1, 1) == 2
    assert people.visibility(image, SKELETON, 1, 3) is None
    image = people.set_absent(image, SKELETON, 1, [0], absent=False).apply(image)
    assert people.visibility(image, SKELETON, 1, 0) is None


def test_hidden_touches_points_only() -> None:
    image = people.fit_box(person(0, 1), SKELETON, 1).apply(person(0, 1))
    image = shape_edits.set_hidden(image, range(len(image.shapes)), True).apply(image)
    assert [s.occluded for s in image.shapes] == [False, True, True]


def test_paste_keeps_a_free_id_and_renews_a_taken_one() -> None:
    source = person(0, 1, group=4)
    there = people.paste(EMPTY, source.shapes).apply(EMPTY)
    assert there.group_ids() == (4,)
    again = people.paste(there, source.shapes, (5, 5)).apply(there)
    assert again.group_ids() == (4, 5)
    both = people.duplicate(again, range(4)).apply(again)
    assert both.group_ids() == (4, 5, 6, 7)
    assert both.shapes[4].points[0] == (15.0, 15.0)


def test_mirror_swaps_names_and_absent_but_no_place() -> None:
    image = people.set_absent(person(0, 1, 3), SKELETON, 1, [2]).apply(person(0, 1, 3))
    mirrored = people.mirror_names(image, SKELETON, 1).apply(image)
    assert labels(mirrored) == ["nose", "right_eye", "right_hand"]
    assert [s.points for s in mirrored.shapes] == [s.points for s in image.shapes]
    assert people.absent_of(mirrored, 1) == {"left_eye"}
    assert people.mirror_names(mirrored, SKELETON, 1).apply(mirrored) == image


def test_the_box_is_fitted_on_demand_and_stays_when_joints_move() -> None:
    image = person(0, 4)
    image = people.fit_box(image, SKELETON, 1, 0.1).apply(image)
    assert image.shapes[0].points == ((0.0, 0.0), (53.0, 93.0))
    nose = people.joints_of(image, SKELETON, 1)[0]
    moved = shape_edits.move_shapes(image, [nose], (100, 100)).apply(image)
    assert moved.shapes[0] == image.shapes[0]
    fitted = people.fit_box(moved, SKELETON, 1).apply(moved)
    assert fitted.shapes[0].points == ((45.0, 85.0), (105.0, 105.0))
    assert people.fit_box(EMPTY, SKELETON, 1).is_empty


def test_the_template_fills_the_box() -> None:
    image = people.template_person(EMPTY, SKELETON, (300, 200, 100, 100)).apply(EMPTY)
    (found,) = instances_of(image, SKELETON)
    assert found.labelled == 5
    assert found.box is not None
    assert found.box.tolist() == [100, 100, 200, 100]
    xs, ys = found.keypoints[:, 0], found.keypoints[:, 1]
    assert xs.min() >= 100
    assert xs.max() <= 300
    assert ys.min() >= 100
    assert ys.max() <= 200


def test_corners_come_and_go() -> None:
    square = Shape("person", "polygon", ((0, 0), (10, 0), (10, 10), (0, 10)))
    image = AnnotatedImage("a.jpg", 640, 480, (square,))
    image = shape_edits.insert_vertex(image, 0, 3, (0, 5)).apply(image)
    assert image.shapes[0].points[-1] == (0, 5)
    for _ in range(2):
        image = shape_edits.remove_vertex(image, 0, 0).apply(image)
    assert len(image.shapes[0].points) == 3
    assert shape_edits.remove_vertex(image, 0, 0).apply(image).shapes == ()


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (0, ((5, 6), (30, 20))),
        (1, ((10, 6), (5, 20))),
        (2, ((10, 10), (5, 6))),
        (3, ((5, 10), (30, 6))),
    ],
)
def test_a_rectangle_is_dragged_by_any_corner(handle: int, expected: tuple) -> None:
    image = AnnotatedImage("a.jpg", 64, 48, (Shape("a", "rectangle", ((10, 10), (30, 20))),))
    moved = shape_edits.move_handle(image, 0, handle, (5, 6)).apply(image)
    assert moved.shapes[0].points == expected


def test_turning_keeps_a_rectangle_upright() -> None:
    image = AnnotatedImage(
        "a.jpg",
        64,
        48,
        (Shape("a", "rectangle", ((0, 0), (20, 10))), Shape("nose", "point", ((20.0, 5.0),))),
    )
    turned = shape_edits.turn_shapes(image, [0, 1], (10, 5), 90, 2).apply(image)
    assert turned.shapes[0].points == ((-10, -5), (30, 15))
    assert turned.shapes[1].points[0] == pytest.approx((10, 25))


def test_reviewed_comes_and_goes_without_a_trace() -> None:
    on = shape_edits.set_image_flag(EMPTY, "reviewed", True).apply(EMPTY)
    assert on.reviewed
    assert shape_edits.set_image_flag(on, "reviewed", False).apply(on).flags == {}
    assert shape_edits.set_image_flag(on, "reviewed", True).is_empty


def test_a_persons_shapes_tell_the_skeleton() -> None:
    body = Skeleton("body", ("head", "hip", "foot"))
    full = Skeleton("full", ("head", "neck", "hip", "foot"))
    hand = Skeleton("hand", ("wrist", "thumb"), category="hand")
    known = (body, full, hand)

    def person(outline: str, *joints: str) -> list[Shape]:
        outlines = [Shape(outline, "polygon", ((0, 0), (1, 0), (1, 1)))] if outline else []
        return outlines + [Shape(j, "point", ((0, 0),)) for j in joints]

    assert people.fitting_skeleton(person("person", "head", "foot"), known) is body
    assert people.fitting_skeleton(person("", "head", "neck"), known) is full
    assert people.fitting_skeleton(person("hand"), known) is hand
    # What the outline says counts before the joints.
    assert people.fitting_skeleton(person("person", "wrist", "thumb"), known) is body
    assert people.fitting_skeleton(person("", "wrist"), known) is hand
    assert people.fitting_skeleton(person("dog", "nose"), known) is body
