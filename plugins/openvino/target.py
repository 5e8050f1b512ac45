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

MODEL = "model.xml"


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
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.xml and model.bin. Raises ModelError where it cannot be converted."""
        size = _size(artifact, options)
        spec = dataclasses.replace(artifact.input, size=size, dynamic=not options.fixed)
        context.progress("convert", 0, 2)
        module = find("family", artifact.family).load().export_module(artifact)
        context.check()
        model = _converted(module, spec, artifact)
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
            extra={},
        )
        metadata = yaml.safe_dump(_metadata(made), sort_keys=False, allow_unicode=True)
        atomic_write_text(out / "metadata.yaml", metadata)
        atomic_write_text(out / "README.md", _readme(made))
        context.progress("convert", 2, 2)
        return made


def _size(artifact: ModelArtifact, options: ExportOptions) -> tuple[int, int]:
    sides = options.imgsz or artifact.input.size
    return int(sides[0]), int(sides[-1])


def _converted(module: Any, spec: InputSpec, artifact: ModelArtifact) -> Any:
    import torch

    ov = import_openvino()
    height, width = spec.size
    example = torch.zeros(1, spec.channels, height, width)
    shape = [-1, spec.channels, -1, -1] if spec.dynamic else [1, spec.channels, height, width]
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
    model.outputs[0].get_tensor().set_names({"output0"})
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


def _readme(artifact: ModelArtifact) -> str:
    height, width = artifact.input.size
    sizes = (
        f"Any height and width that are multiples of {artifact.input.stride}; "
        f"made for {height} x {width}."
        if artifact.input.dynamic
        else f"{height} x {width} only."
    )
    joints, people = len(artifact.skeleton), len(artifact.categories)
    return f"""# {artifact.skeleton.title or artifact.skeleton.name} pose model for OpenVINO

`model.xml` and `model.bin` ({artifact.precision}) belong together; `model.json` says how to run
them, and `certificate.json`, where it is there, how far they differ from the weights that they
were made from.

## Run it with Pose Studio

    pose-studio predict --model . --source picture.jpg
    pose-studio predict --model . --source 0 --show

## Run it in a program of your own

- Input `images`: (N, {artifact.input.channels}, height, width) float32, RGB, 0 to 1. {sizes}
  Keep the picture's proportions and fill the rest with grey (114).
- Output `output0`: (N, {4 + people + 3 * joints}, anchors) float32, in pixels of the input. Each
  anchor: box centre x, centre y, width, height; {people} score(s); then x, y and score of each of
  the {joints} joints, in the order of `model.json`. Overlapping boxes are still in it: apply
  non-maximum suppression (IoU 0.7).
- On processors with bf16 OpenVINO computes in it unless `INFERENCE_PRECISION_HINT` is `f32`;
  joints then move by about 0.3 pixels on average.

    import openvino
    model = openvino.Core().compile_model("model.xml", "CPU")
    output = model(pictures)[0]
"""
