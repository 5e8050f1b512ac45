"""The published weights, fetched by their name when a person asks for it.

No test or developer's machine ever fetched a real one: what is tested stands on 127.0.0.1.
"""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

from studio.core.errors import UsageError
from studio.core.job import JobContext
from studio.io.download import download
from studio.runtime.weights import find_weights, weights_folder

from .config import MODELS

# `POSE_STUDIO_WEIGHTS_URL` names a mirror: the same file names below it.
RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
MIRROR = "POSE_STUDIO_WEIGHTS_URL"
_SMALLEST = 1_000_000
_KILOBYTE = 1000


def known_weights(name: str) -> bool:
    """Whether it is the bare name of a published file."""
    return name in MODELS and name.endswith(".pt")


def fetch(name: str, context: JobContext) -> Path:
    """The weights called `name`: those that are there, else fetched into the weights folder.

    Raises UsageError for a name that is not published, and what `download` raises.
    """
    found = find_weights(name)
    if found is not None:
        return found
    if not known_weights(name):
        listed = ", ".join(m for m in MODELS if m.endswith(".pt"))
        raise UsageError(
            f"{name} is not there, and no published weights are called so.",
            where="pretrained",
            hint=f"Can be fetched: {listed}.",
        )
    url = f"{os.environ.get(MIRROR, RELEASE).rstrip('/')}/{name}"
    target = weights_folder() / name
    context.log(f"Fetching {url}")
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        context.check()
        if time.monotonic() - last > 0.1 or done == total:
            last = time.monotonic()
            context.progress("download", done // _KILOBYTE, total // _KILOBYTE)

    download(
        url,
        target,
        accept=_what_is_wrong,
        progress=progress,
        hint=f"Fetch it on another machine and put it into {weights_folder()}.",
    )
    context.artifact("weights", target)
    return target


def _what_is_wrong(path: Path) -> str:
    """Why a fetched file cannot be weights, or ""."""
    size = path.stat().st_size
    if size < _SMALLEST:
        return f"it has only {size} bytes."
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "it is no PyTorch archive."
    if damaged is not None:
        return f"its part {damaged} is damaged."
    return "" if any(n.endswith("data.pkl") for n in names) else "it is no PyTorch archive."
