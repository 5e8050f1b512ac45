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


def sharing_choices() -> Sequence[Choice]:
    """`device_choices`, and all GPUs at once for trainings that several can share."""
    found = list(device_choices())
    if (count := _driver_gpus()) > 1:
        found.append(Choice(",".join(map(str, range(count))), N_("All GPUs")))
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
    """Why torch cannot use `device`, or None.

    device: "auto", "cpu", "mps", "0", "cuda", "cuda:0"; or several to share each step: "0,1", "cpu,cpu".
    """
    names = _names(device)
    twice = {name for name in names if name != "cpu" and names.count(name) > 1}
    if twice:
        text = f"GPU {min(twice)} is named twice."
        return Problem(text, where="device", hint="Give each GPU's number once.")
    if len(names) > 1 and (
        AUTO in names or "mps" in names or ("cpu" in names and set(names) != {"cpu"})
    ):
        return Problem(
            f"{device!r} cannot train together.",
            where="device",
            hint="Several devices are GPUs by their numbers, such as 0,1.",
        )
    return next((found for name in names if (found := _single_problem(name)) is not None), None)


def _names(device: str) -> list[str]:
    """GPUs by their numbers; "cuda", as guides write it, is the first."""
    names = [name.strip().lower().removeprefix("cuda:") for name in device.split(",")]
    return ["0" if name == "cuda" else name for name in names]


def _single_problem(name: str) -> Problem | None:
    if name in (AUTO, "cpu"):
        return None
    import torch

    if name == "mps":
        if torch.backends.mps.is_available():
            return None
        return Problem("This machine has no Apple GPU.", where="device", hint="Use --device cpu.")
    if not re.fullmatch(r"\d+", name):
        return Problem(
            f"There is no device called {name!r}.",
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


def torch_devices(device: str) -> list[str]:
    """The names torch knows the asked devices by, one for each process that trains.

    device: as `device_problem` takes it. Raises DeviceError where one is not there.
    """
    problem = device_problem(device)
    if problem is not None:
        raise DeviceError(problem.message, where=problem.where, hint=problem.hint)
    import torch

    names = _names(device)
    if names == [AUTO]:
        return ["cuda:0" if torch.cuda.is_available() else "cpu"]
    return [name if name in ("cpu", "mps") else f"cuda:{name}" for name in names]
