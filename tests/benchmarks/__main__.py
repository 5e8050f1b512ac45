"""Run the benchmarks and print their figures; exit status 1 where one falls short."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import Report


def main() -> int:
    """Run those named, or all."""
    known = sorted(p.stem.removeprefix("bench_") for p in Path(__file__).parent.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(known)} (default: all)")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(known))
    if unknown:
        parser.error(f"no benchmark called {', '.join(unknown)}")
    report = Report(lambda text: print(text, flush=True))
    for name in asked.names or known:
        print(f"# {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.bench_{name}").run(report)
    if asked.out:
        machine = {"python": platform.python_version(), "system": platform.platform()}
        figures = [asdict(figure) for figure in report.figures]
        asked.out.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2))
    return 1 if any(figure.holds is False for figure in report.figures) else 0


if __name__ == "__main__":
    sys.exit(main())
