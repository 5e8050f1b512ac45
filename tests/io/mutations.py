"""Annotation files as accidents and other programs leave them, the same ones every time."""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.annotation import shapes_of
from studio.io import labelme
from tests.io.data import SHARED
from tests.io.people import SKELETON
from tests.io.test_coco import example

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**9, 10**30, -(10**30), 2**63, 2**64, 0.5, -0.0, 1e308, -1e308,
    float("nan"), float("inf"), -float("inf"), "", "x", "1", "NaN", "\0", "../../etc/passwd",
    "C:\\Users\\x.jpg", "a" * 10_000, [], {}, [[]], [None], [[1]], [[1, 2, 3]], [["a", "b"]],
    [[1, 2]], {"a": 1}, {"": None}, "\U0001f600", [[1e308, -1e308], [-1e308, 1e308], [0, 0]],
)  # fmt: skip
KEYS = (
    "version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth", "label",
    "points", "group_id", "description", "shape_type", "mask", "score", "source", "absent",
    "head_rotation", "difficult", "iscrowd", "segmentation", "video", "frame", "occluded",
)  # fmt: skip


def originals() -> list[bytes]:
    """Real files where the shared data is there, and one of our own."""
    folders = [SHARED / "labelme_people", SHARED / "labelme_found"]
    found = [p.read_bytes() for f in folders for p in sorted(f.rglob("*.json"))]
    image = labelme.new_image(Path("a.png"), (200, 160))
    extra = {"absent": ["nose"], "score": 0.5, "head_rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    shapes = shapes_of(example(), SKELETON, 1)
    shapes = (replace(shapes[0], extra=extra), *shapes[1:])
    found.append(labelme.dumps(replace(image, shapes=shapes, flags={"reviewed": True})))
    return [_of_one_picture(data) for data in found if len(data) < 60_000]


def _of_one_picture(data: bytes) -> bytes:
    """The same file for `a.png` of 640 x 480, so that most of them can be converted."""
    for key, value in (("imagePath", b'"a.png"'), ("imageWidth", b"640"), ("imageHeight", b"480")):
        data = re.sub(
            rb'"%s"\s*:\s*("[^"]*"|\d+)' % key.encode(), b'"%s": %s' % (key.encode(), value), data
        )
    return data


def mutated(count: int, seed: int = 0) -> Iterator[bytes]:
    """`count` damaged files."""
    chance = random.Random(seed)
    sources = originals()
    for _ in range(count):
        data = chance.choice(sources)
        for _again in range(chance.choice((1, 1, 1, 1, 2))):
            data = chance.choice(KINDS)(data, chance)
        yield data


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20)) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _stir(data: bytes, chance: random.Random) -> bytes:
    """A piece left out, doubled, or put elsewhere."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    piece = data[start : min(end, start + 200)]
    place = chance.randrange(len(data) + 1)
    return chance.choice(
        (data[:start] + data[end:], data[:place] + piece + data[place:], piece + data)
    )


def _value(data: bytes, chance: random.Random) -> bytes:
    """Something else where a value stands, at any depth, or a key more or less."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return data
    holders = list(_holders(raw))
    if not holders:
        return data
    for _ in range(chance.choice((1, 1, 2, 8))):
        holder = chance.choice(holders)
        if isinstance(holder, dict):
            key = chance.choice((*holder, *KEYS))
            if chance.random() < 0.2:
                holder.pop(key, None)
            else:
                holder[key] = chance.choice(ODD)
        elif holder:
            place = chance.randrange(len(holder))
            if chance.random() < 0.2:
                holder.pop(place)
            else:
                holder[place] = chance.choice(ODD)
    return json.dumps(raw, ensure_ascii=False).encode("utf-8", errors="replace")


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def _deep(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((50, 500, 2000, 100_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    nest = opening * depth + b"1" + closing * depth
    place = data.find(b":", chance.randrange(len(data) + 1)) + 1
    return data[:place] + nest + data[place:] if chance.random() < 0.5 else nest


def _encoding(data: bytes, chance: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    kind = chance.choice(("utf-16", "utf-8-sig", "latin-1", "shift_jis"))
    return text.encode(kind, errors="replace")


def _number(data: bytes, chance: random.Random) -> bytes:
    """Another spelling of a number, as text: what no JSON writer would write, too."""
    places = [i for i in range(len(data)) if data[i : i + 1].isdigit()]
    if not places:
        return data
    place = chance.choice(places)
    end = place
    while data[end : end + 1].isdigit():
        end += 1
    texts = (b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"0x1f", b"1.", b"-", b"1e-400", b"--1")
    return data[:place] + chance.choice(texts) + data[end:]


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _flip, _flip, _stir, _value, _value, _value, _value, _deep, _encoding, _number,
)  # fmt: skip
