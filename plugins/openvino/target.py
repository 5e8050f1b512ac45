"""A model as OpenVINO files, with open height and width unless one size is asked for."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import studio
from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError, Problem
from studio.core.job import JobContext
from studio.io.files import atomic_write_text
from studio.registry import find
from studio.runtime.engines.openvino import import_openvino

from .config import ExportOptions
from .readme import readme

MODEL = "model.xml"
POSE = "pose"
_OF_THE_TRAINING = frozenset({"best_epoch", "epochs"})


class OpenVinoTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        found: list[Problem] = []
        if artifact.engine != "torch":
            text = f"{artifact.weights.name} is an exported model already."
            found.append(Problem(text, where="weights", hint="Give the .pt it was made from."))
        sides = options.imgsz or artifact.input.size
        stride = artifact.input.stride
        if len(sides) > 2 or any(s < stride or s % stride for s in sides):
            text = f"--imgsz is one side or height,width, each a multiple of {stride}."
            found.append(Problem(text, where="imgsz"))
        elif not artifact.input.dynamic and _size(artifact, options) != artifact.input.size:
            height, width = artifact.input.size
            text = f"This model looks at pictures of {height} x {width} only."
            found.append(Problem(text, where="imgsz", hint="Leave --imgsz out."))
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.xml and model.bin. Raises ModelError where it cannot be converted."""
        size = _size(artifact, options)
        open_sizes = artifact.input.dynamic and not options.fixed
        spec = dataclasses.replace(artifact.input, size=size, dynamic=open_sizes)
        context.progress("convert", 0, 2)
        module = find("family", artifact.family).load().export_module(artifact)
        context.check()
        model = _converted(module, spec, artifact, one=options.fixed)
        context.progress("convert", 1, 2)
        context.check()
        path = out / MODEL
        import_openvino().save_model(model, str(path), compress_to_fp16=options.half)
        made = dataclasses.replace(
            artifact,
            weights=path,
            input=spec,
            precision="fp16" if options.half else "fp32",
            parent=str(artifact.weights.name),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            extra=_kept(artifact, options),
        )
        if made.task == POSE:
            metadata = yaml.safe_dump(_metadata(made), sort_keys=False, allow_unicode=True)
            atomic_write_text(out / "metadata.yaml", metadata)
        atomic_write_text(
            out / "README.md", readme(made, [str(o.partial_shape) for o in model.outputs])
        )
        context.progress("convert", 2, 2)
        return made


def _kept(artifact: ModelArtifact, options: ExportOptions) -> dict[str, Any]:
    """What a runtime must know of the network besides its input; not how long it was trained."""
    kept = {k: v for k, v in artifact.extra.items() if k not in _OF_THE_TRAINING}
    return {**kept, "batch": 1} if options.fixed else kept


def _size(artifact: ModelArtifact, options: ExportOptions) -> tuple[int, int]:
    sides = options.imgsz or artifact.input.size
    return int(sides[0]), int(sides[-1])


def _converted(module: Any, spec: InputSpec, artifact: ModelArtifact, *, one: bool) -> Any:
    """one: a single picture of the size can go in, as some devices need it."""
    import torch

    ov = import_openvino()
    height, width = spec.size
    example = torch.zeros(1, spec.channels, height, width)
    sides = [-1, -1] if spec.dynamic else [height, width]
    shape = [1 if one else -1, spec.channels, *sides]
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # torch announces the end of its tracer, which openvino still uses.
            warnings.simplefilter("ignore")
            model = ov.convert_model(
                module, example_input=example, input=[ov.PartialShape(shape)], verbose=False
            )
    except RuntimeError as error:
        raise ModelError(
            f"OpenVINO cannot convert this model: {str(error).splitlines()[0]}",
            where=artifact.weights,
        ) from error
    model.inputs[0].get_node().set_friendly_name("images")
    model.inputs[0].get_tensor().set_names({"images"})
    for number, output in enumerate(model.outputs):
        output.get_tensor().set_names({f"output{number}"})
    return model


def _metadata(artifact: ModelArtifact) -> dict[str, Any]:
    """What other programs that run YOLO exports read."""
    return {
        "description": "Pose model exported by Pose Studio",
        "author": "Pose Studio",
        "date": artifact.created,
        "version": studio.__version__,
        "license": "AGPL-3.0",
        "stride": artifact.input.stride,
        "task": artifact.task,
        "batch": 1,
        "imgsz": list(artifact.input.size),
        "names": dict(enumerate(artifact.categories)),
        "kpt_shape": [len(artifact.skeleton), 3],
        "kpt_names": {0: list(artifact.skeleton.keypoints)},
        "channels": artifact.input.channels,
        "end2end": False,
        "args": {"dynamic": artifact.input.dynamic, "half": artifact.precision == "fp16"},
    }
