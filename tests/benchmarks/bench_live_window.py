"""The Live page while frames of 1280 x 720 come: latency to the widget, blocking, memory.

Everything is the real thing: the main window, the live job in its process, the ring between them.
`POSE_STUDIO_BENCH_FRAMES` shortens the long run, `POSE_STUDIO_BENCH_MODEL` takes an artefact that
is there already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from tests.benchmarks import ROOT, SHARED, Report, percentile

WEIGHTS = SHARED / "weights" / "yolo11n-pose.pt"
SIZE = {"width": 1280, "height": 720}
RATE = 30.0
# Frames until caches are filled and rates are steady.
WARM = 90
SECONDS = 30.0
FRAMES = int(os.environ.get("POSE_STUDIO_BENCH_FRAMES", "10000"))
GRACE = 600.0


def run(report: Report) -> None:
    """Both runs in processes of their own."""
    if not WEIGHTS.is_file():
        report.say(f"skipped: {WEIGHTS} is not there")
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        model = os.environ.get("POSE_STUDIO_BENCH_MODEL") or _exported(folder)
        paced = _child(folder, model, "paced")
        _tell_pace(report, paced)
        _tell_memory(report, _child(folder, model, "long"))


def _exported(folder: Path) -> str:
    out = folder / "model"
    words = ["export", "--target", "openvino", "--weights", WEIGHTS, "--out", out, "--half"]
    command = [sys.executable, "-m", "studio", *map(str, words), "--no-certify"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return str(out)


def _child(folder: Path, model: str, what: str) -> dict[str, Any]:
    environment = os.environ | {
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        "POSE_STUDIO_CONFIG_DIR": str(folder / f"config-{what}"),
    }
    command = [sys.executable, "-m", __name__, what, model]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def _tell_pace(report: Report, told: dict[str, Any]) -> None:
    infer, latencies = told["infer"], told["latencies"]
    allowed = 1.5 * (infer + 1000 / RATE)
    note = f"inference {infer:.1f} ms, {len(latencies)} frames"
    report.add(
        "camera's stamp to painted, median", median(latencies), "ms", at_most=allowed, note=note
    )
    report.add("camera's stamp to painted, p99", percentile(latencies, 0.99), "ms")
    report.add(
        "window painted", told["shown"], "fps", note=f"of {RATE:g}; dropped {told['dropped']}"
    )
    report.add("painting a frame, p99", percentile(told["paints"], 0.99), "ms")
    report.add(
        "window's thread busy without a pause, p99 of each frame's longest",
        percentile(told["stalls"], 0.99),
        "ms",
        at_most=16.0,
        note=f"median {median(told['stalls']):.1f}, worst {max(told['stalls']):.0f}",
    )

    report.add(
        "the same in processor time, p99",
        percentile(told["computing"], 0.99),
        "ms",
        note="what the window itself takes, whatever else the machine does",
    )


def _tell_memory(report: Report, told: dict[str, Any]) -> None:
    for who in ("window", "job"):
        rows = told[who]
        early = mean(rows[len(rows) // 10 : len(rows) // 5])
        late = mean(rows[-len(rows) // 10 :])
        note = f"{early:.0f} MB early, {late:.0f} MB late, {told['frames']} frames"
        report.add(f"{who}'s memory grows by", late - early, "MB", at_most=16.0, note=note)


@dataclass
class Watch:
    """What is written down in the window's process."""

    latencies: list[float] = field(default_factory=list[float])
    infer: list[float] = field(default_factory=list[float])
    stalls: list[float] = field(default_factory=list[float])
    paints: list[float] = field(default_factory=list[float])
    moments: list[float] = field(default_factory=list[float])
    computing: list[float] = field(default_factory=list[float])
    longest: float = 0.0
    hardest: float = 0.0
    beat: float = 0.0
    spent: float = 0.0
    dropped: int = 0

    def tick(self) -> None:
        """The thread is free; it should be every millisecond."""
        now, spent = time.perf_counter(), time.thread_time()
        if self.beat:
            self.longest = max(self.longest, (now - self.beat) * 1000)
            self.hardest = max(self.hardest, (spent - self.spent) * 1000)
        self.beat, self.spent = now, spent

    def shown(self, frame: Any, moment: float) -> None:
        """A frame was painted."""
        self.moments.append(moment)
        self.latencies.append((moment - frame.taken) * 1000)
        self.infer.append(frame.timings.get("infer", 0.0))
        self.dropped = frame.dropped
        self.stalls.append(self.longest)
        self.computing.append(self.hardest)
        self.longest = self.hardest = 0.0


