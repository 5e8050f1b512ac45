"""The quality desk's checks on people whose faults are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Instance, Shape, instances_of, shapes_of
from studio.core.skeleton import Skeleton
from studio.io.skeletons import load_skeleton
from studio.metrics.quality import Finding, ignore, inspect
from studio.metrics.usual import Usual, measures_of, usual_of
from studio.vision.synthetic import make_picture

SIZE = (400, 400)


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return load_skeleton("coco17")


@pytest.fixture(scope="module")
def usual(skeleton: Skeleton) -> Usual:
    people = [p for seed in range(40) for p in make_picture(seed, (240, 240)).people]
    assert len(people) > 60
    return usual_of([measures_of(p, skeleton) for p in people], skeleton)


def _person(skeleton: Skeleton, **moves: tuple[float, float]) -> Instance:
    """A person who stands and looks at us, joints moved by name."""
    template = np.asarray(skeleton.template) * (120, 300) + (120, 50)
    points = np.column_stack([template, np.full(len(skeleton), 2.0)])
    for name, (dx, dy) in moves.items():
        points[skeleton.index[name], :2] += (dx, dy)
    return Instance("person", points, box=np.array([100, 40, 160, 320.0]))


def _image(skeleton: Skeleton, *people: Instance) -> AnnotatedImage:
    shapes = [s for n, p in enumerate(people, 1) for s in shapes_of(p, skeleton, n)]
    return AnnotatedImage("a.png", *SIZE, tuple(shapes))


def _swap(person: Instance, skeleton: Skeleton, *names: str) -> Instance:
    points = person.keypoints.copy()
    for name in names:
        left, right = skeleton.index[f"left_{name}"], skeleton.index[f"right_{name}"]
        points[[left, right]] = points[[right, left]]
    return replace(person, keypoints=points)


def _kinds(found: tuple[Finding, ...]) -> list[str]:
    return [f.kind for f in found]


def test_a_person_who_stands_still_is_right(skeleton: Skeleton, usual: Usual) -> None:
    assert inspect(_image(skeleton, _person(skeleton)), skeleton, usual) == ()


def test_left_and_right_swapped_is_found(skeleton: Skeleton) -> None:
    wrong = _swap(_person(skeleton), skeleton, "hip")
    found = inspect(_image(skeleton, wrong), skeleton)
    assert _kinds(found)[0] == "swapped"
    assert found[0].joints == ("left_hip", "right_hip")
    turned = _swap(
        _person(skeleton), skeleton, "shoulder", "elbow", "wrist", "hip", "knee", "ankle"
    )
    found = inspect(_image(skeleton, turned), skeleton)
    assert [f.joints for f in found if f.kind == "swapped"] == [("left_shoulder", "right_shoulder")]


def test_a_limb_far_from_the_rest_is_found(skeleton: Skeleton, usual: Usual) -> None:
    person = _person(skeleton, left_wrist=(140, -150))
    found = inspect(_image(skeleton, person), skeleton, usual)
    limb = next(f for f in found if f.kind == "limb")
    assert set(limb.joints) == {"left_elbow", "left_wrist"}
    assert limb.value > 1.6
    assert Usual.from_mapping(usual.to_mapping()).length == pytest.approx(
        usual.length, abs=1e-4, nan_ok=True
    )


def test_most_synthetic_people_are_right(skeleton: Skeleton, usual: Usual) -> None:
    people = found = 0
    for seed in range(50, 70):
        made = make_picture(seed, (240, 240))
        image = replace(_image(skeleton, *made.people), width=240, height=240)
        serious = inspect(image, skeleton, usual)
        people += len(made.people)
        found += len([f for f in serious if f.kind in ("limb", "swapped")])
    assert found <= people * 0.15, found


def test_places(skeleton: Skeleton) -> None:
    out = _person(skeleton, left_ankle=(300, 0), right_wrist=(-110, 0))
    found = inspect(_image(skeleton, out), skeleton)
    assert ("picture", ("left_ankle",)) in [(f.kind, f.joints) for f in found]
    assert ("box", ("right_wrist",)) in [(f.kind, f.joints) for f in found]
    square = np.array([[110, 40], [250, 40], [250, 300], [110, 300.0]])
    person = replace(_person(skeleton), box=None, polygons=(square,))
    found = inspect(_image(skeleton, person), skeleton)
    assert {f.joints[0] for f in found if f.kind == "outline"} == {"left_ankle", "right_ankle"}


def test_loose_ends_and_duplicates(skeleton: Skeleton) -> None:
    person = _person(skeleton)
    image = _image(skeleton, person, person)
    extra = (
        Shape("nose", "point", ((5.0, 5.0),), 1),
        Shape("left_eye", "point", ((6.0, 6.0),), None),
        Shape("tail", "point", ((7.0, 7.0),), 2),
    )
    image = replace(image, shapes=(*image.shapes, *extra))
    kinds = {f.kind: f for f in inspect(image, skeleton)}
    assert set(kinds) == {"twice", "joint_twice", "nobody", "unknown"}
    assert kinds["joint_twice"].spot == (5.0, 5.0)
    assert kinds["twice"].group_id == 2


def test_missing_and_unsure_and_together(skeleton: Skeleton, usual: Usual) -> None:
    points = _person(skeleton).keypoints.copy()
    points[3:5] = 0
    points[9, :2] = points[7, :2]
    person = replace(_person(skeleton), keypoints=points, absent=frozenset({"left_ear"}))
    image = _image(skeleton, person)
    shapes = list(image.shapes)
    shapes[1] = replace(shapes[1], extra={"score": 0.1, **shapes[1].extra})
    found = {f.kind: f for f in inspect(replace(image, shapes=tuple(shapes)), skeleton, usual)}
    assert found["missing"].joints == ("right_ear",)
    assert found["unsure"].joints == ("nose",)
    assert "together" in found


def test_ignoring_is_kept_in_the_file_and_undone(skeleton: Skeleton) -> None:
    wrong = _swap(_person(skeleton), skeleton, "hip")
    image = _image(skeleton, wrong)
    (finding, *_) = inspect(image, skeleton)
    edit = ignore(image, finding)
    after = edit.apply(image)
    assert finding.key not in [f.key for f in inspect(after, skeleton)]
    assert edit.revert(after) == image
    assert Finding.from_mapping(finding.to_mapping()).key == finding.key
    assert instances_of(after, skeleton)
