"""OpenVINO in whole numbers, in a process of its own: twice a process that had run NNCF among a
thousand other tests ended without a word, when it started another one after it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("nncf")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CASES = "tests/plugins/openvino_int8_cases.py"


def test_every_case_passes() -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    words = ["-q", "-n", "0", "-p", "no:cacheprovider", CASES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
