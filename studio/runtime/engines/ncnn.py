"""ncnn, on the processor, in f32: the network is `<name>.param`, its weights `<name>.bin` beside it.

One picture at a time goes in; a batch is a loop. Blobs are named as pnnx names them: `in0`; `out0`,
`out1`, ...
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import MissingTool, ModelError
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import (
    ThreadedEngine,
    check_cpu,
    check_pictures,
    maker,
    to_floats,
)

_MAGIC = "7767517"


def import_ncnn() -> Any:
    """The package. Raises MissingTool where it is not installed."""
    try:
        import ncnn
    except ImportError as error:
        raise MissingTool(
            f"ncnn cannot be used: {error}.", hint="Install it with: pip install ncnn"
        ) from error
    return ncnn


class NcnnEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`."""

    name = "ncnn"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        check_cpu("ncnn", device, precision)
        self._ncnn = import_ncnn()
        super().__init__(artifact)
        self._net: Any = self._opened(artifact.weights, threads)
        self._entry = str(self._net.input_names()[0])
        self._exits = sorted((str(n) for n in self._net.output_names()), key=_number)

    def _compute(self, pictures: Batch) -> Outputs:
        check_pictures(self._artifact, pictures)
        values = to_floats(pictures, self._artifact.input)
        each = [self._one(value) for value in values]
        return tuple(np.stack(outputs) for outputs in zip(*each, strict=True))

    def _one(self, values: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """The outputs for one (C, H, W) input."""
        found: list[npt.NDArray[np.float32]] = []
        run = self._net.create_extractor()
        run.input(self._entry, self._ncnn.Mat(values).clone())
        for name in self._exits:
            code, output = run.extract(name)
            if code != 0:
                raise ModelError(
                    f"ncnn cannot run this model: output {name} ended with {code}.",
                    where=self._artifact.weights,
                    hint="Export the model again; the .bin file must be the .param file's own.",
                )
            found.append(np.array(output, dtype=np.float32))
        return found

    def _opened(self, path: Path, threads: int) -> Any:
        binary = path.with_suffix(".bin")
        hint = "The .param and the .bin of one name belong together; export the model again."
        if not binary.is_file():
            raise ModelError("The weights of this ncnn model are missing.", where=binary, hint=hint)
        with path.open("rb") as stream:
            known = stream.readline(64).strip().decode("ascii", "replace") == _MAGIC
        net = self._ncnn.Net()
        options = net.opt
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = False
        if threads:
            options.num_threads = threads
        if not known or net.load_param(str(path)) != 0 or net.load_model(str(binary)) != 0:
            raise ModelError("This is no whole ncnn model.", where=path, hint=hint)
        if len(net.input_names()) != 1 or not net.output_names():
            raise ModelError("The model has other inputs than one picture.", where=path)
        return net


def _number(name: str) -> tuple[int, str]:
    digits = "".join(c for c in name if c.isdigit())
    return int(digits or 0), name


make_engine = maker(NcnnEngine)
