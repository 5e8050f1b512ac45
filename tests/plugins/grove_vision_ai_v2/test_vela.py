"""Vela itself compiles, and what it says is read."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ethosu")
pytest.importorskip("ai_edge_litert")

from studio.core.errors import ModelError
from studio.exporting.tflite_file import read_tflite
from studio.plugins.grove_vision_ai_v2.vela import VelaReport, compile_for_npu
from tests.tflite_toy import write_tflite
from tests.training_runs import Remote, context_of


def compiled(tmp_path: Path, **how: object) -> tuple[VelaReport, Path]:
    out = tmp_path / "toy_vela.tflite"
    model = write_tflite(tmp_path / "toy.tflite", **how)  # pyright: ignore[reportArgumentType]
    return compile_for_npu(model, out, context_of(tmp_path, Remote())), out


def test_whole_numbers_run_on_the_npu(tmp_path: Path) -> None:
    report, out = compiled(tmp_path)
    assert report.cpu_operators == 0
    assert report.npu_operators >= 1
    assert report.left == ()
    assert 3 <= report.sram_kib < 100, "the picture alone is 3 KiB"
    assert report.milliseconds > 0
    assert [op.name for op in read_tflite(out).operators] == ["ethos-u"]
    assert VelaReport.from_mapping(report.to_mapping()) == report


def test_what_stays_on_the_cpu_is_told(tmp_path: Path) -> None:
    report, _ = compiled(tmp_path, whole=False)
    assert report.cpu_operators == 1
    assert report.left == ("AVERAGE_POOL_2D",)


def test_vela_failing_is_told_in_its_own_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"nothing of the kind")
    out = tmp_path / "out.tflite"
    with pytest.raises(ModelError) as caught:
        compile_for_npu(broken, out, context_of(tmp_path, Remote()))
    assert "Vela ended with status" in caught.value.message
    assert not out.exists()
