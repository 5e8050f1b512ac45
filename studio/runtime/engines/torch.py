"""PyTorch, for weights that were not exported: the family's plugin builds the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, MissingTool, ModelError, UsageError
from studio.registry.plugins import find
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import ThreadedEngine, channel_order, maker

_TYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class TorchEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`. "auto" computes in f32."""

    name = "torch"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingTool(
                f"A .pt needs PyTorch: {error}.",
                where=artifact.weights,
                hint="Install it with: pip install 'pose-studio[yolo]', or export the model.",
            ) from error
        self._torch: Any = torch
        super().__init__(artifact)
        self.device = torch_device(torch, device)
        self.precision = "f32" if precision == "auto" else precision
        if self.precision == "f16" and self.device == "cpu":
            raise UsageError(
                "PyTorch does not compute in f16 on the CPU.",
                hint="Use --precision f32 or bf16.",
            )
        if threads:
            torch.set_num_threads(threads)
        self._module: Any = self._load()
        self._module.eval()

    def _load(self) -> Any:
        family = find("family", self._artifact.family).load()
        return family.load_torch(self._artifact, self.device)

    def _compute(self, pictures: Batch) -> Outputs:
        torch, spec = self._torch, self._artifact.input
        kind = getattr(torch, _TYPES[self.precision])
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device)
            x = x.permute(0, 3, 1, 2)
            x = (x[:, channel_order(spec)] if spec.color == "rgb" else x).float().div_(255)
            if any(spec.mean) or any(s != 1 for s in spec.std):
                x -= torch.tensor(spec.mean, device=x.device).view(1, -1, 1, 1)
                x /= torch.tensor(spec.std, device=x.device).view(1, -1, 1, 1)
            try:
                with torch.autocast(x.device.type, kind, enabled=self.precision != "f32"):
                    found = self._module(x.contiguous())
            except RuntimeError as error:
                raise ModelError(
                    f"PyTorch cannot run this model: {str(error)[:300]}",
                    where=self._artifact.weights,
                    hint="Use a smaller --imgsz or --batch, or another --device.",
                ) from error
        tensors = found if isinstance(found, tuple | list) else (found,)
        return tuple(t.float().cpu().numpy() for t in tensors if isinstance(t, torch.Tensor))

    def close(self) -> None:
        """See `Engine.close`."""
        super().close()
        self._module = None


def torch_device(torch: Any, asked: str) -> str:
    """PyTorch's name of the device asked for. Raises DeviceError where there is none."""
    name = asked.lower()
    if name in ("", "auto"):
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if name.isdigit():
        name = f"cuda:{name}"
    kind, _, number = name.partition(":")
    count = {"cpu": 1, "cuda": torch.cuda.device_count()}.get(kind, 0)
    if kind == "mps" and torch.backends.mps.is_available():
        count = 1
    if int(number or 0) >= count:
        raise DeviceError(
            f"PyTorch has no device {asked!r} on this machine.",
            hint="Use --device cpu, or leave it out.",
        )
    return name


def devices() -> tuple[tuple[str, str], ...]:
    """(what `--device` takes, full name) of every device that PyTorch sees here."""
    import torch

    cards = [(f"cuda:{n}", torch.cuda.get_device_name(n)) for n in range(torch.cuda.device_count())]
    apple = [("mps", "Apple GPU")] if torch.backends.mps.is_available() else []
    return (("cpu", "CPU"), *cards, *apple)


make_engine = maker(TorchEngine)
