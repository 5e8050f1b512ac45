"""Sides: exact, the same everywhere, kept once given."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.io.annotations import video_of
from studio.io.splits import split_names

NAMES = st.sets(st.text("abcdefgé0123456789", min_size=1, max_size=6), max_size=40).map(
    lambda names: [f"{n}.jpg" for n in sorted(names)]
)


@settings(max_examples=100, deadline=None)
@given(names=NAMES, ratio=st.floats(0, 1), seed=st.integers(0, 99))
def test_exact_and_stable(names: list[str], ratio: float, seed: int) -> None:
    sides = split_names(names, ratio, seed)
    assert set(sides) == set(names)
    train = sum(s == "train" for s in sides.values())
    exact = len(names) * ratio
    if 0 < ratio < 1 and len(names) >= 2:
        assert 1 <= train <= len(names) - 1
        assert abs(train - exact) <= 1
    else:
        assert abs(train - exact) <= 0.5
    assert split_names(list(reversed(names)), ratio, seed) == sides
    decomposed = {unicodedata.normalize("NFD", n): s for n, s in sides.items()}
    assert split_names(list(decomposed), ratio, seed) == decomposed


@settings(max_examples=100, deadline=None)
@given(first=NAMES, more=NAMES, ratio=st.sampled_from([0.5, 0.7, 0.8, 0.9]))
def test_who_has_a_side_keeps_it(first: list[str], more: list[str], ratio: float) -> None:
    before = split_names(first, ratio)
    after = split_names([*first, *more], ratio, 7, before)
    assert {n: after[n] for n in first} == before
    assert set(after) == {*first, *more}


def test_the_known_answer() -> None:
    """Written down, so that no change of ours moves anybody's pictures."""
    sides = split_names([f"{n:012}.jpg" for n in range(10)], 0.8, 0)
    val = sorted(int(n[:12]) for n, s in sides.items() if s == "val")
    assert val == KNOWN
    assert sum(s == "train" for s in split_names(map(str, range(20)), 0.8).values()) == 16


KNOWN = [6, 9]


def test_videos() -> None:
    assert video_of("clip.mp4_000012.jpg") == "clip.mp4"
    assert video_of("clip_frame_12.png") == "clip_frame"
    assert video_of("000000000785.jpg") == ""
    assert video_of("img_0012.jpg") == ""
    names = [f"a.mp4_{i:04}.jpg" for i in range(6)] + [f"b.mp4_{i:04}.jpg" for i in range(3)]
    sides = split_names(names, 0.6)
    assert len({s for n, s in sides.items() if n.startswith("a")}) == 1
    assert set(sides.values()) == {"train", "val"}
    told = split_names(["x", "y", "z", "w"], 0.5, videos={"x": "v", "y": "v"})
    assert told["x"] == told["y"] != told["z"] == told["w"]
    later = split_names([*names, "a.mp4_9999.jpg"], 0.6, 5, sides)
    assert later["a.mp4_9999.jpg"] == sides["a.mp4_0000.jpg"]


SHARES = st.sampled_from(
    [(0.8, 0.1), (0.7, 0.15), (0.5, 0.5), (0.6, 0.4), (0.34, 0.33), (0.0, 0.3)]
)


@settings(max_examples=150, deadline=None)
@given(names=NAMES, shares=SHARES, seed=st.integers(0, 99))
def test_three_sides_are_exact_and_training_is_as_without_a_test_side(
    names: list[str], shares: tuple[float, float], seed: int
) -> None:
    ratio, test = shares
    sides = split_names(names, ratio, seed, test=test)
    counts = {side: sum(s == side for s in sides.values()) for side in ("train", "val", "test")}
    assert sum(counts.values()) == len(names)
    for side, share in (("train", ratio), ("test", test), ("val", 1 - ratio - test)):
        assert abs(counts[side] - len(names) * share) <= 1.5, (side, counts)
        if len(names) >= 3:
            assert (counts[side] > 0) == (share > 1e-9), (side, counts)
    if len(names) >= 3 and ratio > 0 and ratio + test < 1:
        without = split_names(names, ratio, seed)
        trained = {n for n, s in sides.items() if s == "train"}
        assert trained <= {n for n, s in without.items() if s == "train"}
        assert len(names) < 10 or trained == {n for n, s in without.items() if s == "train"}
    assert split_names(list(reversed(names)), ratio, seed, test=test) == sides


@settings(max_examples=100, deadline=None)
@given(first=NAMES, more=NAMES, shares=SHARES)
def test_the_test_side_is_kept(first: list[str], more: list[str], shares: tuple) -> None:
    before = split_names(first, shares[0], test=shares[1])
    assert before.items() <= split_names([*first, *more], shares[0], 3, before).items()
    after = split_names([*first, *more], shares[0], 3, before, test=shares[1])
    assert before.items() <= after.items()


def test_the_known_answer_with_a_test_side() -> None:
    sides = split_names([f"{n:012}.jpg" for n in range(10)], 0.8, 0, test=0.1)
    assert {s: sorted(int(n[:12]) for n in sides if sides[n] == s) for s in ("val", "test")} == {
        "val": [9],
        "test": [6],
    }


def test_videos_on_three_sides() -> None:
    names = [f"{c}.mp4_{i:04}.jpg" for c in "abc" for i in range({"a": 8, "b": 3, "c": 2}[c])]
    sides = split_names(names, 0.7, test=0.1)
    for clip in "abc":
        assert len({s for n, s in sides.items() if n.startswith(clip)}) == 1
    assert set(sides.values()) == {"train", "val", "test"}
