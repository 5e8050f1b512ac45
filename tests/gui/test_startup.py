"""What a fresh process imports before the window is up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "torchvision", "ultralytics", "openvino", "onnxruntime", "cv2", "labelme")
LATER = ("pyqtgraph", "matplotlib", "scipy", "PyQt5")

PROGRAM = """
import json, sys, time
begun = time.perf_counter()
from studio.gui.app import make_application, make_window
app = make_application()
window = make_window()
window.show()
app.processEvents()
seconds = time.perf_counter() - begun
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"seconds": seconds, "modules": loaded, "visible": window.isVisible()}))
"""


def fresh_start(tmp_path: Path) -> dict[str, object]:
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "POSE_STUDIO_CONFIG_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True, text=True, check=True, env=environment, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_the_window_comes_up_without_anything_heavy(tmp_path: Path) -> None:
    start = fresh_start(tmp_path)
    assert start["visible"] is True
    modules = start["modules"]
    assert isinstance(modules, list)
    assert not set(modules) & {*HEAVY, *LATER}
