"""A model that can be run: its weights and the `model.json` that says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import ModelError
from studio.core.skeleton import Skeleton

MODEL_JSON = "model.json"

# Which engine opens a file, by its suffix.
ENGINES = {
    ".pt": "torch",
    ".pth": "torch",
    ".torchscript": "torchscript",
    ".xml": "openvino",
    ".onnx": "onnxruntime",
    ".param": "ncnn",
    ".mnn": "mnn",
    ".tflite": "litert",
    ".espdl": "espdl",
}


@dataclass(frozen=True)
class InputSpec:
    """What a model wants: size is (height, width); values become (x / 255 - mean) / std with x
    the 0..255 pixel in the order `color`. `dynamic`: height and width may be any multiple of
    `stride`.
    """

    size: tuple[int, int]
    channels: int = 3
    color: str = "rgb"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    dynamic: bool = False
    stride: int = 32

    def to_mapping(self) -> dict[str, Any]:
        """As it stands in `model.json`."""
        return {
            "size": list(self.size),
            "channels": self.channels,
            "color": self.color,
            "mean": list(self.mean),
            "std": list(self.std),
            "dynamic": self.dynamic,
            "stride": self.stride,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> InputSpec:
        """The inverse of `to_mapping`; KeyError and TypeError are the caller's to explain."""
        height, width = data["size"]
        return cls(
            size=(int(height), int(width)),
            channels=int(data.get("channels", 3)),
            color=str(data.get("color", "rgb")),
            mean=tuple(float(v) for v in data.get("mean", (0, 0, 0))),
            std=tuple(float(v) for v in data.get("std", (1, 1, 1))),
            dynamic=bool(data.get("dynamic", False)),
            stride=int(data.get("stride", 32)),
        )


@dataclass(frozen=True)
class ModelArtifact:
    """One runnable model.

    family: the id of the plugin that made it. task: "pose" (people and joints in a
    picture), "keypoints" (joints of a crop or of fixed categories) or "head-pose".
    engine: one of `ENGINES`, told from `weights`' suffix.
    output: layout of the first output; for yolo-pose "decoded" is (N, 4 + C + 3K, anchors)
    before NMS and "end2end" is (N, M, 6 + 3K) after it.
    weights: absolute path of the file that the engine opens.
    """

    family: str
    task: str
    weights: Path
    input: InputSpec
    skeleton: Skeleton
    categories: tuple[str, ...] = ("person",)
    output: str = "decoded"
    precision: str = "fp32"
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    parent: str | None = None
    dataset_hash: str | None = None
    created: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def engine(self) -> str:
        """Which engine opens the weights. Raises ModelError for an unknown suffix."""
        suffix = self.weights.suffix.lower()
        try:
            return ENGINES[suffix]
        except KeyError:
            raise ModelError(
                f"No engine opens files ending in {suffix!r}.",
                where=self.weights,
                hint="Give a .pt, .onnx or OpenVINO .xml file, or its folder.",
            ) from None

    def to_mapping(self) -> dict[str, Any]:
        """The content of `model.json`; the weights by name, relative to the folder."""
        return {
            "v": 1,
            "family": self.family,
            "task": self.task,
            "weights": self.weights.name,
            "input": self.input.to_mapping(),
            "categories": list(self.categories),
            "skeleton": self.skeleton.to_mapping(),
            "output": self.output,
            "precision": self.precision,
            "metrics": dict(self.metrics),
            "parent": self.parent,
            "dataset_hash": self.dataset_hash,
            "created": self.created,
            **self.extra,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], folder: Path) -> ModelArtifact:
        """Read `model.json`'s content; `weights` may not lead out of `folder`.

        Raises ModelError where a key is missing, of the wrong type or of a newer version.
        """
        where = folder / MODEL_JSON
        if data.get("v") != 1:
            raise ModelError(
                f"model.json is of version {data.get('v')!r}; this studio reads version 1.",
                where=where,
            )
        try:
            weights = (folder / str(data["weights"])).resolve()
            if not weights.is_relative_to(folder.resolve()):
                raise ModelError("model.json names weights outside its own folder.", where=where)
            known = {
                "v", "family", "task", "weights", "input", "categories", "skeleton", "output",
                "precision", "metrics", "parent", "dataset_hash", "created",
            }  # fmt: skip
            return cls(
                family=str(data["family"]),
                task=str(data["task"]),
                weights=weights,
                input=InputSpec.from_mapping(data["input"]),
                skeleton=Skeleton.from_mapping(data["skeleton"], where=str(where)),
                categories=tuple(str(c) for c in data["categories"]),
                output=str(data.get("output", "decoded")),
                precision=str(data.get("precision", "fp32")),
                metrics={str(k): float(v) for k, v in data.get("metrics", {}).items()},
                parent=data.get("parent"),
                dataset_hash=data.get("dataset_hash"),
                created=str(data.get("created", "")),
                extra={k: v for k, v in data.items() if k not in known},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"model.json cannot be read: {error!r}.",
                where=where,
                hint="Export or train the model again, or mend the file.",
            ) from error
