"""Finding out what a model is: from its `model.json`, or from what a foreign export says."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.artifact import MODEL_JSON, InputSpec, ModelArtifact
from studio.core.errors import FileProblem, ModelError, PluginError, StudioError, UsageError
from studio.core.skeleton import Skeleton
from studio.io.files import read_json, read_text
from studio.io.model_json import save_artifact
from studio.io.skeletons import guess_skeleton
from studio.registry.plugins import contributions, find
from studio.runtime.head_foreign import NetworkOutput, foreign_heads, may_be_heads

__all__ = ["load_artifact", "save_artifact"]

# How a folder is searched for weights; a training run keeps them one folder down.
_IN_FOLDER = (
    "*.xml", "*.onnx", "*.torchscript", "*.param", "*.mnn",
    "weights/best.pt", "best.pt", "weights/last.pt", "last.pt", "*.pt",
)  # fmt: skip
# Their files do not tell what a picture has to look like; metadata.yaml beside them does.
_TOLD_BESIDE = (".torchscript", ".param", ".mnn")
_METADATA = "metadata.yaml"
_FOREIGN_HINT = "Give a pose model, or one with the model.json that the studio wrote beside it."


def load_artifact(path: Path | str) -> ModelArtifact:
    """The model at `path`: a folder with `model.json` (an export, a training run), a weights
    file beside one, a bare `.pt`, an ultralytics export folder with `metadata.yaml`, or a bare
    ONNX or OpenVINO file of poses or of heads.

    Raises ModelError, or FileProblem where nothing is there.
    """
    path = Path(path).expanduser().absolute()
    if path.is_dir():
        if (path / MODEL_JSON).is_file():
            return _from_json(path)
        return load_artifact(_weights_in(path))
    if not path.is_file() and (path.parent / "weights" / path.name).is_file():
        # Guides name <run>/best.pt, which stands one folder further down here.
        path = path.parent / "weights" / path.name
    elif not path.is_file() and path.parent.name == "checkpoints":
        # 6DRepNet's guide has <run>/checkpoints/best.pt.
        path = path.parent.parent / "weights" / path.name
    if not path.is_file():
        raise FileProblem(
            "There is no such model.",
            where=path,
            hint="Check the path; nothing is downloaded unasked.",
        )
    if path.name == MODEL_JSON:
        return _from_json(path.parent)
    for folder in (path.parent, path.parent.parent):
        if (folder / MODEL_JSON).is_file():
            known = _from_json(folder)
            if known.weights == path.resolve():
                return known
    suffix = path.suffix.lower()
    if suffix in (".pt", ".pth"):
        return _ask_families(path)
    if suffix == ".xml":
        return _from_openvino(path)
    if suffix == ".onnx":
        return _from_onnx(path)
    if suffix in _TOLD_BESIDE:
        return _from_metadata(path)
    raise ModelError(
        f"No engine opens files ending in {suffix!r}.",
        where=path,
        hint="Give a .pt, .onnx or OpenVINO .xml file, or its folder.",
    )


def configured_artifact(artifact: ModelArtifact, file: Path) -> ModelArtifact:
    """A foreign model with what its own program's configuration file (`--cfg`) says of it.

    Raises UsageError where the model's family knows no such files; FileProblem, FormatError.
    """
    family = find("family", artifact.family).load()
    configured = getattr(family, "configured", None)
    if configured is None:
        raise UsageError(
            f"Models of {artifact.family} have no file of their own to say more.",
            where="cfg",
            hint="Leave --cfg out.",
        )
    return configured(artifact, file)


def _from_json(folder: Path) -> ModelArtifact:
    data = read_json(folder / MODEL_JSON)
    if not isinstance(data, Mapping):
        raise ModelError("model.json holds no table.", where=folder / MODEL_JSON)
    return ModelArtifact.from_mapping(data, folder)


def _weights_in(folder: Path) -> Path:
    for pattern in _IN_FOLDER:
        found = sorted(p for p in folder.glob(pattern) if p.is_file())
        if len(found) > 1:
            raise ModelError(
                f"There are {len(found)} models here: {', '.join(p.name for p in found[:4])}.",
                where=folder,
                hint="Name one of the files.",
            )
        if found:
            return found[0]
    raise ModelError(
        "There is no model in this folder.",
        where=folder,
        hint="It should hold a model.json, an OpenVINO .xml, an .onnx or a weights/best.pt.",
    )


def _ask_families(path: Path) -> ModelArtifact:
    """The first family that knows these weights; else what they all said."""
    refused: list[StudioError] = []
    for contribution in contributions("family"):
        try:
            if contribution.reason:
                raise PluginError(f"{contribution.title} cannot be used: {contribution.reason}")
            return contribution.load().describe(path)
        except StudioError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    raise ModelError(
        "No model family knows these weights: " + " ".join(e.message for e in refused),
        where=path,
        hint="Is it a checkpoint of a pose model?",
    )


def _from_openvino(path: Path) -> ModelArtifact:
    """A foreign IR: its `metadata.yaml`, or its shapes alone."""
    from studio.runtime.engines.openvino import openvino_core

    core = openvino_core()
    try:
        model = core.read_model(str(path))
    except RuntimeError as error:
        raise ModelError(
            "This is no OpenVINO model, or its .bin file is missing or cut short.",
            where=path,
            hint="The .xml and the .bin of one name belong together; export it again.",
        ) from error
    entry = _plain_shape(model.input(0).get_partial_shape())
    outputs = [
        NetworkOutput(" ".join(sorted(o.get_names())), _plain_shape(o.get_partial_shape()))
        for o in model.outputs
    ]
    metadata = path.parent / _METADATA
    told = _read_metadata(metadata) if metadata.is_file() else {}
    return _foreign(path, told, entry, outputs)


def _from_onnx(path: Path) -> ModelArtifact:
    """A foreign ONNX: the metadata inside it, or its shapes alone."""
    from studio.runtime.engines.onnxruntime import import_onnxruntime

    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no common base of its errors
        raise ModelError(
            f"This is no ONNX model that can be opened: {str(error)[:300]}", where=path
        ) from error
    told = dict(session.get_modelmeta().custom_metadata_map)
    metadata = path.parent / _METADATA
    if "task" not in told and metadata.is_file():
        told |= _read_metadata(metadata)
    outputs = [NetworkOutput(o.name, _closed(o.shape)) for o in session.get_outputs()]
    return _foreign(path, told, _closed(session.get_inputs()[0].shape), outputs)


def _from_metadata(path: Path) -> ModelArtifact:
    """A foreign file of one picture at a time, as the metadata.yaml beside it says."""
    metadata = path.parent / _METADATA
    told = _read_metadata(metadata) if metadata.is_file() else {}
    facts = {key: _value(value) for key, value in told.items()}
    joints = facts.get("kpt_shape")
    if not isinstance(joints, list | tuple) or not joints:
        raise ModelError(
            "This file does not say what model it is.",
            where=path,
            hint="Give it with the model.json or metadata.yaml that was written beside it.",
        )
    height, width = _size(facts.get("imgsz"), (-1, 3, -1, -1))
    numbers = 4 + len(_categories(facts.get("names"))) + 3 * int(joints[0])
    output = NetworkOutput("", (1, numbers, -1))
    return _foreign(path, told, (1, 3, height, width), [output])


def _closed(shape: Sequence[Any]) -> tuple[int, ...]:
    """-1 for an open size."""
    return tuple(v if isinstance(v, int) else -1 for v in shape)


def _plain_shape(shape: Any) -> tuple[int, ...]:
    """-1 for an open size; its upper bound does not matter here."""
    if shape.rank.is_dynamic:
        return ()
    return tuple(d.get_length() if d.is_static else -1 for d in shape)


def _read_metadata(path: Path) -> dict[str, Any]:
    import yaml

    try:
        told = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ModelError(f"The metadata cannot be read: {error}.", where=path) from error
    if not isinstance(told, dict):
        raise ModelError("The metadata holds no table.", where=path)
    return told


def _foreign(
    path: Path,
    told: Mapping[str, Any],
    entry: tuple[int, ...],
    outputs: Sequence[NetworkOutput],
) -> ModelArtifact:
    """An artefact for a model that others exported. `told` is its metadata (ONNX keeps each
    value as text); what it does not say is read from the shapes.
    """
    facts = {key: _value(value) for key, value in told.items()}
    if may_be_heads(facts, entry, outputs):
        return foreign_heads(path, facts, told, entry, outputs)
    output = outputs[0].shape
    task = facts.get("task", "pose")
    if task != "pose":
        raise ModelError(
            f"This is a {task} model, not a pose model.", where=path, hint=_FOREIGN_HINT
        )
    if len(entry) != 4 or entry[1] != 3 or len(output) != 3:
        raise ModelError(
            f"This model takes {list(entry)} and gives {list(output)}; a pose model takes one "
            "picture (N, 3, H, W) and gives (N, numbers a person, candidates), a head-pose model "
            "(N, 3, 3).",
            where=path,
            hint=_FOREIGN_HINT,
        )
    categories = _categories(facts.get("names"))
    joints, end2end = _joints(path, facts, output, len(categories))
    stride = _number(facts.get("stride"), 32)
    height, width = _size(facts.get("imgsz"), entry)
    return ModelArtifact(
        family=_family(str(facts.get("author", ""))),
        task="pose",
        weights=path.resolve(),
        input=InputSpec(size=(height, width), dynamic=entry[2] < 0 and entry[3] < 0, stride=stride),
        skeleton=_skeleton(joints, facts.get("kpt_names")),
        categories=categories,
        output="end2end" if end2end else "decoded",
        created=str(facts.get("date", "")),
        extra={"foreign": {k: str(v) for k, v in told.items()}} if told else {},
    )


def _value(value: Any) -> Any:
    """Text that spells a Python value as that value."""
    if not isinstance(value, str) or not re.match(r"^[\[({\-\d]|^(True|False|None)$", value):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _number(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else default


def _categories(names: Any) -> tuple[str, ...]:
    if isinstance(names, Mapping) and names:
        return tuple(str(names[k]) for k in sorted(names))
    if isinstance(names, list | tuple) and names:
        return tuple(str(n) for n in names)
    return ("person",)


def _joints(
    path: Path, facts: Mapping[str, Any], output: tuple[int, ...], categories: int
) -> tuple[int, bool]:
    """(number of joints, whether the model thins its candidates itself)."""
    shape = facts.get("kpt_shape")
    if isinstance(shape, list | tuple) and shape:
        joints, dims = int(shape[0]), int(shape[1]) if len(shape) > 1 else 3
        return joints, output[2] == 6 + joints * dims and output[
            1
        ] != 4 + categories + joints * dims
    decoded, end2end = output[1] - 4 - categories, output[2] - 6
    # There are always more candidates than numbers a candidate; an open size is a candidate count.
    rows_first = output[2] > 0 and (output[1] < 0 or output[1] > output[2])
    if not rows_first and decoded > 0 and decoded % 3 == 0:
        return decoded // 3, False
    if rows_first and end2end > 0 and end2end % 3 == 0:
        return end2end // 3, True
    raise ModelError(
        f"An output of {list(output)} is none of a pose model with {categories} categories.",
        where=path,
        hint=_FOREIGN_HINT,
    )


def _size(told: Any, entry: tuple[int, ...]) -> tuple[int, int]:
    if entry[2] > 0 and entry[3] > 0:
        return entry[2], entry[3]
    if isinstance(told, list | tuple) and len(told) == 2:
        return int(told[0]), int(told[1])
    side = _number(told, 640)
    return side, side


def _skeleton(joints: int, names: Any) -> Skeleton:
    """A known skeleton with those joints by name or number, else a numbered one."""
    if isinstance(names, Mapping) and names:
        names = names.get(0) or next(iter(names.values()))
    listed = [str(n) for n in names] if isinstance(names, list | tuple) else ()
    return guess_skeleton(joints, listed)


def _family(author: str) -> str:
    """The family whose plugin says that it reads what `author` exports."""
    for contribution in contributions("family"):
        if author and author.lower() in contribution.extra.get("authors", ()):
            return contribution.id
    return "foreign"
