"""Arrays between two processes, through pipes: a line of JSON that says how long each is, then each
array as numpy writes it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import orjson


class Closed(Exception):
    """The other side is gone."""


def send(stream: IO[bytes], arrays: Sequence[Any] = (), problem: str = "") -> None:
    """Say `arrays`, or what went wrong. Raises OSError where nobody listens."""
    written = [_written(array) for array in arrays]
    line = orjson.dumps({"lengths": [len(w) for w in written], "problem": problem})
    stream.write(line + b"\n")
    for each in written:
        stream.write(each)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[list[Any], str]:
    """(arrays, problem) as the other side sent them; waits. Raises Closed."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise Closed
    told = orjson.loads(line)
    arrays: list[Any] = []
    for length in told["lengths"]:
        content = stream.read(length)
        if len(content) < length:
            raise Closed
        arrays.append(np.load(io.BytesIO(content), allow_pickle=False))
    return arrays, str(told["problem"])


def _written(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array), allow_pickle=False)
    return out.getvalue()
