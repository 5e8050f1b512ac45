"""How fast the window is up, in fresh processes, and what it costs while a training runs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import ROOT, Report

RUNS = 5
# The clock starts where the operating system started the process: the interpreter counts too.
CODE = """
import os, sys, time, psutil
begin = psutil.Process().create_time()
from studio.gui.app import make_application, make_window
application = make_application()
window = make_window()
window.show()
while not window.isVisible() or not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
window.grab()
print(time.time() - begin)
heavy = [n for n in ("torch", "ultralytics", "openvino", "onnxruntime", "cv2", "labelme")
         if n in sys.modules]
print(",".join(heavy))
sys.stdout.flush()
os._exit(0)
"""


TRAINING = """
import json, sys, time, psutil
from pathlib import Path
from studio.core.job import JobSpec
from studio.gui.app import make_application, make_window
project, dataset = Path(sys.argv[1]), sys.argv[2]
application = make_application()
window = make_window()
window.resize(1440, 900)
window.show()
window.open_project(project)
window.open_page("train")
options = {"family": "yolo-pose", "pretrained": "yolo11n-pose.yaml", "data": dataset, "epochs": 3,
           "imgsz": 160, "batch": 4, "workers": 0, "device": "cpu"}
job = window.studio.runner.start(JobSpec("train", options, project=project), title="Training")
batches, seconds, epochs = [], [], []
me = psutil.Process()
def heard(event):
    if event.event == "metrics" and event.data["split"] == "train":
        if not batches:
            seconds.append((time.monotonic(), sum(me.cpu_times()[:2])))
        batches.append(event.data["step"])
    elif event.event == "metrics" and event.data["split"] == "val" and batches:
        epochs.append((time.monotonic(), sum(me.cpu_times()[:2])))
job.event_received.connect(heard)
begin = time.monotonic()
while not job.ended and time.monotonic() - begin < 400:
    application.processEvents()
    time.sleep(0.002)
print(json.dumps({"state": job.state, "batches": batches, "from": seconds[:1], "to": epochs[-1:],
                  "problem": str(job.problem), "run_dir": str(job.run_dir)}))
sys.stdout.flush()
import os
os._exit(0)
"""


def run(report: Report) -> None:
    """Median of fresh processes, and what they imported; then a training in the window."""
    start_up(report)
    while_training(report)


def start_up(report: Report) -> None:
    """From the process's start to the painted window."""
    seconds: list[float] = []
    heavy = ""
    for _ in range(RUNS + 1):
        first, heavy = python("-c", CODE).split("\n")[:2]
        seconds.append(float(first))
    report.add(
        "window on screen", statistics.median(seconds[1:]), "s", at_most=1.0, note=f"of {RUNS}"
    )
    report.add(
        "heavy modules in the window", len([h for h in heavy.split(",") if h]), "", at_most=0
    )


def while_training(report: Report) -> None:
    """The window's own processor time while batches stream into its plots."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        studio("sample", "--out", str(root / "p"), "--pictures", "120", "--clips", "0")
        studio("convert", "--input", str(root / "p" / "pictures"), "--output",
               str(root / "p" / "datasets" / "d"), "--to", "yolo", "--ratio", "0.9")  # fmt: skip
        dataset = str(root / "p" / "datasets" / "d")
        done = python("-c", TRAINING, str(root / "p"), dataset)
        told = json.loads(done.splitlines()[-1])
        if told["state"] != "ok":
            raise RuntimeError(f"the training ended as {told}")
        stored = [json.loads(line) for line in (Path(told["run_dir"]) / "events.jsonl").open()]
    batches = [e["step"] for e in stored if e["event"] == "metrics" and e["split"] == "train"]
    (t0, cpu0), (t1, cpu1) = *told["from"], *told["to"]
    share = 100 * (cpu1 - cpu0) / (t1 - t0)
    report.add("window while training", share, "% of a core", at_most=5.0, note=f"{t1 - t0:.0f} s")
    missing = len(set(batches) - set(told["batches"]))
    report.add("batches that the window missed", missing, "", at_most=0, note=f"of {len(batches)}")


def studio(*words: str) -> None:
    """Run the command line."""
    python("-m", "studio", *words)


def python(*words: str) -> str:
    """Run Python in the checkout without a screen; what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout
