"""What head-pose networks answer, as rotations.

"rotation": (n, 3, 3). "rot6d": (n, 6), two columns of it (Y. Zhou et al., CVPR 2019). "bins": yaw,
pitch and roll as likelihoods of steps of three degrees (Hopenet: N. Ruiz, E. Chong and J. Rehg,
CVPRW 2018). "angles": numbers in the order and unit that `extra["angles"]` and `extra["unit"]` say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.head import Angles, rotation_of
from studio.runtime.engine import Outputs

Rotations = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64]

ROTATION, SIX, BINS, ANGLES = "rotation", "rot6d", "bins", "angles"
HEAD_OUTPUTS = (ROTATION, SIX, BINS, ANGLES)
DEGREES, RADIANS = "degrees", "radians"
USUAL_ORDER = ("yaw", "pitch", "roll")
# Of one bin, in degrees; bins lie around 0.
_STEP = 3.0


def rotations_in(outputs: Outputs, artifact: ModelArtifact) -> Rotations:
    """(n, 3, 3) true rotations in a network's outputs. Raises ModelError where they have another
    form than the artefact's description says.
    """
    extra = artifact.extra
    try:
        parts = [outputs[i].astype(np.float64) for i in extra.get("outputs", range(len(outputs)))]
        count = len(parts[0])
        if artifact.output == SIX:
            return rotations_of_six(parts[0].reshape(count, 6))
        if artifact.output == ROTATION:
            return nearest_rotations(parts[0].reshape(count, 3, 3))
        if artifact.output == BINS:
            columns = [degrees_of_bins(part.reshape(count, -1)) for part in parts]
            return _turned(np.stack(columns, axis=1), extra)
        return _turned(np.concatenate([p.reshape(count, -1) for p in parts], axis=1), extra)
    except (IndexError, TypeError, ValueError) as error:
        raise ModelError(
            f"This model's answer has not the form that its description says: {artifact.output}.",
            where=artifact.weights,
        ) from error


def rotations_of_six(numbers: Numbers) -> Rotations:
    """(n, 3, 3) of (n, 6): two columns made upright by Gram and Schmidt, and their product."""
    x = _unit(numbers[:, :3])
    z = _unit(np.cross(x, numbers[:, 3:]))
    return np.stack([x, np.cross(z, x), z], axis=2)


def nearest_rotations(matrices: Rotations) -> Rotations:
    """(n, 3, 3) true rotations nearest to (n, 3, 3): what half precision has bent is straightened."""
    u, _, v = np.linalg.svd(matrices)
    turned = np.linalg.det(u @ v)
    u[:, :, 2] *= np.where(turned < 0, -1.0, 1.0)[:, None]
    return u @ v


def degrees_of_bins(scores: Numbers) -> Numbers:
    """(n,) the mean angle of (n, bins) scores before their softmax: 66 bins begin at -99 degrees,
    120 at -180.
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances = powers / powers.sum(axis=1, keepdims=True)
    bins = scores.shape[1]
    return chances @ (_STEP * np.arange(bins)) - _STEP * bins / 2


def order_of(names: Sequence[str]) -> tuple[tuple[int, float], ...]:
    """Where yaw, pitch and roll stand in `names`, and the sign of each: "-pitch" counts the other
    way round. Raises ValueError where they are others.
    """
    plain = [str(name).strip().lower() for name in names]
    bare = [name.lstrip("-") for name in plain]
    if sorted(bare) != sorted(USUAL_ORDER):
        raise ValueError(names)
    return tuple(
        (bare.index(name), -1.0 if plain[bare.index(name)].startswith("-") else 1.0)
        for name in USUAL_ORDER
    )


def _turned(angles: Numbers, extra: Mapping[str, Any]) -> Rotations:
    if angles.shape[1] != len(USUAL_ORDER):
        raise ValueError(angles.shape)
    if extra.get("unit", DEGREES) == RADIANS:
        angles = np.degrees(angles)
    places = order_of(extra.get("angles", USUAL_ORDER))
    rows = np.stack([sign * angles[:, place] for place, sign in places], axis=1)
    return np.array([rotation_of(Angles(*(float(v) for v in row))) for row in rows])


def _unit(rows: Numbers) -> Numbers:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
