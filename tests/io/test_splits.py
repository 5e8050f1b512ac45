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
