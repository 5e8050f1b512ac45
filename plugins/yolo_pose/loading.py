"""From a weights file to a model that can be run, and to the artefact that describes it."""

from __future__ import annotations

import logging
import tomllib
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import RESOURCES
from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError
from studio.core.skeleton import Skeleton
from studio.io.trust import may_unpickle, probe

from .guard import ultralytics
from .names import plain_metrics

if TYPE_CHECKING:
    from torch import nn

FAMILY = "yolo-pose"
# The attribute of the saved network that carries what the studio knows of it (plain values).
STUDIO_KEY = "studio"

log = logging.getLogger("studio.plugins.yolo_pose")
# Files that were warned of: a job opens its weights several times.
_warned: set[Path] = set()


def describe(weights: Path) -> ModelArtifact:
    """The artefact of a bare `.pt`. Raises ModelError if it holds no pose model."""
    weights = weights.absolute()
    model, checkpoint = read_checkpoint(weights)
    return artifact_of(model, checkpoint, weights)


def artifact_of(model: Any, checkpoint: Mapping[str, Any], weights: Path) -> ModelArtifact:
    """The artefact of an opened checkpoint."""
    known: Mapping[str, Any] = getattr(model, STUDIO_KEY, None) or {}
    names = getattr(model, "names", None) or {0: "person"}
    if not isinstance(names, Mapping):
        names = dict(enumerate(names))
    size = _image_size(checkpoint, model)
    stride = int(max(float(s) for s in model.stride))
    return ModelArtifact(
        family=FAMILY,
        task="pose",
        weights=weights,
        input=InputSpec(
            size=(size, size),
            channels=int(getattr(model, "yaml", {}).get("channels", 3)),
            dynamic=True,
            stride=stride,
        ),
        skeleton=skeleton_of(model),
        categories=tuple(str(names[k]) for k in sorted(names)),
        output="decoded",
        metrics=_metrics(checkpoint),
        parent=known.get("parent"),
        dataset_hash=known.get("dataset_hash"),
        created=_created(checkpoint),
        extra={"architecture": str(getattr(model, "yaml", {}).get("yaml_file", "")) or "yolo"},
    )


def skeleton_of(model: Any) -> Skeleton:
    """The skeleton that a network was trained on: the one it carries, a known one with the same
    joints, or one made from the joint names (or only their number) that it states.
    """
    known: Mapping[str, Any] = getattr(model, STUDIO_KEY, None) or {}
    if known.get("skeleton"):
        return Skeleton.from_mapping(known["skeleton"])
    count = keypoint_shape(model)[0]
    names = _keypoint_names(model, count)
    coco = bundled_skeleton("coco17")
    if names is None:
        return coco if count == len(coco) else Skeleton.numbered(count)
    sigmas = getattr(model, "kpt_oks_sigmas", None)
    for path in sorted((RESOURCES / "skeletons").glob("*.toml")):
        skeleton = bundled_skeleton(path.stem)
        if skeleton.keypoints == names:
            return skeleton
    return Skeleton(
        name=f"points{count}",
        keypoints=names,
        sigmas=tuple(float(s) for s in sigmas) if sigmas else (),
    )


@lru_cache(maxsize=8)
def bundled_skeleton(name: str) -> Skeleton:
    """A skeleton that the studio ships."""
    path = RESOURCES / "skeletons" / f"{name}.toml"
    return Skeleton.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")), where=str(path))


