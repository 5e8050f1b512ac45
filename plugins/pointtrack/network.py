"""A point tracker's network in a file, and what it takes and gives.

It is called with frames (T, H, W, 3) uint8 BGR and queries (N, 3) float32: the frame that a point
is given on, counted from 0, and its x, y in pixels (the middle of the first pixel is 0.5, 0.5). It
gives tracks (T, N, 2) float32, x, y in the same pixels on each frame, and visible (T, N) float32,
0..1. T, N, H and W change from call to call. An ONNX file has the inputs "frames" and "queries"
and the outputs "tracks" and "visible".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, MissingTool, ModelError
from studio.runtime.engines.onnxruntime import import_onnxruntime, open_session
from studio.runtime.engines.torch import torch_device
from studio.runtime.engines.torchscript import load_script

Frames = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_INPUTS = {"frames", "queries"}
_OUTPUTS = ("tracks", "visible")


class PointNetwork(Protocol):
    """See the module."""

    def follow(self, frames: Frames, queries: Floats) -> tuple[Floats, Floats]:
        """Tracks and visible. Raises ModelError where the network gives something else."""
        ...


def open_network(path: Path, device: str = "auto") -> PointNetwork:
    """The network in a `.torchscript` or `.onnx` file. Raises ModelError, FileProblem, DeviceError,
    MissingTool.
    """
    if not path.is_file():
        raise FileProblem("The point tracker's file is not there.", where=path,
                          hint="Check the path; nothing is downloaded.")  # fmt: skip
    suffix = path.suffix.lower()
    if suffix == ".torchscript":
        return _ScriptNetwork(path, device)
    if suffix == ".onnx":
        return _OnnxNetwork(path, device)
    raise ModelError(
        "A point tracker is a .torchscript or .onnx file: its network comes with it.",
        where=path,
        hint="A file of weights alone is opened by its authors' program, which can write such a "
        "file; the help on trackers says how.",
    )


class _ScriptNetwork:
    def __init__(self, path: Path, device: str) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingTool(
                f"A .torchscript needs PyTorch: {error}.", where=path, hint="Install torch."
            ) from error
        self._torch: Any = torch
        self._path = path
        self._device = torch_device(torch, device)
        self._module: Any = load_script(torch, path, self._device).eval()

    def follow(self, frames: Frames, queries: Floats) -> tuple[Floats, Floats]:
        """See `PointNetwork`."""
        torch = self._torch
        with torch.inference_mode():
            given = [torch.from_numpy(a).to(self._device) for a in (frames, queries)]
            try:
                found = self._module(*given)
            except RuntimeError as error:
                raise _refused(self._path, "PyTorch", error) from error
            found = found if isinstance(found, tuple | list) else (found,)
            arrays = [f.float().cpu().numpy() for f in found if isinstance(f, torch.Tensor)]
        return _checked(arrays, len(frames), len(queries), self._path)


class _OnnxNetwork:
    def __init__(self, path: Path, device: str) -> None:
        self._path = path
        self._session, _ = open_session(import_onnxruntime(), path, device)
        names = {entry.name for entry in self._session.get_inputs()}
        given = {entry.name for entry in self._session.get_outputs()}
        if names != _INPUTS or not given.issuperset(_OUTPUTS):
            raise ModelError(
                f"It takes {', '.join(sorted(names))} and gives {', '.join(sorted(given))}.",
                where=path,
                hint="A point tracker takes frames and queries and gives tracks and visible.",
            )

    def follow(self, frames: Frames, queries: Floats) -> tuple[Floats, Floats]:
        """See `PointNetwork`."""
        try:
            found = self._session.run(list(_OUTPUTS), {"frames": frames, "queries": queries})
        except Exception as error:  # the library has no common base of its errors
            raise _refused(self._path, "ONNX Runtime", error) from error
        arrays = [np.asarray(f, np.float32) for f in found]
        return _checked(arrays, len(frames), len(queries), self._path)


def _refused(path: Path, runtime: str, error: Exception) -> ModelError:
    return ModelError(
        f"{runtime} cannot run this point tracker: {str(error).strip()[-300:]}",
        where=path,
        hint="It has to take frames (T, H, W, 3) uint8 and queries (N, 3) float32 of any size.",
    )


def _checked(
    arrays: Sequence[npt.NDArray[Any]], frames: int, points: int, path: Path
) -> tuple[Floats, Floats]:
    shapes = [a.shape for a in arrays]
    if shapes != [(frames, points, 2), (frames, points)]:
        raise ModelError(
            f"It gave {', '.join(map(str, shapes)) or 'nothing'} for {frames} frames and {points} "
            "points.",
            where=path,
            hint=f"Expected are tracks {(frames, points, 2)} and visible {(frames, points)}.",
        )
    tracks, visible = (np.asarray(a, np.float32) for a in arrays)
    return tracks, np.where(np.isfinite(tracks).all(axis=2), np.nan_to_num(visible), 0.0)
