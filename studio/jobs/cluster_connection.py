"""The way to a Ray cluster: one that runs somewhere, or one of this process's own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import DeviceError, MissingTool
from studio.core.job import JobContext
from studio.core.requests.cluster import LOCAL_RAY

_ANSWER_SECONDS = 5.0
_JOIN_SECONDS = 180.0
_TRIES, _PAUSE_SECONDS = 4, 2.0


def connect(where: str, context: JobContext) -> tuple[Any, Path | None]:
    """The ray module, connected to `where`, and the folder of a cluster of our own.

    Raises MissingTool, DeviceError where there is no such cluster, Cancelled.
    """
    ray = load_ray(where)
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own: Path | None = None
    try:
        if where == LOCAL_RAY:
            own = _short_temporary()
            here: dict[str, Any] = {
                "num_cpus": os.cpu_count() or 1,
                "_node_ip_address": "127.0.0.1",
            }
            # "local": also where another cluster runs on this machine.
            here |= {"address": "local", "include_dashboard": False, "_temp_dir": str(own)}
            _in_time(lambda: ray.init(**here, **quiet), context)
        else:
            _must_answer(where)
            _in_time(lambda: _join(ray, where, quiet), context)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        raise DeviceError(
            f"There is no Ray cluster here: {first_line(error)}",
            where=where,
            hint="Start one with `ray start --head`, with the same versions of Ray and Python "
            "as here; or use --on local-ray.",
        ) from error
    return ray, own


def _join(ray: Any, where: str, quiet: Mapping[str, Any]) -> None:
    """Become a client; a cluster that is slow to make room for one is asked again. Raises what
    `ray.init` does.
    """
    for left in reversed(range(_TRIES)):
        try:
            ray.init(address=where, **quiet)
        except ConnectionError as error:
            if not left or "Initialization failure" not in str(error):
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def load_ray(where: str) -> Any:
    """The ray module, told to keep to itself: what it reads from the environment it reads when it
    is imported. Raises MissingTool.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if where == LOCAL_RAY:
        # Ray's own name for it; what it does everywhere is to stay on the loopback address.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        if not _has_token():
            # Nobody else may come in, and Ray need not put a token into the person's home.
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    elif _has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError as error:
        raise MissingTool(
            "A training on a cluster needs Ray, which is not installed.",
            where="ray",
            hint="Install it with: pip install 'pose-studio[cluster]'",
        ) from error
    return ray


def _has_token() -> bool:
    """Whether the person has a token for clusters, where Ray looks for it."""
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    return bool(named) or (Path.home() / ".ray" / "auth_token").is_file()


def _short_temporary() -> Path:
    """A folder whose path leaves room: a socket's may have 107 characters on Linux."""
    short = Path("/tmp")  # noqa: S108 - made below it under a name of its own, for nobody else
    return Path(tempfile.mkdtemp(prefix="psray-", dir=short if short.is_dir() else None))


def _must_answer(where: str) -> None:
    """Ray itself tries for half a minute. Raises OSError."""
    host, _, port = where.removeprefix("ray://").rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()


def _in_time(connect: Callable[[], Any], context: JobContext) -> None:
    """Ray may try for ever to reach a machine that does not answer, and in the main thread it
    takes SIGTERM for itself: it connects on a thread of its own. That stays to the process's end:
    the servers of a cluster of our own are told to die with the thread that started them. Raises
    what `connect` raises, ConnectionError, Cancelled.
    """
    failed: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            connect()
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            failed.append(error)
        done.set()
        threading.Event().wait()

    threading.Thread(target=run, name="cluster-connect", daemon=True).start()
    end = time.monotonic() + _JOIN_SECONDS
    while not done.wait(0.1):
        context.check()
        if time.monotonic() > end:
            raise ConnectionError(f"no answer within {_JOIN_SECONDS:g} seconds")
    if failed:
        raise failed[0]


def first_line(error: Exception) -> str:
    """What it says, without the pages that follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
