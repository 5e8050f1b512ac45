"""From a torch network to ncnn's two files, by pnnx.

There are two ways in, and no network was found that neither takes: the traced network, and the
checked ONNX file, in which all arithmetic on shapes is folded (YOLO and rotations need that; a SimCC
head comes out wrong of it). Each is run in ncnn beside torch, and the first that gives the same is
kept. One size only: pnnx's open sizes leave operators behind that ncnn has not.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.job import JobContext
from studio.exporting.onnx_file import last_words, need_package, write_onnx
from studio.io.files import atomic_write_bytes, read_bytes
from studio.runtime.engines.common import to_floats
from studio.runtime.opening import open_engine

TRACED, ONNX = "model.pt", "model.onnx"
# What a value may differ by: this share of the output's largest, and of one.
NEAR = 1e-3
_ASIDE = {
    "pnnxparam": "a.param", "pnnxbin": "a.bin", "pnnxpy": "a.py", "pnnxonnx": "a.onnx",
    "ncnnpy": "b.py",
}  # fmt: skip


def convert(module: Any, made: ModelArtifact, weights: Path, context: JobContext) -> None:
    """Write `made.weights` and the .bin beside it. weights: named in errors. Raises ModelError with
    what pnnx and ncnn said, MissingTool, Cancelled.
    """
    need_package("ncnn")
    ways: tuple[Callable[[Any, ModelArtifact, Path], str], ...] = (_trace, _onnx)
    said: list[str] = []
    for way in ways:
        context.check()
        with tempfile.TemporaryDirectory(prefix="pose-studio-") as text:
            folder = Path(text)
            there = dataclasses.replace(made, weights=folder / made.weights.name)
            try:
                source = way(module, there, weights)
                _run(source, there, half=False)
                _check(module, there)
                if made.precision == "fp16":
                    _run(source, there, half=True)
            except ModelError as error:
                said.append(error.message)
                continue
            for path in (there.weights, there.weights.with_suffix(".bin")):
                atomic_write_bytes(made.weights.with_name(path.name), read_bytes(path))
            return
    raise ModelError(f"This model cannot go to ncnn: {' '.join(said)}", where=weights)


def _trace(module: Any, made: ModelArtifact, weights: Path) -> str:
    import torch

    shape = (1, made.input.channels, *made.input.size)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # torch announces the end of its tracer, and each number that tracing fixes.
            warnings.simplefilter("ignore")
            traced: Any = torch.jit.trace(module, torch.zeros(shape), check_trace=False)
            traced.save(str(made.weights.with_name(TRACED)))
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        text = f"This model cannot be traced: {last_words(error)}"
        raise ModelError(text, where=weights) from error
    return TRACED


def _onnx(module: Any, made: ModelArtifact, weights: Path) -> str:
    write_onnx(module, made.weights.with_name(ONNX), made.input, weights=weights)
    return ONNX


def _run(source: str, made: ModelArtifact, *, half: bool) -> None:
    """Run pnnx on `source`. Raises ModelError with its last words."""
    height, width = made.input.size
    binary = made.weights.with_suffix(".bin")
    names = {**_ASIDE, "ncnnparam": made.weights.name, "ncnnbin": binary.name}
    command = [
        str(need_package("pnnx").EXEC_PATH), source,
        f"inputshape=[1,{made.input.channels},{height},{width}]f32",
        f"fp16={int(half)}", *(f"{key}={name}" for key, name in names.items()),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=made.weights.parent, capture_output=True, stdin=subprocess.DEVNULL,
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0 or not made.weights.is_file() or not binary.is_file():
        lines = [ln.strip() for ln in (done.stdout + done.stderr).splitlines() if ln.strip()]
        said = " ".join(ln for ln in lines if not ln.startswith("#"))[-300:]
        raise ModelError(f"pnnx cannot convert it: {said or done.returncode}.", where=source)


def _check(module: Any, made: ModelArtifact) -> None:
    """Raises ModelError where ncnn cannot run the files or gives other values than torch."""
    import torch

    # An operator that ncnn has not is left in the file under pnnx's own name.
    lines = made.weights.read_text(encoding="utf-8").splitlines()[2:]
    kinds = (line.split()[0] for line in lines if line.strip())
    unknown = sorted({kind for kind in kinds if "." in kind or "::" in kind})
    if unknown:
        raise ModelError(f"ncnn has no operators {', '.join(unknown)}.", where=made.weights)
    spec = made.input
    dice = np.random.default_rng(0)
    pictures = dice.integers(0, 256, (1, *spec.size, spec.channels), dtype=np.uint8)
    with torch.inference_mode():
        found = module(torch.from_numpy(to_floats(pictures, spec)))
    expected = [t.numpy() for t in (found if isinstance(found, tuple | list) else (found,))]
    engine = open_engine(made, device="cpu")
    try:
        given = engine.infer(pictures)
    finally:
        engine.close()
    for a, b in zip(given, expected, strict=False):
        if a.shape != b.shape or np.abs(a - b).max() > NEAR * (1 + np.abs(b).max()):
            raise ModelError("ncnn gives other values than the network.", where=made.weights)
    if len(given) != len(expected):
        raise ModelError("ncnn gives another number of outputs.", where=made.weights)
