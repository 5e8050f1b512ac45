"""atc, the compiler of Huawei's CANN toolkit: its command, and running it where it is installed."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from studio.core.artifact import InputSpec
from studio.core.errors import ModelError
from studio.core.job import JobContext
from studio.io.toolchains import follow

TOOL = "atc"


def command(spec: InputSpec, model: str, entry: str, chip: str, aipp: str) -> list[str]:
    """The command of atc for `model`, a file name in the present folder, whose input is called `entry`;
    it makes a .om of the same name. aipp: the configuration's file name, "" for none.
    """
    height, width = spec.size
    parts = [
        TOOL,
        "--framework=5",
        f"--model={model}",
        f"--output={Path(model).stem}",
        "--input_format=NCHW",
        f"--input_shape={entry}:1,{spec.channels},{height},{width}",
        f"--soc_version={chip}",
    ]
    if aipp:
        parts.append(f"--insert_op_conf={aipp}")
    return [*parts, "--output_type=FP32"]


def script(parts: Sequence[str]) -> str:
    """The command as a shell script that works wherever it is called from."""
    lines = " \\\n    ".join(shlex.quote(part) for part in parts)
    return f"""#!/bin/sh
# Run this where Huawei's CANN toolkit is installed (source its set_env.sh first).
set -e
cd "$(dirname "$0")"
{lines}
"""


def installed() -> str | None:
    """Where atc stands, if it is on PATH."""
    return shutil.which(TOOL)


def compiled(parts: Sequence[str], made: Path, tool: str, context: JobContext) -> None:
    """Run the command in the folder of `made`, the .om that it makes. Raises ModelError with atc's
    own last words, Cancelled.
    """
    say = partial(context.log, level="debug")
    try:
        status, last = follow([tool, *parts[1:]], dict(os.environ), context, say, made.parent)
    except OSError as error:
        raise ModelError(f"atc cannot be started: {error.strerror}.", where=tool) from error
    if status != 0 or not made.is_file():
        raise ModelError(
            f"atc ended with status {status} and made no {made.name}: {last}",
            where=tool,
            hint="Its own log folder says more; the chip's name must be one that this atc knows.",
        )
