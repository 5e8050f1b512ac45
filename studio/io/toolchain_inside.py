"""Runs one function inside a worker environment: `python -m studio.io.toolchain_inside MODULE:NAME
REQUEST ANSWER`, both JSON files. What the function prints goes to the studio's log.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import orjson

from studio.core.errors import StudioError


def main(function: str, request: str, answer: str) -> int:
    """Call it and write {"result": ...} or {"error": {type, message, where, hint}}."""
    module, _, name = function.partition(":")
    try:
        call = getattr(importlib.import_module(module), name)
        told = {"result": call(orjson.loads(Path(request).read_bytes()))}
    except StudioError as error:
        told = {
            "error": {
                "type": type(error).__name__,
                "message": error.message,
                "where": error.where,
                "hint": error.hint,
            }
        }
    Path(answer).write_bytes(orjson.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
