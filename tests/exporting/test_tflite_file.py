"""What stands in a .tflite is read from the file itself."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert")

from studio.core.errors import ModelError
from studio.exporting.tflite_file import read_tflite
from tests.tflite_toy import write_tflite


def test_operators_and_tensors(tmp_path: Path) -> None:
    file = read_tflite(write_tflite(tmp_path / "toy.tflite"))
    assert [op.name for op in file.operators] == ["AVERAGE_POOL_2D"]
    assert file.float_tensors == ()
    entry, out = file.tensors[file.inputs[0]], file.tensors[file.outputs[0]]
    assert (entry.name, entry.shape, entry.kind, entry.zero) == (
        "picture", (1, 32, 32, 3), "INT8", -128,
    )  # fmt: skip
    assert entry.scale == pytest.approx(1 / 255, abs=1e-9)
    assert (out.shape, out.size, out.constant) == ((1, 4, 4, 3), 48, False)


def test_floats_and_strange_operators_are_seen(tmp_path: Path) -> None:
    file = read_tflite(write_tflite(tmp_path / "toy.tflite", whole=False, operator="Odd"))
    assert [t.name for t in file.float_tensors] == ["picture", "means"]
    assert [t.scale for t in file.tensors] == [None, None]
    assert [op.name for op in file.operators] == ["Odd"]


def test_other_and_damaged_files(tmp_path: Path) -> None:
    path = write_tflite(tmp_path / "toy.tflite")
    whole = path.read_bytes()
    for content in (b"", b"no model at all", whole[: len(whole) // 3]):
        path.write_bytes(content)
        with pytest.raises(ModelError) as caught:
            read_tflite(path)
        assert ".tflite" in caught.value.message
