"""A .tflite runs in the studio's own engine, in floats and in whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import DeviceError, ModelError, UsageError
from studio.core.skeleton import Skeleton
from studio.runtime.opening import open_engine
from tests.tflite_toy import CELL, SIDE, write_tflite

PICTURES = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def artifact(weights: Path, side: int = SIDE) -> ModelArtifact:
    spec = InputSpec(size=(side, side))
    return ModelArtifact("yolo-pose", "pose", weights, spec, Skeleton.numbered(3))


def means() -> np.ndarray:
    """RGB, 0 to 1, of each cell."""
    cells = PICTURES[..., ::-1].reshape(3, SIDE // CELL, CELL, SIDE // CELL, CELL, 3)
    return cells.mean(axis=(2, 4)) / 255


@pytest.mark.parametrize(
    ("whole", "precision", "within"), [(True, "int8", 0.003), (False, "f32", 1e-5)]
)
def test_pictures_go_in_and_floats_come_out(tmp_path, whole, precision, within) -> None:
    engine = open_engine(artifact(write_tflite(tmp_path / "toy.tflite", whole=whole)), threads=1)
    try:
        [found] = engine.infer(PICTURES)
        [again] = engine.submit(PICTURES[1:]).result()
    finally:
        engine.close()
    assert (engine.name, engine.device, engine.precision) == ("litert", "cpu", precision)
    assert found.dtype == np.float32
    assert np.abs(found - means()).max() < within
    assert np.array_equal(again, found[1:])


def test_what_cannot_be_is_said(tmp_path) -> None:
    toy = artifact(write_tflite(tmp_path / "toy.tflite"))
    with pytest.raises(DeviceError, match="no device 'npu'"):
        open_engine(toy, device="npu")
    with pytest.raises(UsageError, match="not in bf16"):
        open_engine(toy, precision="bf16")
    engine = open_engine(toy)
    with pytest.raises(ModelError, match="takes"):
        engine.infer(PICTURES[:, :16])
    engine.close()
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot open"):
        open_engine(artifact(broken))
