"""The window with 100,000 annotated pictures: first open, open again, a filter, memory.

The index's own figures are in `bench_index`; here a real window is asked, in a process of its own
each time.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import ROOT, Report
from tests.benchmarks.bench_index import MEGABYTE, _fill

WINDOW = """
import json, resource, sys, time
from pathlib import Path
from PySide6.QtCore import QTimer, Qt
from PySide6.QtTest import QTest
from studio.gui.app import make_application, make_window
application = make_application()
window = make_window()
window.resize(1280, 800)
window.show()
window.open_page("annotate")
page = window.page("annotate")
for _ in range(20):
    application.processEvents()
told, worst, last, gaps = {}, 0.0, time.perf_counter(), []
def beat():
    global last
    now = time.perf_counter()
    gaps.append(now - last)
    last = now
timer = QTimer(interval=4, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(beat)
def until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        application.processEvents()
        time.sleep(0.0005)
        assert time.monotonic() < end
begin = time.perf_counter()
window.open_project(Path(sys.argv[1]))
told["open"] = time.perf_counter() - begin
timer.start()
last = time.perf_counter()
until(lambda: page.canvas.picture is not None)
page.canvas.repaint()
told["picture"] = time.perf_counter() - begin
until(lambda: len(page.pictures.model.entries) == 100_000)
page.pictures.view.viewport().repaint()
told["listed"] = time.perf_counter() - begin
until(lambda: page.library.complete and not page.library._query.busy)
told["scanned"] = time.perf_counter() - begin
gaps.sort()
told["gap"], told["late"], told["beats"] = gaps[-1], sum(g > 0.020 for g in gaps), len(gaps)
if len(sys.argv) > 2:
    field = page.pictures.field
    for text in sys.argv[2:]:
        field.clear()
        until(lambda: len(page.pictures.model.entries) == 100_000)
        field.setText(text[:-1])
        until(lambda: not page.pictures._after.isActive() and not page.library._query.busy)
        before = page.pictures.model.entries
        then = time.perf_counter()
        QTest.keyClicks(field, text[-1])
        until(lambda: page.pictures.model.entries is not before)
        page.pictures.view.viewport().repaint()
        told[text] = [time.perf_counter() - then, len(page.pictures.model.entries)]
    field.clear()
    until(lambda: len(page.pictures.model.entries) == 100_000)
    bar = page.pictures.view.verticalScrollBar()
    for part in range(100):
        bar.setValue(bar.maximum() * part // 100)
        application.processEvents()
told["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(told), flush=True)
page.library.set_project(None)
import os
os._exit(0)
"""
FILTERS = ("label:person", "people>2 missing:any", "p0999")


def run(report: Report) -> None:
    """Make the files, open them twice."""
    with tempfile.TemporaryDirectory(prefix="pose-studio-bench-") as text:
        folder = Path(text) / "pictures"
        folder.mkdir()
        _fill(folder)
        _show_something(folder)
        first = _open(Path(text), folder)
        report.add(
            "window: first picture of 100,000, no index yet", first["picture"], "s", at_most=2
        )
        report.add("window: all names listed", first["listed"], "s")
        report.add("window: all annotations read, behind", first["scanned"], "s")
        note = f"{first['late']} of {first['beats']} beats of 4 ms came later than 20 ms"
        report.add("window: longest wait meanwhile", 1e3 * first["gap"], "ms", note=note)
        report.add("window: memory while reading", first["memory"] / MEGABYTE, "MB", at_most=500)
        runs = [_open(Path(text), folder, *FILTERS) for _ in range(3)]

        def middle(pick: Callable[[dict[str, Any]], float]) -> float:
            return statistics.median(pick(run) for run in runs)

        for what, name in (("picture", "first picture"), ("listed", "all listed")):
            seconds = middle(lambda told, key=what: told[key])
            report.add(f"window: open again, {name}, median of 3", seconds, "s", at_most=0.5)
        for words in FILTERS:
            shown = 1e3 * middle(lambda told, key=words: told[key][0])
            note = f"{runs[0][words][1]} rows, typed until painted"
            name = f"window: filter {words}, median of 3"
            report.add(name, shown, "ms", at_most=100, note=note)
        again = runs[-1]
        report.add("window: memory", again["memory"] / MEGABYTE, "MB", at_most=500)


def _show_something(folder: Path) -> None:
    """Real pictures in the first folder."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage

    image = QImage(1280, 960, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.darkCyan)
    real = folder.parent / "real.jpg"
    image.save(str(real))
    for path in (folder / "f000").glob("*.jpg"):
        shutil.copyfile(real, path)


def _open(place: Path, folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", WINDOW, str(folder), *words],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            **{f"POSE_STUDIO_{n}_DIR": str(place / f".{n}") for n in ("CONFIG", "DATA", "CACHE")},
        },
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)
