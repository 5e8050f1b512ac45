"""TorchScript: a traced network, which PyTorch runs without the family's own code."""

from __future__ import annotations

import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, UsageError
from studio.io.trust import may_unpickle, probe
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import check_pictures, maker
from studio.runtime.engines.torch import TorchEngine

log = logging.getLogger("studio.runtime.engines.torchscript")


class TorchScriptEngine(TorchEngine):
    """See `studio.runtime.engine.Engine`, and `load_script` for what is opened."""

    name = "torchscript"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        if precision not in ("auto", "f32"):
            raise UsageError(
                f"A TorchScript file computes in f32, not in {precision}.",
                hint="Use --precision auto or f32.",
            )
        super().__init__(artifact, device, precision, threads)

    def _compute(self, pictures: Batch) -> Outputs:
        check_pictures(self._artifact, pictures)
        return super()._compute(pictures)

    def _load(self) -> Any:
        return load_script(self._torch, self._artifact.weights, self.device)


def load_script(torch: Any, path: Path, device: str) -> Any:
    """The network in a `.torchscript` file, on `device`. A file that wants more than a network's
    operators is opened only where a person agreed, as a pickle is. Raises ModelError.
    """
    hint = "Is it a TorchScript file, and complete? Export the model again."
    if not zipfile.is_zipfile(path):
        raise ModelError("This is no whole TorchScript file.", where=path, hint=hint)
    unknown = probe(path).unknown
    if unknown:
        wants = ", ".join(unknown[:4])
        if not may_unpickle(path):
            raise ModelError(
                f"Opening this file runs code of its author: it wants {wants}; nobody agreed "
                "to that.",
                where=path,
                hint="Agree when the studio asks, if you trust where the file came from.",
            )
        log.warning("%s holds more than a network: it wants %s.", path, wants)
    try:
        with warnings.catch_warnings():
            # torch announces the end of the format, which it still reads.
            warnings.simplefilter("ignore")
            return torch.jit.load(str(path), map_location=device)
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise ModelError(
            f"PyTorch cannot open this TorchScript file: {str(error).strip()[:300]}",
            where=path,
            hint=hint,
        ) from error


make_engine = maker(TorchScriptEngine)
