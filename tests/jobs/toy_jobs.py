"""Jobs small enough to test the host with; `python toy_jobs.py SPEC [OWNER]` hosts one for real."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.core.options import Options, option
from studio.registry.jobs import JOBS, JobEntry


@dataclass(frozen=True)
class ToyOptions(Options):
    steps: int = option(3, title="Steps", minimum=1)
    seconds: float = option(0.0, title="Seconds a step", minimum=0.0)
    fail: str = option("", title="How to fail")


def run(options: ToyOptions, context: JobContext) -> dict[str, Any]:
    print("a library prints this")
    os.write(1, b"and C code writes this\n")
    subprocess.run([sys.executable, "-c", "print('a child prints this')"], check=True)
    if options.fail == "warn":
        logging.getLogger("studio.plugins.toy").warning("mind the %s", "gap")
    if options.fail == "known":
        raise DataError("The data is wrong.", where="a.json", hint="Mend it.")
    if options.fail == "unknown":
        raise ZeroDivisionError("division by zero")
    if options.fail == "disk":
        raise OSError(28, "No space left on device", "/somewhere/x.bin")
    done = 0
    for done in range(1, options.steps + 1):
        context.check()
        time.sleep(options.seconds)
        context.progress("steps", done, options.steps)
        if options.fail == "hang":
            time.sleep(600)
        if context.stop_requested:
            break
    return {"done": done, "values": dict(context.control.take_values())}


ENTRY = JobEntry("toy", "Toy", "tests.jobs.toy_jobs:ToyOptions", "tests.jobs.toy_jobs:run")
JOBS["toy"] = ENTRY

if __name__ == "__main__":
    from studio.jobs.host import run_spec_file

    owner = int(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.exit(run_spec_file(Path(sys.argv[1]), owner))
