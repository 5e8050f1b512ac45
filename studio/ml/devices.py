"""Which devices a training can run on; torch is asked only where it must be."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from studio.core.errors import DeviceError, Problem
from studio.core.options import N_, Choice

AUTO = "auto"


def device_choices() -> Sequence[Choice]:
    """What a form may offer, without importing torch: GPUs are counted by their driver's files."""
    found = [Choice(AUTO, N_("Automatic")), Choice("cpu", "CPU")]
    found += [Choice(str(i), f"GPU {i}") for i in range(_driver_gpus())]
    if sys.platform == "darwin":
        found.append(Choice("mps", "Apple GPU"))
    return found


@cache
def _driver_gpus() -> int:
    root = Path("/proc/driver/nvidia/gpus")
    if root.is_dir():
        return len(list(root.iterdir()))
    if sys.platform == "win32":
        import shutil
        import subprocess

        tool = shutil.which("nvidia-smi")
        if tool:
            ran = subprocess.run(
                [tool, "-L"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                # The window has no console: without this a black one would flash up.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            return sum(line.startswith("GPU ") for line in ran.stdout.splitlines())
    return 0


def device_problem(device: str) -> Problem | None:
    """Why torch cannot use `device` ("auto", "cpu", "mps", "0", "cuda:0"), or None."""
    name = device.strip().lower().removeprefix("cuda:")
    if name in (AUTO, "cpu"):
        return None
    import torch

    if name == "mps":
        if torch.backends.mps.is_available():
            return None
        return Problem("This machine has no Apple GPU.", where="device", hint="Use --device cpu.")
    if "," in name:
        return Problem(
            "Training on several GPUs at once is not offered.",
            where="device",
            hint="Give one GPU's number.",
        )
    if not re.fullmatch(r"\d+", name):
        return Problem(
            f"There is no device called {device!r}.",
            where="device",
            hint="Use cpu, mps or a GPU's number.",
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(name) < count:
        return None
    have = f"there are {count}, counted from 0" if count else "torch finds none"
    return Problem(
        f"GPU {name} is not there: {have}.", where="device", hint="Use another one, or cpu."
    )


def torch_devices(device: str) -> tuple[str, ...]:
    """The names torch knows the asked devices by, one for each process that trains.

    device: as `device_problem` takes it. Raises DeviceError where one is not there.
    """
    problem = device_problem(device)
    if problem is not None:
        raise DeviceError(problem.message, where=problem.where, hint=problem.hint)
    import torch

    names = [name.strip().lower().removeprefix("cuda:") for name in device.split(",")]
    if names == [AUTO]:
        return ("cuda:0",) if torch.cuda.is_available() else ("cpu",)
    return tuple(name if name in ("cpu", "mps") else f"cuda:{name}" for name in names)
