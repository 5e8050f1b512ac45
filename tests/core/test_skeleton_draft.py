"""A skeleton edited step by step."""

from __future__ import annotations

import pytest

from studio.core.errors import DataError
from studio.core.skeleton import Skeleton
from studio.core.skeleton_draft import SkeletonDraft
from studio.io.skeletons import load_skeleton, read_skeleton, skeleton_text


def test_nothing_changed_is_the_same_skeleton() -> None:
    skeleton = load_skeleton("coco17")
    draft = SkeletonDraft.of(skeleton)
    assert draft.to_skeleton() == skeleton
    assert draft.renamed() == {}
    assert draft.gone(skeleton) == ()


def test_joints_are_added_renamed_moved_and_removed() -> None:
    old = Skeleton(
        "hand", ("wrist", "thumb", "tip"), ((0, 1), (1, 2)), template=((0, 1), (0, 0.5), (0, 0))
    )
    draft, uid = SkeletonDraft.of(old).added((0.3, 0.4))
    draft = draft.with_limb(0, uid).with_limb(0, 1)
    thumb = draft.joint(1)
    draft = draft.with_joint(type(thumb)(1, "thumb_base", thumb.origin, 0.1, "", (0.2, 0.5)))
    draft = draft.moved(uid, -3).removed(2)
    new = draft.to_skeleton()
    assert new.keypoints == ("joint_4", "wrist", "thumb_base")
    assert new.edges == ((1, 0),)
    assert new.template == ((0.3, 0.4), (0, 1), (0.2, 0.5))
    assert draft.renamed() == {"thumb": "thumb_base"}
    assert draft.gone(old) == ("tip",)


def test_all_limbs_have_a_colour_or_none() -> None:
    draft = SkeletonDraft.of(Skeleton("s", ("a", "b", "c"), ((0, 1), (1, 2))))
    assert draft.to_skeleton().edge_colors == ()
    assert draft.with_limb_color((1, 2), "#ff0000").to_skeleton().edge_colors == (
        "#d7d7d7",
        "#ff0000",
    )


def test_pairs_stand_left_first() -> None:
    old = Skeleton("s", ("right_ear", "left_ear", "nose"))
    draft = SkeletonDraft.of(old).with_mirror(0, 1)
    assert draft.to_skeleton().flip_pairs == ((1, 0),)
    assert draft.mirror_of(1) == 0
    assert draft.with_mirror(1, 2).mirrors == ((1, 2),)
    assert draft.with_mirror(1, None).mirrors == ()


@pytest.mark.parametrize("wrong", ["name twice", "empty name", "path", "no joints"])
def test_what_is_wrong_is_said(wrong: str) -> None:
    draft = SkeletonDraft.of(Skeleton("s", ("a", "b")))
    joint = draft.joint(0)
    if wrong == "name twice":
        draft = draft.with_joint(type(joint)(0, "b"))
    elif wrong == "empty name":
        draft = draft.with_joint(type(joint)(0, "  "))
    elif wrong == "path":
        draft = SkeletonDraft("../s", joints=draft.joints)
    else:
        draft = draft.removed(0).removed(1)
    with pytest.raises(DataError):
        draft.to_skeleton()


@pytest.mark.parametrize("name", ["coco17", "hand21", "face5"])
def test_the_text_reads_back_as_the_same(name: str, tmp_path) -> None:
    skeleton = load_skeleton(name)
    path = tmp_path / f"{name}.toml"
    path.write_text(skeleton_text(skeleton), encoding="utf-8")
    assert read_skeleton(path) == skeleton
