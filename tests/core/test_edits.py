"""Edits undo exactly, and refuse a picture that they were not made on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import edits, people, shape_edits
from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import DataError
from studio.core.skeleton import Skeleton

SKELETON = Skeleton(
    name="five",
    keypoints=("nose", "left_eye", "right_eye", "left_hand", "right_hand"),
    edges=((0, 1), (0, 2)),
    flip_pairs=((1, 2), (3, 4)),
)
NUMBER = st.floats(-50, 700, allow_nan=False).map(lambda v: round(v, 3))
POINT = st.tuples(NUMBER, NUMBER)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    kind = draw(st.sampled_from(["point", "polygon", "rectangle", "circle", "line"]))
    least, most = {"point": (1, 1), "polygon": (3, 6)}.get(kind, (2, 2))
    names = [*SKELETON.keypoints] if kind == "point" else ["person", "dog"]
    extra = draw(st.sampled_from([{}, {"absent": ["nose"]}, {"difficult": False}, {"score": 0.5}]))
    return Shape(
        draw(st.sampled_from(names)),
        kind,
        tuple(draw(st.lists(POINT, min_size=least, max_size=most))),
        draw(st.one_of(st.none(), st.integers(1, 4))),
        flags=draw(st.sampled_from([{}, {"occluded": True}, {"odd": 3}])),
        extra=extra,
    )


PICTURES = st.builds(
    AnnotatedImage,
    image_path=st.just("a.jpg"),
    width=st.just(640),
    height=st.just(480),
    shapes=st.lists(shapes(), max_size=8).map(tuple),
    flags=st.sampled_from([{}, {"reviewed": True}, {"night": False}]),
)


@st.composite
def edit_of(draw: st.DrawFn, image: AnnotatedImage) -> edits.Edit:
    """Any edit that a person can make on `image`."""
    count = len(image.shapes)
    some = draw(st.sets(st.integers(0, count - 1), min_size=1)) if count else set[int]()
    group = draw(st.integers(1, 5))
    joint = draw(st.integers(0, len(SKELETON) - 1))
    point = draw(POINT)
    choices = [
        lambda: shape_edits.add_shape(image, draw(shapes())),
        lambda: people.set_joint(image, SKELETON, group, joint, point, hidden=draw(st.booleans())),
        lambda: people.set_absent(image, SKELETON, group, [joint], draw(st.booleans())),
        lambda: people.delete_person(image, group),
        lambda: people.mirror_names(image, SKELETON, group),
        lambda: people.fit_box(image, SKELETON, group, 0.1),
        lambda: people.template_person(image, SKELETON, (*point, 300.0, 200.0)),
        lambda: people.paste(image, [draw(shapes())], point),
        lambda: people.duplicate(image, some),
        lambda: people.delete_shapes(image, some),
        lambda: shape_edits.set_hidden(image, some, draw(st.booleans())),
        lambda: shape_edits.move_shapes(image, some, point),
        lambda: shape_edits.turn_shapes(image, some, point, 30.0, 1.5),
        lambda: shape_edits.set_label(image, some, "dog"),
        lambda: shape_edits.set_group(image, some, group),
        lambda: shape_edits.set_image_flag(image, "reviewed", draw(st.booleans())),
        lambda: edits.ReorderShapes(tuple(draw(st.permutations(range(count))))),
        lambda: edits.ReplaceContent(image, replace(image, shapes=image.shapes[::2])),
    ]
    return draw(st.sampled_from(choices))()


@given(PICTURES, st.data())
def test_undo_all_is_the_start_and_redo_all_the_end(
    start: AnnotatedImage, data: st.DataObject
) -> None:
    image, history = start, []
    for _ in range(data.draw(st.integers(1, 8))):
        edit = data.draw(edit_of(image))
        after = edit.apply(image)
        assert edit.revert(after) == image
        assert edit.inverse().inverse() == edit
        history.append(edit)
        image = after
    end = image
    for edit in reversed(history):
        image = edit.revert(image)
    assert image == start
    for edit in history:
        image = edit.apply(image)
    assert image == end
    whole = edits.compound(history, title="all")
    assert whole.apply(start) == end
    assert whole.revert(end) == start


@given(PICTURES, st.data())
def test_follow_finds_the_shape_again(start: AnnotatedImage, data: st.DataObject) -> None:
    edit = data.draw(edit_of(start))
    after = edit.apply(start)
    changed = set(edit.changed())
    for index, shape in enumerate(start.shapes):
        place = edit.follow(index)
        if place is not None and place not in changed:
            assert after.shapes[place] == shape
    assert all(0 <= i < len(after.shapes) for i in changed)


def test_an_edit_refuses_other_annotations() -> None:
    image = AnnotatedImage("a.jpg", shapes=(Shape("nose", "point", ((1.0, 2.0),)),))
    other = replace(image, shapes=(Shape("nose", "point", ((9.0, 2.0),)),))
    for edit in (
        shape_edits.move_shapes(image, [0], (1, 1)),
        people.delete_shapes(image, [0]),
        shape_edits.set_label(image, [0], "x"),
        edits.ReplaceContent(image, image),
        edits.ReorderShapes((1, 0)),
    ):
        with pytest.raises(DataError, match="other annotations"):
            edit.apply(other)


def test_a_drag_is_one_edit() -> None:
    image = AnnotatedImage("a.jpg", shapes=(Shape("nose", "point", ((1.0, 2.0),)),))
    first = shape_edits.move_shapes(image, [0], (1, 0), gesture="nudge")
    second = shape_edits.move_shapes(first.apply(image), [0], (1, 0), gesture="nudge")
    both = edits.merged(first, second)
    assert both is not None
    assert both.apply(image).shapes[0].points == ((3.0, 2.0),)
    assert both.revert(both.apply(image)) == image
    other = shape_edits.move_shapes(image, [0], (1, 0), gesture="another")
    assert edits.merged(first, other) is None
    assert edits.merged(replace(first, gesture=""), replace(second, gesture="")) is None
