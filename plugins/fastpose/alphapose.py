"""AlphaPose's YAML files: what they name, as options of ours; the rest is said to have no effect.

The names are facts of the files that users own; nothing is executed (safe YAML).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from studio.core.artifact import ModelArtifact
from studio.core.errors import FormatError
from studio.core.job import JobContext
from studio.io.files import read_json, read_text

from .config import STRIDE, TrainOptions

# AlphaPose's place: our option.
_PLAIN = {
    ("DATASET", "TRAIN", "ROOT"): "data",
    ("DATASET", "TRAIN", "AUG", "ROT_FACTOR"): "rotate",
    ("DATASET", "TRAIN", "AUG", "SCALE_FACTOR"): "scale",
    ("DATA_PRESET", "IMAGE_SIZE"): "imgsz",
    ("DATA_PRESET", "SIGMA"): "sigma",
    ("MODEL", "PRETRAINED"): "pretrained",
    ("MODEL", "TRY_LOAD"): "try_load",
    ("TRAIN", "BATCH_SIZE"): "batch",
    ("TRAIN", "END_EPOCH"): "epochs",
    ("TRAIN", "LR"): "lr",
    ("TRAIN", "LR_FACTOR"): "gamma",
    ("TRAIN", "LR_STEP"): "milestones",
    ("TRAIN", "OPTIMIZER"): "optimizer",
    ("TRAIN", "DPG_MILESTONE"): "jitter_from",
}
# Read with a meaning of their own below, or true of every training here.
_OTHERWISE = {
    ("DATASET", "TRAIN", "TYPE"), ("DATASET", "VAL", "TYPE"), ("DATASET", "TEST", "TYPE"),
    ("DATASET", "TRAIN", "ANN"), ("DATASET", "TRAIN", "IMG_PREFIX"),
    ("DATASET", "TRAIN", "AUG", "FLIP"), ("DATASET", "TRAIN", "AUG", "PROB_HALF_BODY"),
    ("DATASET", "VAL", "ROOT"), ("DATASET", "VAL", "ANN"), ("DATASET", "VAL", "IMG_PREFIX"),
    ("DATA_PRESET", "TYPE"), ("DATA_PRESET", "NUM_JOINTS"), ("DATA_PRESET", "HEATMAP_SIZE"),
    ("MODEL", "TYPE"), ("MODEL", "NUM_LAYERS"), ("LOSS", "TYPE"), ("TRAIN", "BEGIN_EPOCH"),
}  # fmt: skip
_DEPTHS = {18: "resnet18", 34: "resnet34", 50: "resnet50", 101: "resnet101", 152: "resnet152"}
_FASTPOSE = "FastPose"


def options_with_file(
    options: TrainOptions, context: JobContext | None, *, tell: bool = False
) -> TrainOptions:
    """`options` with what their `cfg` names, where the person did not ask otherwise.

    tell: say in the log what was taken and what has no effect. Raises FileProblem, FormatError, UsageError.
    """
    if options.cfg is None:
        return options
    path = options.cfg.expanduser()
    named, idle = values_of(path)
    asked = _asked(options, context)
    taken = {name: value for name, value in named.items() if name not in asked}
    if {"pretrained", "try_load"} & set(asked):
        taken = {k: v for k, v in taken.items() if k not in ("pretrained", "try_load")}
    if tell and context is not None:
        listed = ", ".join(f"{k} {_shown(v)}" for k, v in sorted(taken.items())) or "nothing"
        context.log(f"{path.name} gives {listed}.")
        if idle:
            context.log(f"{path.name} names what has no effect here: {', '.join(idle)}.")
    whole = {**options.to_mapping(), **taken}
    del whole["cfg"]
    return TrainOptions.from_mapping(whole).validated()


def values_of(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Values of our options in the file, and the file's names that have no effect.

    Raises FileProblem, and FormatError where it is no such file or asks for another network.
    """
    content = _read(path)
    flat = dict(_flat(content))
    model, kind = flat.get(("MODEL", "TYPE"), _FASTPOSE), flat.get(("DATA_PRESET", "TYPE"), "")
    if model != _FASTPOSE:
        raise FormatError(
            f"The file asks for {model}; what can be trained here is FastPose.", where=path
        )
    if kind not in ("", "simple"):
        raise FormatError(f"The file's DATA_PRESET.TYPE {kind} cannot be trained here.", where=path)
    values = {
        option: flat[place] for place, option in _PLAIN.items() if flat.get(place) not in (None, "")
    }
    values |= _meanings(flat, path)
    for name in ("data", "pretrained", "try_load"):
        if name in values:
            values[name] = str(_found(str(values[name]), path))
    idle = [".".join(p) for p in flat if p not in _PLAIN and p not in _OTHERWISE]
    return {name: _typed(name, value, path) for name, value in values.items()}, sorted(idle)


