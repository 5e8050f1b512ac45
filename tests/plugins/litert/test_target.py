"""One .tflite file for phones: the same people in floats and in whole numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("ai_edge_litert")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.exporting.litert_inside import tail_of  # noqa: E402
from studio.exporting.tflite_file import Operator, Tensor, TfliteFile, read_tflite  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.runtime.opening import open_engine  # noqa: E402
from tests.plugins.test_kpnet_export import make_model  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402
from tests.workers import needs_worker  # noqa: E402


def options(**values: Any) -> Any:
    return find("target", "litert").options_class().from_mapping(values)


def test_whole_numbers_need_pictures(tmp_path: Path) -> None:
    target = find("target", "litert").load()
    artifact = make_model(tmp_path / "run", 3)
    assert list(target.problems(artifact, options())) == []
    assert [p.where for p in target.problems(artifact, options(int8=True))] == ["calibration"]


def test_what_comes_after_the_last_learned_layer_stays_float() -> None:
    """A mean over bins is written as a convolution, too."""
    names = ("picture", "kernel", "maps", "likely", "bins", "mean", "half", "other", "box")
    sizes = ((1, 8, 8, 3), (64, 1, 1, 3), (1, 8, 8, 64), (1, 64, 64), (1, 1, 1, 16))
    shapes = (*sizes, (1, 64, 4), (1, 64, 2), (1, 64, 2), (1, 64, 4))
    tensors = tuple(
        Tensor(n, s, "FLOAT32", None, 0, n in ("kernel", "bins"))
        for n, s in zip(names, shapes, strict=True)
    )
    steps = (
        Operator("RESHAPE", (0,), (0,)),
        Operator("CONV_2D", (0, 1, -1), (2,)),
        Operator("SOFTMAX", (2,), (3,)),
        Operator("CONV_2D", (3, 4), (5,)),
        Operator("SPLIT", (5,), (6, 7)),
        Operator("CONCATENATION", (6, 7), (8,)),
    )
    tail = tail_of(TfliteFile(steps, tensors, (0,), (8,)))
    assert tail == ["box", "half;other", "mean", "likely"]


@needs_worker("litert")
def test_floats_give_what_torch_gives(tmp_path: Path) -> None:
    artifact = make_model(tmp_path / "run", 6)
    out = tmp_path / "out"
    out.mkdir()
    context = context_of(tmp_path / "job", Remote())
    made = find("target", "litert").load().export(artifact, options(), out, context)
    file = read_tflite(made.weights)
    assert file.tensors[file.inputs[0]].shape == (1, 54, 96, 6)
    frames = np.random.default_rng(0).integers(0, 256, (2, 54, 96, 6), dtype=np.uint8)
    for given, wanted in zip(_run(made, frames), _run(artifact, frames), strict=True):
        assert given.shape == wanted.shape
        assert np.abs(given - wanted).max() < 1e-4


def _run(artifact: ModelArtifact, frames: np.ndarray) -> tuple[np.ndarray, ...]:
    engine = open_engine(artifact, device="cpu")
    try:
        return engine.infer(frames)
    finally:
        engine.close()
