"""Which pictures are trained on and which are judged on: the same answer on every machine."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping

from studio.core.dataset import TRAIN, VAL
from studio.io.annotations import video_of


def split_names(
    names: Iterable[str],
    ratio: float,
    seed: int = 0,
    previous: Mapping[str, str] | None = None,
    videos: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A side, "train" or "val", for each picture's name.

    Pictures are put in the order of a hash of seed and name and cut at the exact ratio: of 20 at
    0.8, 16 are for training. Names in `previous` keep their side and the new ones fill up.
    The frames of one video stay together; `videos` names each frame's video where its name does
    not. With a ratio between 0 and 1 no side stays empty if there are two pictures that may part.
    """
    ordered = sorted(dict.fromkeys(names))
    kept = {n: s for n, s in (previous or {}).items() if s in (TRAIN, VAL)}
    sides = {n: kept[n] for n in ordered if n in kept}
    groups = _groups(ordered, videos or {})
    for members in groups.values():
        known = next((sides[n] for n in members if n in sides), None)
        if known is not None:
            sides.update({n: known for n in members if n not in sides})
    waiting = [members for members in groups.values() if members[0] not in sides]
    target = _target(len(ordered), ratio)
    train = sum(side == TRAIN for side in sides.values())
    # Videos first: single pictures then fill up to the exact number.
    for members in sorted(waiting, key=lambda m: (len(m) == 1, _rank(seed, m[0]))):
        # A long video goes where it leaves the sides nearer to the ratio.
        side = TRAIN if train + len(members) - target < max(target - train, 1) else VAL
        train += len(members) if side == TRAIN else 0
        sides.update(dict.fromkeys(members, side))
    _fill_empty(sides, waiting, seed, ratio)
    return sides


def _target(count: int, ratio: float) -> int:
    target = math.floor(count * ratio + 0.5)
    if 0 < ratio < 1 and count >= 2:
        target = min(max(target, 1), count - 1)
    return target


def _groups(names: list[str], videos: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        video = videos.get(name) or video_of(name)
        groups.setdefault(f"video {video}" if video else f"picture {name}", []).append(name)
    return groups


def _fill_empty(sides: dict[str, str], movable: list[list[str]], seed: int, ratio: float) -> None:
    """Two long videos: the smaller goes to the side that would stay empty."""
    if not 0 < ratio < 1 or len(set(sides.values())) != 1 or len(movable) < 2:
        return
    smallest = min(movable, key=lambda m: (len(m), _rank(seed, m[0])))
    other = VAL if sides[smallest[0]] == TRAIN else TRAIN
    sides.update(dict.fromkeys(smallest, other))


def _rank(seed: int, name: str) -> str:
    # One name may be composed differently by the file systems of two machines.
    return hashlib.sha256(f"{seed}:{unicodedata.normalize('NFC', name)}".encode()).hexdigest()
