"""Skeletons: what they derive, and what they refuse."""

from __future__ import annotations

import tomllib

import pytest

import studio
from studio.core.errors import DataError
from studio.core.skeleton import Skeleton

FILES = sorted((studio.RESOURCES / "skeletons").glob("*.toml"))


def read(name: str) -> Skeleton:
    path = studio.RESOURCES / "skeletons" / f"{name}.toml"
    return Skeleton.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_bundled_skeletons_are_whole(path) -> None:
    skeleton = Skeleton.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    assert skeleton.name == path.stem
    assert len(skeleton.sigmas) == len(skeleton.colors) == len(skeleton.template) == len(skeleton)
    assert all(0 <= v <= 1 for point in skeleton.template for v in point)
    joined = {i for edge in skeleton.edges for i in edge}
    assert joined == set(range(len(skeleton)))
    assert Skeleton.from_mapping(skeleton.to_mapping()) == skeleton


def test_coco17_is_cocos() -> None:
    coco = read("coco17")
    assert coco.flip_idx == (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
    # The list that COCO's own annotation files carry.
    assert coco.coco_skeleton == [
        [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8],
        [7, 9], [8, 10], [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
    ]  # fmt: skip
    assert [coco.side(i) for i in (0, 1, 2)] == ["middle", "left", "right"]


def test_sigmas_default_to_one_by_k() -> None:
    assert Skeleton.numbered(4).oks_sigmas.tolist() == [0.25] * 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keypoints": [], "edges": []}, "at least one"),
        ({"keypoints": ["a", "a"], "edges": []}, "appear twice: a"),
        ({"edges": [["a", "zzz"]]}, "'zzz'"),
        ({"edges": [["a", "a"]]}, "does not join two"),
        ({"flip_pairs": [["a", "b"], ["b", "c"]]}, "two flip pairs"),
        ({"sigmas": [0.1]}, "1 sigmas for 3 keypoints"),
        ({"sigmas": [0.1, 0.1, 0]}, "above 0"),
        ({"sigmas": ["x", 1, 1]}, "cannot be read"),
        ({"edge_colors": ["#fff", "#fff"]}, "2 edge colours for 1 edges"),
    ],
)
def test_what_does_not_fit_is_refused(change, said: str) -> None:
    data = {"name": "s", "keypoints": ["a", "b", "c"], "edges": [["a", "b"]]}
    with pytest.raises(DataError, match=said):
        Skeleton.from_mapping(data | change)
    assert Skeleton.from_mapping(data).edges == ((0, 1),)
