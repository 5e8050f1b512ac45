"""A skeleton changes and the annotated people follow: planned, done, undone, redone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Shape, instances_of
from studio.core.errors import Cancelled, DataError, FileProblem
from studio.core.skeleton import Skeleton
from studio.core.skeleton_change import SkeletonChange, migrated
from studio.io import labelme, migration
from studio.io.annotations import annotation_files
from tests.io.data import shared
from tests.io.people import SKELETON

OLD = Skeleton("old", ("nose", "left_eye", "right_eye", "hand"))


def new(*names: str, category: str = "person") -> Skeleton:
    return Skeleton("new", names, category=category)


def point(label: str, x: float, group: int | None = 1, **extra: object) -> Shape:
    return Shape(label, "point", ((x, 1.0),), group, extra=extra)


def person(*joints: Shape, label: str = "person", **extra: object) -> AnnotatedImage:
    box = Shape(label, "rectangle", ((0.0, 0.0), (9.0, 9.0)), 1, extra=extra)
    return AnnotatedImage("a.jpg", 10, 10, (box, *joints))


def labels(image: AnnotatedImage) -> list[str]:
    return [s.label for s in image.shapes if s.shape_type == "point"]


def test_renamed_even_crosswise() -> None:
    change = SkeletonChange(
        OLD,
        new("nose", "left_eye", "right_eye", "hand"),
        renamed={"left_eye": "right_eye", "right_eye": "left_eye"},
    )
    image = person(point("nose", 1), point("left_eye", 2), point("right_eye", 3), absent=["hand"])
    after, counts = migrated(image, change)
    assert {s.label: s.points[0][0] for s in after.shapes[1:]} == {
        "nose": 1, "right_eye": 2, "left_eye": 3,
    }  # fmt: skip
    assert labels(after) == ["nose", "left_eye", "right_eye"], "in the skeleton's order"
    assert counts == {"renamed": 2, "people": 1, "reordered": 1}


def test_removed_with_the_list_of_absent_ones() -> None:
    change = SkeletonChange(OLD, new("nose", "right_eye"))
    assert (change.removed, change.added) == (("left_eye", "hand"), ())
    lone = AnnotatedImage(
        "a.jpg", 10, 10, (point("hand", 1, absent=["left_eye", "right_eye"]), point("nose", 2))
    )
    after, counts = migrated(lone, change)
    assert labels(after) == ["nose"]
    assert after.shapes[0].extra == {"absent": ["right_eye"]}
    assert counts == {"removed": 1, "people": 1}
    boxed, _ = migrated(person(point("hand", 1), absent=["left_eye"]), change)
    assert boxed.shapes[0].extra == {}


def test_joined() -> None:
    change = SkeletonChange(
        OLD, new("nose", "eye", "hand"), joined={"eye": ("right_eye", "left_eye")}
    )
    both, counts = migrated(person(point("left_eye", 2), point("right_eye", 3)), change)
    assert [(s.label, s.points[0][0]) for s in both.shapes[1:]] == [("eye", 3)]
    assert counts["joined"] == 1
    one, _ = migrated(person(point("left_eye", 2)), change)
    assert [(s.label, s.points[0][0]) for s in one.shapes[1:]] == [("eye", 2)]


def test_reordered_and_added() -> None:
    change = SkeletonChange(OLD, new("hand", "chin", "right_eye", "left_eye", "nose"))
    assert change.added == ("chin",)
    after, counts = migrated(person(point("nose", 1), point("hand", 2)), change)
    assert labels(after) == ["hand", "nose"]
    assert counts == {"reordered": 1, "people": 1}


def test_others_stay_as_they_are() -> None:
    change = SkeletonChange(OLD, new("nose", category="human"), renamed={})
    dog = person(point("hand", 1), label="dog")
    assert migrated(dog, change) == (dog, {})
    tool = AnnotatedImage("a.jpg", 10, 10, (point("handle", 1), point("handle", 2, None)))
    assert migrated(tool, change)[0] is tool
    renamed, counts = migrated(person(point("tail", 1)), change)
    assert [s.label for s in renamed.shapes] == ["human", "tail"]
    assert counts["category"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"renamed": {"tail": "nose"}}, "no joint 'tail'"),
        ({"renamed": {"nose": "tail"}}, "no joint 'tail'"),
        ({"renamed": {"left_eye": "nose"}}, "would become one"),
        ({"renamed": {"hand": "eye"}, "joined": {"eye": ("hand",)}}, "would become one"),
    ],
)
def test_changes_that_do_not_fit(arguments: dict, said: str) -> None:
    with pytest.raises(DataError, match=said):
        SkeletonChange(OLD, new("nose", "eye"), **arguments)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared("labelme_people"), tmp_path / "pictures"))


def rename_change() -> SkeletonChange:
    names = tuple(k.replace("left_wrist", "left_hand") for k in SKELETON.keypoints)
    shorter = tuple(n for n in names if n != "nose")
    return SkeletonChange(SKELETON, new(*shorter), renamed={"left_wrist": "left_hand"})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*.json"))}


def test_real_people_there_and_back(people: Path, tmp_path: Path) -> None:
    before = contents(people)
    change = rename_change()
    told: list[tuple[int, int]] = []
    found = migration.plan(annotation_files(people)[0], change, progress=lambda *n: told.append(n))
    assert contents(people) == before, "a plan writes nothing"
    shapes = [s for t in before.values() for s in json.loads(t)["shapes"]]
    assert found.counts["removed"] == sum(s["label"] == "nose" for s in shapes)
    assert found.counts["renamed"] == sum(s["label"] == "left_wrist" for s in shapes)
    assert told[-1] == (22, 22)
    assert not found.problems
    toml = tmp_path / "skeletons" / "mine.toml"
    snapshot = migration.apply(found, tmp_path / "store", extra={toml: "name = 'mine'\n"})
    assert toml.read_text() == "name = 'mine'\n"
    assert not migration.plan(annotation_files(people)[0], change).files, "nothing is left to do"
    for name in before:
        old = instances_of(labelme.parse(before[name]), change.old)
        now = instances_of(labelme.read(people / name), change.new)
        keep = [change.old.index[k] for k in change.old.keypoints if k != "nose"]
        for a, b in zip(old, now, strict=True):
            np.testing.assert_array_equal(a.keypoints[keep], b.keypoints)
    back = migration.revert(snapshot)
    assert contents(people) == before
    assert not toml.exists()
    migration.revert(back)
    assert labelme.read(people / "000000000785.json") != labelme.parse(before["000000000785.json"])


def test_a_file_changed_meanwhile_stops_it(people: Path, tmp_path: Path) -> None:
    found = migration.plan(annotation_files(people)[0], rename_change())
    victim = found.files[3].path
    image = labelme.read(victim)
    labelme.write(victim, replace(image, flags={"reviewed": True}))
    before = contents(people)
    with pytest.raises(FileProblem, match="Another program changed"):
        migration.apply(found, tmp_path / "store")
    assert contents(people) == before
    with pytest.raises(Cancelled):
        migration.plan(annotation_files(people)[0], rename_change(), cancelled=lambda: True)


def test_damaged_files_are_told_and_left(people: Path, tmp_path: Path) -> None:
    (people / "000000000785.json").write_text("{")
    found = migration.plan(annotation_files(people)[0], rename_change())
    assert [Path(p.where.partition(":")[0]).name for p in found.problems] == ["000000000785.json"]
    migration.apply(found, tmp_path / "store")
    assert (people / "000000000785.json").read_text() == "{"
