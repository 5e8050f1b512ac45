"""How many pixels a polygon covers, by COCO's own rule.

pycocotools follows each edge in fifths of a pixel and takes the crossings with the pixel columns
as the ends of runs down the columns. The same steps stand here, but only where an edge crosses a
column, and for the polygons of many pictures at once; an area equals
`COCO.annToMask(annotation).sum()` exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.io.plain import numbers

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_SCALE = 5.0
# Pixels of a mask that a file may ask for.
_LARGEST = 10**9
# What one number can hold with room to spare.
_MOST = 2**62
# A crossing is counted between the fifths 5c + 2 and 5c + 3 of the column c.
_BEFORE, _AFTER = 2, 3


def mask_areas(
    outlines: Sequence[Sequence[FloatArray]], width: int, height: int
) -> tuple[float, ...]:
    """Pixels under each outline in a picture of `width` by `height`.

    outlines: for each person its polygons, each (N, 2) x, y in pixels, N >= 3; where several
    cover a pixel it counts once.
    """
    return areas_in(outlines, [(width, height)] * len(outlines))


def areas_in(
    outlines: Sequence[Sequence[FloatArray]], sizes: Sequence[tuple[int, int]]
) -> tuple[float, ...]:
    """`mask_areas` of people in several pictures; sizes: each person's picture's (width, height)."""
    polygons = [p for outline in outlines for p in outline]
    areas = [0.0] * len(outlines)
    if not polygons:
        return tuple(areas)
    counts = [len(outline) for outline in outlines]
    size = np.repeat(np.array(sizes, dtype=np.int64), counts, axis=0)
    positions, ends = _crossings(polygons, size)
    lengths = np.zeros(len(positions) + 1, dtype=np.int64)
    np.cumsum(np.where(np.arange(len(positions)) % 2, positions, -positions), out=lengths[1:])
    first = 0
    for person, count in enumerate(counts):
        if count == 1 and not (ends[first + 1] - ends[first]) % 2 and not ends[first] % 2:
            areas[person] = float(lengths[ends[first + 1]] - lengths[ends[first]])
        elif count:
            width, height = sizes[person]
            spans = [slice(ends[first + i], ends[first + i + 1]) for i in range(count)]
            areas[person] = float(_covered([_runs(positions[s], width * height) for s in spans]))
        first += count
    return tuple(areas)


def _crossings(polygons: Sequence[FloatArray], size: IntArray) -> tuple[IntArray, list[int]]:
    """Where runs begin or end, counted down the columns, in order and polygon by polygon; and
    where each polygon's begin in that list, its length last.
    """
    counts = np.array([len(p) for p in polygons])
    start = (_SCALE * np.concatenate(polygons) + 0.5).astype(np.int64)
    end = np.roll(start, -1, axis=0)
    lasts = np.cumsum(counts) - 1
    end[lasts] = start[lasts - counts + 1]
    owner = np.repeat(np.arange(len(polygons)), counts)
    low = np.minimum(start[:, 0], end[:, 0])
    high = np.maximum(start[:, 0], end[:, 0])
    first = np.maximum(-((_BEFORE - low) // 5), 0)
    last = np.minimum((high - _AFTER) // 5, size[owner, 0] - 1)
    crossed = np.maximum(last - first + 1, 0)
    edge = np.repeat(np.arange(len(start)), crossed)
    column = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    v = _height_of_crossing(start, end, edge, column)
    owner = owner[edge]
    height = size[owner, 1]
    row = np.ceil(np.clip((v + 0.5) / _SCALE - 0.5, 0, height)).astype(np.int64)
    return _in_order(column * height + row, owner, len(polygons))


def _in_order(positions: IntArray, owner: IntArray, count: int) -> tuple[IntArray, list[int]]:
    room = int(positions.max(initial=0)) + 1
    if count * room >= _MOST:
        order = np.lexsort((positions, owner))
        ends = np.searchsorted(owner, np.arange(count + 1), sorter=order)
        return positions[order], ends.tolist()
    # One number for both is sorted four times as fast as by two keys.
    borders = np.arange(count + 1) * room
    together = np.sort(positions + borders[owner])
    ends = np.searchsorted(together, borders)
    return together - np.repeat(borders[:-1], np.diff(ends)), ends.tolist()


def _height_of_crossing(
    start: IntArray, end: IntArray, edge: IntArray, column: IntArray
) -> IntArray:
    """The smaller y, in fifths, of the two steps of `edge` on both sides of each crossing."""
    delta = np.abs(end - start)
    flat = delta[:, 0] >= delta[:, 1]
    flip = np.where(flat, start[:, 0] > end[:, 0], start[:, 1] > end[:, 1])[:, None]
    low, high = np.where(flip, end, start), np.where(flip, start, end)
    heights = np.empty(len(edge), dtype=np.int64)
    kinds = flat[edge]
    for way, along, across in ((_flat, 0, 1), (_steep, 1, 0)):
        here = np.flatnonzero(kinds if way is _flat else ~kinds)
        edges = edge[here]
        rise, long = high[:, across] - low[:, across], delta[:, along]
        slope = (rise / np.maximum(long, 1))[edges]
        border = 5 * column[here] + _BEFORE
        heights[here] = way(border, low[edges, 0], low[edges, 1], slope)
    return heights


def _flat(border: IntArray, x: IntArray, y: IntArray, slope: FloatArray) -> IntArray:
    """One step per fifth of x: the crossing lies behind a known one."""
    step = border - x + (slope < 0)
    return (y + slope * step + 0.5).astype(np.int64)


def _steep(border: IntArray, x: IntArray, y: IntArray, slope: FloatArray) -> IntArray:
    """One step per fifth of y: it is the first past the border; rounding may shift it by one."""
    rising = slope > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = (border + 0.5 - x) / slope
    past = np.ceil(guess).astype(np.int64) - 1
    for _ in range(2):
        there = (x + slope * past + 0.5).astype(np.int64)
        past += np.where((there > border) == rising, 0, 1)
    return y + past - 1


def _runs(positions: IntArray, end: int) -> IntArray:
    """(R, 2) first and past-the-last position of each run of one polygon."""
    if len(positions) % 2:
        positions = np.append(positions, end)
    return positions.reshape(-1, 2)


def _covered(runs: Sequence[IntArray]) -> int:
    """How many positions stand in at least one run."""
    if not runs:
        return 0
    if len(runs) == 1:
        return int((runs[0][:, 1] - runs[0][:, 0]).sum())
    together = np.concatenate(runs)
    together = together[np.argsort(together[:, 0], kind="stable")]
    reached = np.maximum.accumulate(together[:, 1])
    begin = np.maximum(together[1:, 0], reached[:-1])
    extra = np.maximum(together[1:, 1] - begin, 0)
    return int(together[0, 1] - together[0, 0] + extra.sum()) if len(together) else 0


def outlines_of_mask(mask: Mapping[str, Any]) -> tuple[FloatArray, ...]:
    """Outlines, each (N, 2) pixels, of COCO's run-length mask `{"counts", "size": [h, w]}`.

    `counts` is a list, or COCO's compressed text. Holes are filled. Raises ValueError.
    """
    import cv2

    size = numbers(mask.get("size"))
    if size is None or len(size) != 2 or not 0 < size[0] * size[1] <= _LARGEST:
        raise ValueError("the mask has no size")
    height, width = int(size[0]), int(size[1])
    counts = mask.get("counts")
    runs = _unpacked(counts) if isinstance(counts, str) else numbers(counts)
    if runs is None or any(r < 0 for r in runs) or sum(runs) != height * width:
        raise ValueError("the mask's runs do not fill its size")
    values = np.arange(len(runs)) % 2
    flat = np.repeat(values, np.array(runs, dtype=np.int64)).astype(np.uint8)
    # Twice as large, so that an outline runs along the pixels' edges and not their centres.
    picture = np.repeat(np.repeat(flat.reshape(width, height).T, 2, 0), 2, 1)
    found, _ = cv2.findContours(picture, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outlines = (np.asarray(c, dtype=np.float64).reshape(-1, 2) for c in found if len(c) >= 3)
    return tuple((outline + 0.5) / 2.0 for outline in outlines)


def _unpacked(text: str) -> list[float]:
    """COCO's compressed runs: five bits a character, from the third on as differences."""
    runs: list[float] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError("the mask's text is damaged")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
