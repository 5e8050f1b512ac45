"""Which pictures are trained on and which are judged on: the same answer on every machine."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from studio.core.dataset import SIDES, TEST, TRAIN, VAL
from studio.io.annotations import video_of


def split_names(
    names: Iterable[str],
    ratio: float,
    seed: int = 0,
    previous: Mapping[str, str] | None = None,
    videos: Mapping[str, str] | None = None,
    *,
    test: float = 0.0,
) -> dict[str, str]:
    """A side, "train", "val" or "test", for each picture's name.

    Pictures are put in the order of a hash of seed and name and cut at the exact shares, `ratio`
    for training first, `test` for testing last, the rest between them for validation: of 20 at
    0.8 and 0.1, 16, 2 and 2. A test share takes from validation alone: training keeps the
    pictures that it has without one. Names in `previous` keep their side and the new ones fill
    up. The frames of one video stay together; `videos` names each frame's video where its name
    does not. No side whose share is above 0 stays empty if there are pictures that may part.
    """
    ordered = sorted(dict.fromkeys(names))
    kept = {n: s for n, s in (previous or {}).items() if s in SIDES}
    sides = {n: kept[n] for n in ordered if n in kept}
    groups = _groups(ordered, videos or {})
    for members in groups.values():
        known = next((sides[n] for n in members if n in sides), None)
        if known is not None:
            sides.update({n: known for n in members if n not in sides})
    waiting = [members for members in groups.values() if members[0] not in sides]
    targets = _targets(len(ordered), ratio, test)
    counts = Counter(sides.values())
    # Videos first: single pictures then fill up to the exact number.
    for members in sorted(waiting, key=lambda m: (len(m) == 1, _rank(seed, m[0]))):
        side = _side(len(members), counts, targets)
        counts[side] += len(members)
        sides.update(dict.fromkeys(members, side))
    _fill_empty(sides, waiting, seed, wanted_sides(ratio, test))
    return sides


def wanted_sides(ratio: float, test: float = 0.0) -> tuple[str, ...]:
    """The sides that get pictures at these shares."""
    # 0.7 and 0.3 leave a little less or more than nothing.
    left = 1.0 - ratio - test
    shares = {TRAIN: ratio, VAL: left if abs(left) > 1e-9 or not test else 0.0, TEST: test}
    return tuple(side for side, share in shares.items() if share > 0)


def _targets(count: int, ratio: float, test: float) -> dict[str, int]:
    """How many pictures each side is to have; the last side takes whatever is left."""
    others = len(wanted_sides(ratio, test)) - 1
    train = math.floor(count * ratio + 0.5)
    if 0 < ratio < 1 and count > others:
        train = min(max(train, 1), count - others)
    if test <= 0:
        return {TRAIN: train, VAL: count - train}
    left = count - train
    tested = min(math.floor(count * test + 0.5), left)
    if VAL not in wanted_sides(ratio, test):
        tested = left
    elif left >= 2:
        tested = min(max(tested, 1), left - 1)
    return {TRAIN: train, VAL: left - tested, TEST: tested}


def _side(count: int, counts: Mapping[str, int], targets: Mapping[str, int]) -> str:
    """The first side with room; a long video goes where it leaves it nearer to its share."""
    *first, last = targets
    for side in first:
        have, target = counts.get(side, 0), targets[side]
        if have + count - target < max(target - have, 1):
            return side
    return last


def _groups(names: list[str], videos: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        video = videos.get(name) or video_of(name)
        groups.setdefault(f"video {video}" if video else f"picture {name}", []).append(name)
    return groups


def _fill_empty(
    sides: dict[str, str], movable: list[list[str]], seed: int, wanted: tuple[str, ...]
) -> None:
    """A few long videos: the smallest that a side can spare goes to one that would stay empty."""
    for empty in wanted:
        if empty in sides.values():
            continue
        spare = Counter(sides[members[0]] for members in movable)
        free = [members for members in movable if spare[sides[members[0]]] > 1]
        if free:
            smallest = min(free, key=lambda m: (len(m), _rank(seed, m[0])))
            sides.update(dict.fromkeys(smallest, empty))


def _rank(seed: int, name: str) -> str:
    # One name may be composed differently by the file systems of two machines.
    return hashlib.sha256(f"{seed}:{unicodedata.normalize('NFC', name)}".encode()).hexdigest()
