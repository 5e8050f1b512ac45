"""The arithmetic after a head's convolutions, for artefacts that leave it to their device's
firmware ("raw-heads"): boxes as distributions over distances (Generalized Focal Loss,
arXiv:2006.04388), joints as offsets from the cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError

FloatArray = npt.NDArray[np.float32]

RAW_HEADS = "raw-heads"
BINS = 16
STRIDES = (8, 16, 32)
_SIDES = 4


def raw_shapes(size: tuple[int, int], joints: int) -> tuple[tuple[int, int, int], ...]:
    """The shapes of the maps of one picture of `size` (height, width) with `joints` joints: boxes
    and scores of each level, finest first, then the joints of all levels together.
    """
    cells = [(size[0] // s) * (size[1] // s) for s in STRIDES]
    boxes = tuple((1, count, _SIDES * BINS) for count in cells)
    scores = tuple((1, count, 1) for count in cells)
    return (*boxes, *scores, (1, sum(cells), 3 * joints))


def in_order(outputs: Sequence[FloatArray], artifact: ModelArtifact) -> tuple[FloatArray, ...]:
    """The maps in the order of `raw_shapes`, told by their shapes: converters shuffle outputs.
    Raises ModelError where one is missing or another is among them.
    """
    wanted = raw_shapes(artifact.input.size, len(artifact.skeleton))
    by_shape = {output.shape[1:]: output for output in outputs}
    if len(outputs) != len(wanted) or set(by_shape) != {shape[1:] for shape in wanted}:
        found = ", ".join(str(list(output.shape)) for output in outputs)
        raise ModelError(
            f"The model gives {found}; for its size and joints a head's maps would be "
            f"{', '.join(str(list(shape)) for shape in wanted)}.",
            where=artifact.weights,
            hint="Does its model.json belong to these weights? Export the model again.",
        )
    return tuple(by_shape[shape[1:]] for shape in wanted)


def from_raw_heads(outputs: Sequence[FloatArray], artifact: ModelArtifact) -> FloatArray:
    """The seven maps of N pictures as the "decoded" layout: (N, 5 + 3K, cells) float32 with box
    centre, size and score, then x, y and score of each joint, in pixels of the input.

    Raises ModelError where the maps are not those of `artifact`.
    """
    return decoded_maps(in_order(outputs, artifact), artifact.input.size)


def decoded_maps(maps: Sequence[FloatArray], size: tuple[int, int]) -> FloatArray:
    """`from_raw_heads` of maps in the order of `raw_shapes` for an input of `size`."""
    levels = len(STRIDES)
    boxes = np.concatenate(maps[:levels], axis=1)
    scores = np.concatenate(maps[levels : 2 * levels], axis=1)
    cells, strides = _cells(size)
    distances = _expected(boxes.reshape(*boxes.shape[:2], _SIDES, BINS))
    low, high = cells + 0.5 - distances[..., :2], cells + 0.5 + distances[..., 2:]
    joints = maps[-1].reshape(*maps[-1].shape[:2], -1, 3).copy()
    joints[..., :2] = (joints[..., :2] * 2 + cells[:, None]) * strides[:, None]
    joints[..., 2] = _sigmoid(joints[..., 2])
    parts = (
        (low + high) / 2 * strides,
        (high - low) * strides,
        _sigmoid(scores),
        joints.reshape(*joints.shape[:2], -1),
    )
    rows: FloatArray = np.concatenate(parts, axis=2, dtype=np.float32)
    return rows.transpose(0, 2, 1)


def _cells(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Column and row (n, 2) of every cell, level by level and row by row, and its stride (n, 1)."""
    places, strides = [], []
    for stride in STRIDES:
        height, width = size[0] // stride, size[1] // stride
        rows, columns = np.divmod(np.arange(height * width), width)
        places.append(np.stack([columns, rows], axis=1))
        strides.append(np.full((height * width, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _expected(logits: FloatArray) -> FloatArray:
    """The mean of the distribution over 0, 1, 2, ... along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1)
    return weights @ np.arange(BINS, dtype=np.float32) / total


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * values)