def read_checkpoint(weights: Path) -> tuple[Any, dict[str, Any]]:
    """The float32 network in evaluation mode and the whole checkpoint.

    Only known classes are unpickled where that is enough; a file that needs more is opened
    with a warning. Raises ModelError that says what the file is where it is no pose model.
    """
    if not weights.is_file():
        raise ModelError(
            "The weights file is not there.",
            where=weights,
            hint="Check the path; nothing is downloaded unasked.",
        )
    if weights.suffix.lower() != ".pt":
        raise ModelError(
            "YOLO weights are a .pt file.",
            where=weights,
            hint="Give a training's best.pt, or published weights such as yolo11n-pose.pt.",
        )
    if not zipfile.is_zipfile(weights) and not _old_pickle(weights):
        raise ModelError(
            "The file is empty, cut short or no PyTorch file.",
            where=weights,
            hint="Copy it again from where it came.",
        )
    ultralytics()
    checkpoint = _unpickle(weights)
    found: Any = checkpoint.get("ema") or checkpoint.get("model")
    _refuse_foreign(found, checkpoint, weights)
    model: Any = found.float().eval()
    model.args = dict(checkpoint.get("train_args") or {})
    if not hasattr(model, "stride"):
        raise ModelError("The network does not say its stride.", where=weights)
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = True
    return model, checkpoint


def _old_pickle(weights: Path) -> bool:
    """Whether it may be a file of PyTorch before 1.6, which were no archives."""
    with weights.open("rb") as stream:
        return stream.read(1) == b"\x80"


def _unpickle(weights: Path) -> dict[str, Any]:
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):
        # An older torch has no restricted loader: what the file wants decides.
        checkpoint = _unpickle_all(weights, agreed=probe(weights).known)
    else:
        try:
            checkpoint, _ = torch_safe_load(str(weights), safe_only=True)
        except (TypeError, RuntimeError, ModuleNotFoundError, AttributeError, ValueError) as error:
            if "outside the supported" not in str(error):
                raise _unreadable(weights, error) from error
            checkpoint = _unpickle_all(weights)
    if not isinstance(checkpoint, dict):
        raise ModelError(
            f"The file holds a {type(checkpoint).__name__}, not a YOLO checkpoint.", where=weights
        )
    return checkpoint


def _unpickle_all(weights: Path, *, agreed: bool = False) -> Any:
    """Everything in the file, its author's code with it, where a person does not mind."""
    from ultralytics.nn.tasks import torch_safe_load

    if not agreed:
        _warn_or_refuse(weights)
    try:
        return torch_safe_load(str(weights), safe_only=False)[0]
    except Exception as error:  # a foreign pickle runs foreign code, which may raise anything
        raise _unreadable(weights, error) from error


def _warn_or_refuse(weights: Path) -> None:
    unknown = probe(weights).unknown
    wants = f": it wants {', '.join(unknown[:4])}" if unknown else ""
    if not may_unpickle(weights):
        raise ModelError(
            f"Opening this file runs code of its author{wants}; nobody agreed to that.",
            where=weights,
            hint="Agree when the studio asks, if you trust where the file came from.",
        )
    if weights not in _warned:
        _warned.add(weights)
        log.warning(
            "%s holds more than known model classes%s. Opening it runs code of its author's.",
            weights,
            wants,
        )


def _unreadable(weights: Path, error: Exception) -> ModelError:
    text = str(error)
    if "TorchScript" in text:
        message = "This is a TorchScript archive, not YOLO weights."
        hint = "Give the .pt that the training wrote."
    elif "YOLOv5" in text:
        message, hint = "These are weights of the old YOLOv5 project.", "Train with v8, 11 or 26."
    elif isinstance(error, AttributeError):
        message = "The file holds something else than a YOLO checkpoint."
        hint = "Give the .pt that a YOLO pose training wrote."
    elif isinstance(error, ModuleNotFoundError):
        message = f"The file needs the Python module {error.name!r} to be opened."
        hint = "It was saved by another program; it is no YOLO pose model of this kind."
    else:
        message = "The file is empty, cut short or no PyTorch file."
        hint = "Copy it again from where it came."
    return ModelError(message, where=weights, hint=hint)