def configured(artifact: ModelArtifact, path: Path) -> ModelArtifact:
    """A model whose file does not say its input size, with the size that the YAML names.

    Raises FormatError where the YAML is of another number of joints.
    """
    flat = dict(_flat(_read(path)))
    joints = flat.get(("DATA_PRESET", "NUM_JOINTS"))
    if isinstance(joints, int) and joints != len(artifact.skeleton):
        raise FormatError(
            f"The file is of {joints} joints, the model of {len(artifact.skeleton)}.",
            where=path,
            hint="Give the YAML that the model was trained with.",
        )
    size = flat.get(("DATA_PRESET", "IMAGE_SIZE"))
    if size is None or not artifact.extra.get("cells_on_pixels"):
        # A model of ours knows its size.
        return artifact
    height, width = _typed("imgsz", size, path)
    if height % STRIDE or width % STRIDE:
        raise FormatError(f"IMAGE_SIZE {height} x {width} is no multiple of {STRIDE}.", where=path)
    return dataclasses.replace(
        artifact,
        input=dataclasses.replace(artifact.input, size=(height, width)),
        extra={**artifact.extra, "heatmap": [height // 4, width // 4]},
    )


def _meanings(flat: Mapping[tuple[str, ...], Any], path: Path) -> dict[str, Any]:
    """What needs more than another name."""
    values: dict[str, Any] = {}
    flip = flat.get(("DATASET", "TRAIN", "AUG", "FLIP"))
    if flip is not None:
        values["flip"] = 0.5 if flip else 0.0
    half = flat.get(("DATASET", "TRAIN", "AUG", "PROB_HALF_BODY"))
    if isinstance(half, int | float):
        # The original writes -1 for never.
        values["half_body"] = max(float(half), 0.0)
    layers = flat.get(("MODEL", "NUM_LAYERS"))
    if layers is not None:
        if layers not in _DEPTHS:
            raise FormatError(f"There is no ResNet of {layers} layers.", where=path)
        values["backbone"] = _DEPTHS[layers]
    other = flat.get(("DATASET", "VAL", "ROOT"))
    if other and other != flat.get(("DATASET", "TRAIN", "ROOT")):
        values["val_data"] = str(_found(str(other), path))
    if flat.get(("TRAIN", "LR_STEP")):
        values["schedule"] = "steps"
    return values


def _found(name: str, path: Path) -> Path:
    """A path of the file: from where the command stands, or from a folder above the file."""
    given = Path(name).expanduser()
    places = (Path.cwd(), *path.absolute().parents)
    return next((p / given for p in places if (p / given).exists()), given)


def _typed(name: str, value: Any, path: Path) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ",".join(str(v) for v in cast("Sequence[Any]", value))
    spec = next(f for f in TrainOptions.fields() if f.name == name)
    try:
        return spec.parse(str(value))
    except Exception as error:
        raise FormatError(f"{name} cannot be {value!r}: {error}", where=path) from error


def _asked(options: TrainOptions, context: JobContext | None) -> set[str]:
    """The options that a person gave, as against those left at their default."""
    spec = context.run_dir / "spec.json" if context is not None and context.run_dir else None
    if spec is not None and spec.is_file():
        return set(read_json(spec).get("options", {}))
    plain = TrainOptions().to_mapping()
    return {k for k, v in options.to_mapping().items() if plain.get(k) != v}


def _flat(content: Mapping[Any, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:  # fmt: skip
    rows: list[tuple[tuple[str, ...], Any]] = []
    for key, value in content.items():
        place = (*above, str(key))
        if isinstance(value, Mapping):
            rows += _flat(cast("Mapping[Any, Any]", value), place)
        else:
            rows.append((place, value))
    return rows


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise FormatError(f"The file is not YAML{line}.", where=path) from error
    if not isinstance(content, Mapping) or not {"MODEL", "TRAIN", "DATA_PRESET"} & set(content):
        raise FormatError(
            "This is no AlphaPose configuration: it has neither MODEL nor TRAIN nor DATA_PRESET.",
            where=path,
        )
    return cast("Mapping[str, Any]", content)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