def main(what: str, model: str) -> None:
    """The window's process: prints one line of JSON."""
    from PySide6.QtCore import Qt, QTimer

    from studio.gui.app import make_application, make_window
    from studio.gui.pages.live import LivePage

    application = make_application()
    window = make_window()
    window.resize(1440, 900)
    window.show()
    window.open_page("live")
    page = window.pages["live"]
    assert isinstance(page, LivePage)
    watch = Watch()
    page.view.shown.connect(watch.shown)
    beats = QTimer()
    beats.setTimerType(Qt.TimerType.PreciseTimer)
    beats.setInterval(1)

    def wait(over: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        loop = QTimer()
        loop.setInterval(50)
        loop.timeout.connect(
            lambda: application.exit() if over() or time.monotonic() > end else None
        )
        loop.start()
        application.exec()
        if not over():
            raise RuntimeError(f"gave up: {page.banner.message.text()} {page.banner.hint.text()}")

    source = "synthetic:" if what == "paced" else f"synthetic:?frames={FRAMES}"
    page.side.source_picker.set_source("synthetic:")
    page.side.model_picker.set_model(Path(model))
    asked = page.side.options(own_folder=True) | SIZE | {"source": source, "loop": False}
    # What has an end is given as fast as it is taken, so that the long run does not take minutes.
    asked["fps"] = RATE if what == "paced" else 1000.0
    page.session.start(asked, None)
    page.stack.setCurrentWidget(page.view)
    if what == "paced":
        wait(lambda: page.view.painted >= WARM, GRACE)
        page.view.shown.disconnect(watch.shown)
        watch = Watch()
        page.view.shown.connect(watch.shown)
        beats.timeout.connect(watch.tick)
        beats.start()
        until = time.monotonic() + SECONDS
        wait(lambda: time.monotonic() >= until, SECONDS + GRACE)
        told: dict[str, Any] = _pace(watch, page.view)
    else:
        told = _memory(page, wait)
    print(json.dumps(told))
    sys.stdout.flush()
    window.studio.runner.kill_all()
    os._exit(0)


def _pace(watch: Watch, view: Any) -> dict[str, Any]:
    span = watch.moments[-1] - watch.moments[0]
    return {
        "latencies": watch.latencies,
        "infer": median(watch.infer),
        "stalls": watch.stalls,
        "computing": watch.computing,
        "paints": list(view.figures.paints),
        "shown": (len(watch.moments) - 1) / span,
        "dropped": watch.dropped,
    }


def _memory(page: Any, wait: Callable[[Callable[[], bool], float], None]) -> dict[str, Any]:
    """Private memory of both processes in MB, about 200 times."""
    import psutil

    me, rows, counts = psutil.Process(), {"window": [], "job": []}, {"last": -1}

    def look() -> bool:
        index = page.view.frame.index if page.view.frame is not None else -1
        job = page.session.job
        if index - counts["last"] >= FRAMES // 200 and job is not None and job.pid:
            counts["last"] = index
            rows["window"].append(me.memory_full_info().uss / 1e6)
            rows["job"].append(psutil.Process(job.pid).memory_full_info().uss / 1e6)
        return not page.session.running

    wait(look, 3600.0)
    result = page.session.job.result
    return {**rows, "frames": result.get("frames", 0)}


if __name__ == "__main__":
    main(*sys.argv[1:])