def _refuse_foreign(model: Any, checkpoint: Mapping[str, Any], weights: Path) -> None:
    import torch

    hint = "Give YOLO pose weights, such as yolo11n-pose.pt or a training's best.pt."
    if not isinstance(model, torch.nn.Module):
        tensors = [k for k, v in checkpoint.items() if isinstance(v, torch.Tensor)]
        nested = checkpoint.get("state_dict") or checkpoint.get("model_state_dict")
        if tensors or nested is not None:
            found = tensors or list(nested or ())
            first = f", the first {found[0]!r}" if found else ""
            what = f"a bare state dict of another kind ({len(found)} tensors{first})"
        else:
            what = f"a table with the keys {', '.join(map(str, list(checkpoint)[:6])) or 'none'}"
        raise ModelError(f"This is {what}, not a YOLO checkpoint.", where=weights, hint=hint)
    network: Any = model
    head = type(network.model[-1]).__name__ if hasattr(model, "model") else type(model).__name__
    if not head.startswith("Pose"):
        kinds = {
            "Detect": "a detection model",
            "v10Detect": "a detection model",
            "Segment": "a segmentation model",
            "Classify": "a classification model",
            "OBB": "a rotated-box model",
        }
        what = kinds.get(head, f"a {type(model).__name__}")
        raise ModelError(f"This is {what}, not a pose model.", where=weights, hint=hint)


def load_module(
    artifact: ModelArtifact, device: str = "cpu", *, dynamic: bool = False
) -> nn.Module:
    """A module in evaluation mode: (N, C, H, W) float32 RGB 0..1 in, H and W multiples of
    `artifact.input.stride`; (N, 4 + categories + 3K, anchors) float32 out: box centre x, centre
    y, width, height in pixels of the input, a score each category, then x, y, score each joint.

    `dynamic`: rebuild the anchor grid from the input's own shape each time, as tracing needs.
    """
    model = fused_model(artifact)
    head = model.model[-1]
    head.export = True
    head.dynamic = dynamic
    try:
        return _decoded(model, keypoint_shape(model)[1]).to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"The device {device!r} cannot be used: {error}") from error


def fused_model(artifact: ModelArtifact) -> Any:
    """The network in evaluation mode with its batch normalisation folded into the convolutions,
    and the head whose candidates are thinned afterwards. Raises ModelError.
    """
    model, _ = read_checkpoint(artifact.weights)
    head = model.model[-1]
    if hasattr(type(head), "end2end") and getattr(head, "one2one_cv2", None) is not None:
        head.end2end = False
    model = model.fuse(verbose=False).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def _decoded(model: Any, dims: int) -> nn.Module:
    import torch

    class Decoded(torch.nn.Module):
        """The network with one output; a joint without a score of its own gets 1."""

        def __init__(self) -> None:
            super().__init__()
            self.network = model
            self.joints = keypoint_shape(model)[0]

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            out = self.network(images)
            if dims == 3:
                return out
            plain, points = out[:, : -2 * self.joints], out[:, -2 * self.joints :]
            points = points.reshape(out.shape[0], self.joints, 2, -1)
            points = torch.cat([points, torch.ones_like(points[:, :, :1])], 2)
            return torch.cat([plain, points.reshape(out.shape[0], self.joints * 3, -1)], 1)

    return Decoded()


def keypoint_shape(model: Any) -> tuple[int, int]:
    """How many joints, and numbers a joint."""
    shape = getattr(model, "kpt_shape", None) or model.model[-1].kpt_shape
    return int(shape[0]), int(shape[1])


def _keypoint_names(model: Any, count: int) -> tuple[str, ...] | None:
    names = getattr(model, "kpt_names", None)
    if isinstance(names, Mapping):
        names = names.get(0) or next(iter(names.values()), None)
    if not names or len(names) != count:
        return None
    listed = tuple(str(n) for n in names)
    numbered = listed == tuple(str(i) for i in range(count))
    return None if numbered or len(set(listed)) != count else listed


def _image_size(checkpoint: Mapping[str, Any], model: Any) -> int:
    size = (checkpoint.get("train_args") or {}).get("imgsz") or model.args.get("imgsz") or 640
    if isinstance(size, list | tuple):
        size = max(size)
    return int(size)


def _metrics(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    return plain_metrics(checkpoint.get("train_metrics") or {})


def _created(checkpoint: Mapping[str, Any]) -> str:
    text = checkpoint.get("date")
    if not isinstance(text, str):
        return ""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except ValueError:
        return text
