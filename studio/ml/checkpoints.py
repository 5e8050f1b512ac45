"""Checkpoints of the studio's own families: written whole or not at all, read without running them.

A file is `{"v": 1, "family", "artifact": model.json's content, "model": state dict}`; `last.pt` holds
besides what a run needs to go on as if it had never ended: "epoch", "step", "optimizer", "scaler",
"ema", "options", "best", "versions". Everything is plain values and tensors, so that
`torch.load(weights_only=True)` opens it and no code of the file's author runs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.io.files import atomic_stream
from studio.io.trust import may_unpickle, probe
from studio.registry import contributions

if TYPE_CHECKING:
    import torch

VERSION = 1
# Under which keys others keep the network's tensors, the best first.
_NESTED = ("ema", "model", "state_dict", "model_state_dict", "net", "network", "weights")
_SHOWN = 4

log = logging.getLogger("studio.ml.checkpoints")

State = Mapping[str, "torch.Tensor"]


@dataclass(frozen=True)
class Weights:
    """The network's tensors in a file. family "" and an empty artifact: not written by the studio.

    state: of the averaged weights where there are such. last: the whole content of a checkpoint.
    """

    path: Path
    family: str
    artifact: Mapping[str, Any]
    state: State
    whole: Mapping[str, Any] = field(repr=False)

    def described(self) -> ModelArtifact:
        """The artefact that stands in the file. Raises ModelError where it is none of ours."""
        if not self.family:
            raise ModelError("These weights do not say what model they are of.", where=self.path)
        mapping = {**self.artifact, "weights": self.path.name}
        return ModelArtifact.from_mapping(mapping, self.path.parent)


@dataclass(frozen=True)
class Transfer:
    """What came over from a state dict into a network; names of tensors.

    shapes_differ: name, shape in the file, shape in the network.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes_differ: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the file and the network are of one shape."""
        return not (self.missing or self.unexpected or self.shapes_differ)

    def to_mapping(self) -> dict[str, Any]:
        """For the `transfer` event: plain values."""
        return {
            "matched": list(self.matched),
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
            "shapes_differ": [[n, list(a), list(b)] for n, a, b in self.shapes_differ],
        }

    def __str__(self) -> str:
        total = len(self.matched) + len(self.missing) + len(self.shapes_differ)
        parts = [f"{len(self.matched)} of the network's {total} tensors match"]
        if self.shapes_differ:
            shown = [f"{n} ({_shape(a)} there, {_shape(b)} here)" for n, a, b in self.shapes_differ]
            parts.append(f"{len(shown)} have another shape: {_listed(shown)}")
        if self.missing:
            parts.append(f"{len(self.missing)} are not in the file: {_listed(self.missing)}")
        if self.unexpected:
            parts.append(
                f"{len(self.unexpected)} are not in the network: {_listed(self.unexpected)}"
            )
        return "; ".join(parts) + "."


def read_weights(path: Path) -> Weights:
    """Open a weights file, ours or another's bare state dict.

    Raises ModelError, FileProblem. A file that needs full unpickling is opened only where a person
    agreed or nobody could be asked, and then with a warning.
    """
    path = path.absolute()
    if not path.is_file():
        raise ModelError(
            "The weights file is not there.",
            where=path,
            hint="Check the path; nothing is downloaded unasked.",
        )
    content = _load(path)
    if not isinstance(content, Mapping):
        raise ModelError(f"The file holds a {type(content).__name__}, not weights.", where=path)
    if "family" in content and "artifact" in content:
        if content.get("v") != VERSION:
            raise ModelError(
                f"These weights are of version {content.get('v')!r}; this studio reads version "
                f"{VERSION}.",
                where=path,
            )
        state = cast("State", (content.get("ema") or {}).get("state") or content["model"])
        return Weights(path, str(content["family"]), content["artifact"], state, content)
    return Weights(path, "", {}, _bare_state(content, path), content)


def write_weights(path: Path, family: str, artifact: ModelArtifact, state: State) -> None:
    """What a model needs to run, atomically and on the disk. Raises FileProblem."""
    _save(path, {"family": family, "artifact": artifact, "model": state})


def write_checkpoint(
    path: Path, family: str, artifact: ModelArtifact, course: Mapping[str, Any]
) -> None:
    """Weights with the whole state of a run: `course` has "model" and what else `last.pt` holds."""
    _save(path, {"family": family, "artifact": artifact, **course})


def check_family(weights: Weights, family: str) -> None:
    """Raise ModelError where the file is another family's."""
    if weights.family and weights.family != family:
        raise ModelError(
            f"These are weights of {weights.family}, not of {family}.",
            where=weights.path,
            hint=f"Give weights that a {family} training wrote.",
        )


def compare(model: torch.nn.Module, state: State) -> Transfer:
    """Which of the tensors in `state` fit into `model`; changes nothing."""
    own = model.state_dict()
    both = [name for name in own if name in state]
    differ = tuple(
        (name, tuple(state[name].shape), tuple(own[name].shape))
        for name in both
        if state[name].shape != own[name].shape
    )
    odd = {name for name, *_ in differ}
    return Transfer(
        matched=tuple(name for name in both if name not in odd),
        missing=tuple(name for name in own if name not in state),
        unexpected=tuple(name for name in state if name not in own),
        shapes_differ=differ,
    )


def transfer(model: torch.nn.Module, state: State) -> Transfer:
    """Copy every tensor whose name and shape match into `model`, leave the others as they are,
    and say which is which.
    """
    found = compare(model, state)
    model.load_state_dict({name: state[name] for name in found.matched}, strict=False)
    return found


def load_exactly(model: torch.nn.Module, weights: Weights, state: State | None = None) -> None:
    """All tensors of the file (or `state`) into `model`. Raises ModelError that names what differs:
    another head size, another backbone.
    """
    state = weights.state if state is None else state
    found = compare(model, state)
    if not found.whole:
        raise ModelError(
            f"These weights are of another network: {found}",
            where=weights.path,
            hint="Use the options they were trained with, or take over the matching tensors only.",
        )
    model.load_state_dict(dict(state))


def _save(path: Path, content: Mapping[str, Any]) -> None:
    import torch

    artifact: ModelArtifact = content["artifact"]
    # Through JSON: numbers of numpy and paths would need more than the restricted loader.
    mapping = orjson.loads(
        orjson.dumps(artifact.to_mapping(), default=str, option=orjson.OPT_SERIALIZE_NUMPY)
    )
    whole = {"v": VERSION, **content, "artifact": {**mapping, "weights": path.name}}
    with atomic_stream(path) as stream:
        watched = _Watched(stream)
        try:
            torch.save(whole, cast("Any", watched))
        except RuntimeError:
            # torch tells a full disk as a fault of its own archive.
            if watched.error is not None:
                raise watched.error from None
            raise


class _Watched:
    """Remembers the first failure to write, which torch hides."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """As the stream does."""
        try:
            return self._stream.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        """As the stream does."""
        self._stream.flush()


def _load(path: Path) -> Any:
    import pickle  # noqa: TID251 - for the name of its error alone

    import torch

    found = probe(path)
    # Before anything is opened: once a family's vendor is loaded, even the restricted loader calls
    # the classes that the vendor has told it to trust.
    _refuse_classes(path, found.wanted)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error).lower() and "global" not in str(error).lower():
            raise _unreadable(path) from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise _unreadable(path) from error
    return _load_all(path, found.unknown)


def _load_all(path: Path, unknown: Sequence[str]) -> Any:
    import torch

    wants = f": it wants {', '.join(unknown[:_SHOWN])}" if unknown else ""
    if not may_unpickle(path):
        raise ModelError(
            f"Opening this file runs code of its author{wants}; nobody agreed to that.",
            where=path,
            hint="Agree when the studio asks, if you trust where the file came from.",
        )
    log.warning("%s holds more than tensors%s. Opening it runs code of its author's.", path, wants)
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # a foreign pickle runs foreign code, which may raise anything
        raise _unreadable(path) from error


def _refuse_classes(path: Path, wanted: Sequence[str]) -> None:
    """Raise ModelError where the file holds another family's whole network: to open it would import
    that family's vendor behind its back.
    """
    for contribution in contributions("family"):
        prefixes = tuple(map(str, contribution.extra.get("classes", ())))
        if prefixes and any(name.startswith(prefixes) for name in wanted):
            raise ModelError(f"These are weights of {contribution.title}.", where=path)


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        "The file is empty, cut short or no PyTorch file.",
        where=path,
        hint="Copy it again from where it came.",
    )


def _bare_state(content: Mapping[str, Any], path: Path) -> State:
    """The network's tensors as other programs keep them, without a wrapper's prefix."""
    import torch

    found: Any = content
    for key in _NESTED:
        nested = content.get(key)
        if isinstance(nested, torch.nn.Module):
            nested = nested.state_dict()
        if isinstance(nested, Mapping) and _tensors(nested):
            found = nested
            break
    state = _tensors(found)
    if not state:
        keys = ", ".join(map(str, list(content)[:6])) or "none"
        raise ModelError(f"There are no weights in this file; its keys are {keys}.", where=path)
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _tensors(table: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    import torch

    return {str(k): v for k, v in table.items() if isinstance(v, torch.Tensor)}


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _listed(names: Any) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def versions() -> dict[str, str]:
    """What a checkpoint was made with."""
    import importlib.metadata

    import torch

    found: dict[str, str] = {"torch": str(torch.__version__)}
    with suppress(importlib.metadata.PackageNotFoundError):
        found["timm"] = importlib.metadata.version("timm")
    return found
