"""A model as one TorchScript file, which PyTorch runs without the studio."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import ModelError, Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.checks import common_problems
from studio.exporting.making import begin_export
from studio.exporting.onnx_file import last_words
from studio.io.files import atomic_stream
from studio.io.trust_script import operators

from .config import ExportOptions

MODEL = "model.torchscript"


class TorchScriptTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        return common_problems(artifact, options.imgsz)

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.torchscript. Raises ModelError where it cannot be traced."""
        made, module = begin_export(
            artifact,
            out / MODEL,
            context,
            imgsz=options.imgsz,
            fixed=options.fixed,
        )
        traced = _traced(module, made, artifact.weights)
        context.progress("convert", 1, 2)
        context.check()
        with atomic_stream(made.weights) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream.write(traced.save_to_buffer())
        context.progress("convert", 2, 2)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """It computes what the weights compute."""
        del artifact, options
        return Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """The operators that its program calls."""
        del context
        counts = Counter(name.rpartition(".")[2] for name in operators(made.weights))
        shown = ", ".join(f"{name} {count}" for name, count in counts.most_common(8))
        check = DeviceCheck(N_("Operators"), f"{sum(counts.values())} ({shown})")
        return DeviceReport((check,), values={"operators": dict(counts.most_common())})

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """The studio's own commands do."""
        del made
        return ()

    def notes(self, made: ModelArtifact) -> str:
        """What is TorchScript's own."""
        sides = "any height and width of those multiples" if made.input.dynamic else "one size"
        return (
            f"- `{MODEL}` is opened by `torch.jit.load` in Python and `torch::jit::load` in C++; "
            f"it takes {sides}, on every device of PyTorch's (`map_location`)."
        )


def _traced(module: Any, made: ModelArtifact, weights: Path) -> Any:
    """The traced network, seen to give what the network gives also for another size and count."""
    import torch

    spec = made.input
    height, width = spec.size
    more = spec.stride if spec.dynamic else 0
    count = 1 if made.extra.get("batch") == 1 else 2
    dice = np.random.default_rng(0)
    first, second = (
        torch.from_numpy(dice.random((n, spec.channels, h, w), dtype=np.float32))
        for n, h, w in ((1, height, width), (count, height + more, width + 2 * more))
    )
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # torch announces the end of its tracer, and each number that tracing fixes.
            warnings.simplefilter("ignore")
            traced: Any = torch.jit.trace(module, first, check_trace=False)
            pairs = zip(_tuple(traced(second)), _tuple(module(second)), strict=True)
            same = all(
                a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-2) for a, b in pairs
            )
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        raise ModelError(
            f"This model cannot be traced: {last_words(error)}", where=weights
        ) from error
    if not same:
        raise ModelError(
            "The traced model does not give what the network gives.",
            where=weights,
            hint="Export it with a fixed size.",
        )
    return traced


def _tuple(found: Any) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, tuple | list) else (found,)
