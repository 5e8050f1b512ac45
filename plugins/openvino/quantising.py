"""A network in whole numbers: NNCF sets the ranges by pictures and says what it cost."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import MissingTool, ModelError
from studio.core.job import JobContext
from studio.exporting.calibration import CalibrationSet
from studio.runtime.engines.common import to_floats
from studio.runtime.engines.openvino import import_openvino
from studio.runtime.signal_stack import signal_stack_kept

from .accuracy import Judge
from .float_parts import LAYERS, float_parts

# Pictures on which each layer's part in the loss is measured: there are a hundred layers.
_RANKED = 20


def import_nncf() -> Any:
    """The package, without its telemetry and its words. Raises MissingTool."""
    import_openvino()
    try:
        import nncf
    except ImportError as error:
        raise MissingTool(
            f"NNCF cannot be used: {error}.", hint="Install it with: pip install nncf"
        ) from error
    nncf.set_log_level(logging.ERROR)
    return nncf


def quantised(
    model: Any,
    artifact: ModelArtifact,
    pictures: CalibrationSet,
    context: JobContext,
    judge: Judge | None = None,
) -> Any:
    """`model`, an `openvino.Model`, with weights and activations of eight bits where that is good.

    judge: layers go back to float until it is content. Raises ModelError, Cancelled, and what
    reading the pictures raises.
    """
    nncf = import_nncf()
    source = _Pictures(pictures, artifact, context)
    settings: dict[str, Any] = {
        "preset": nncf.QuantizationPreset.MIXED,
        "subset_size": len(pictures),
        "ignored_scope": nncf.IgnoredScope(list(float_parts(model, artifact)), validate=False),
    }
    # The whole range of what the pictures gave, and no correction of biases: yolo11n-pose lost
    # .001 of AP so and .008 by NNCF's own choice (mean of both halves of 88 pictures).
    ranges = nncf.quantization.range_estimator.RangeEstimatorParametersSet.MINMAX
    advanced = nncf.AdvancedQuantizationParameters(
        disable_bias_correction=True, activations_range_estimator_params=ranges
    )
    data = nncf.Dataset(source)
    try:
        # NNCF opens and leaves Cores of its own.
        with _quiet(), signal_stack_kept():
            return _run(nncf, model, data, settings, advanced, judge)
    except (RuntimeError, nncf.InternalError, nncf.ValidationError) as error:
        raise ModelError(
            f"NNCF cannot quantise this model: {str(error).strip().splitlines()[-1][:300]}",
            where=artifact.weights,
        ) from error


def _run(
    nncf: Any,
    model: Any,
    data: Any,
    settings: dict[str, Any],
    advanced: Any,
    judge: Judge | None,
) -> Any:
    if judge is None:
        return nncf.quantize(model, data, advanced_parameters=advanced, **settings)
    restorer = nncf.AdvancedAccuracyRestorerParameters(
        ranking_subset_size=min(_RANKED, len(judge)), num_ranking_workers=1
    )
    return nncf.quantize_with_accuracy_control(
        model,
        data,
        nncf.Dataset(range(len(judge)), lambda i: i),
        judge.validate,
        max_drop=judge.max_drop,
        advanced_quantization_parameters=advanced,
        advanced_accuracy_restorer_parameters=restorer,
        **settings,
    )


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """No bars of NNCF's on standard output: events may stand there."""
    import rich

    console = rich.get_console()
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


class _Pictures:
    """The calibration pictures as the network gets them, once for each time that NNCF looks."""

    def __init__(
        self, pictures: CalibrationSet, artifact: ModelArtifact, context: JobContext
    ) -> None:
        self._pictures = pictures
        self._artifact = artifact
        self._context = context

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        for number, batch in enumerate(self._pictures.batches(), 1):
            self._context.check()
            yield to_floats(batch, self._artifact.input)
            self._context.progress("calibrate", number, len(self))


def layers(model: Any) -> tuple[int, int]:
    """How many layers with weights of their own an `openvino.Model` has, and how many of them
    compute in whole numbers.
    """
    weighted = [n for n in model.get_ordered_ops() if n.get_type_name() in LAYERS and _weights(n)]
    whole = [n for n in weighted if _weights(n)[0].get_element_type().bitwidth == 8]
    return len(weighted), len(whole)


def _weights(layer: Any) -> list[Any]:
    """The constant behind the second input of `layer`; empty where it is computed."""
    node = layer.input_value(1).get_node()
    while node.get_type_name() in ("Convert", "Multiply", "Subtract", "Reshape", "FakeQuantize"):
        node = node.input_value(0).get_node()
    return [node] if node.get_type_name() == "Constant" else []


def said(counts: Iterable[int]) -> str:
    """For the log and the certificate."""
    total, whole = counts
    return f"{whole} of {total} layers in int8"
