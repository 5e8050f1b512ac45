"""The list of 100,000 pictures with annotations: first open, open again, filters, memory.

The figures are the index's own, in a fresh process each; the window shows the first picture as
soon as the first names are in the list.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.annotation import Shape
from studio.io import labelme
from tests.benchmarks import ROOT, Report

COUNT = 100_000
PER_FOLDER = 1000
MEGABYTE = 2**20

OPEN = """
import json, resource, sys, threading, time
begin = time.perf_counter()
from pathlib import Path
from typing import Any
from studio.io.project import Project
project = Project.open(Path(sys.argv[1]))
index = project.index
told = {}
def since(): return time.perf_counter() - begin
def first():
    if "listed" not in told:
        told["first"] = index.select()[0].path
        told["listed"] = since()
if sys.argv[2] == "first":
    worst, ended = 0.0, threading.Event()
    def beat():
        global worst
        while not ended.is_set():
            then = time.perf_counter()
            time.sleep(0.005)
            worst = max(worst, time.perf_counter() - then - 0.005)
    thread = threading.Thread(target=beat)
    thread.start()
    index.rescan(listed=first)
    told["scanned"] = since()
    ended.set(); thread.join()
    told["stall"] = worst
else:
    selection = index.select()
    told["first"] = selection[0].path
    told["listed"] = since()
    for text in sys.argv[3:]:
        times = []
        for _ in range(5):
            then = time.perf_counter()
            selection = index.select(text)
            for row in range(min(40, len(selection))):
                selection[row]
            times.append(time.perf_counter() - then)
        told[text] = [sorted(times)[2], len(selection)]
    then = time.perf_counter()
    index.rescan()
    told["rescan"] = time.perf_counter() - then
told["count"] = index.count()
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
helper = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
told["memory"] = own * 1024
told["with_helpers"] = (own + 2 * helper) * 1024
print(json.dumps(told))
"""
FILTERS = (
    "label:person",
    "p0999",
    r"f05.*7\.jpg",
    "people>2 missing:any",
    "state:reviewed",
    "#500-",
)


def run(report: Report) -> None:
    """Make the files, open them twice."""
    with tempfile.TemporaryDirectory(prefix="pose-studio-bench-") as text:
        folder = Path(text)
        _fill(folder)
        first = _open(folder, "first")
        report.add("first picture of 100,000, index not there yet", first["listed"], "s", at_most=2)
        report.add("all 100,000 annotations read, behind", first["scanned"], "s")
        report.add("longest wait of another thread meanwhile", 1e3 * first["stall"], "ms")
        memory = first["memory"] / MEGABYTE
        report.add("memory while reading", memory, "MB", at_most=500)
        report.add("with its helpers", first["with_helpers"] / MEGABYTE, "MB", at_most=500)
        again = _open(folder, "again", *FILTERS)
        report.add("open again", again["listed"], "s", at_most=0.5, note="imports included")
        for words in FILTERS:
            seconds, count = again[words]
            note = f"{count} rows"
            report.add(f"filter {words}", 1e3 * seconds, "ms", at_most=100, note=note)
        report.add("looked through again, behind", again["rescan"], "s")
        report.add("memory with the list open", again["memory"] / MEGABYTE, "MB", at_most=500)


def _fill(folder: Path) -> None:
    """Tiny pictures, each with one to four people of two joints."""
    empty = labelme.new_image(folder / "x.jpg", (64, 48))
    texts: list[bytes] = []
    for people in range(1, 5):
        shapes = [
            shape
            for group in range(1, people + 1)
            for shape in (
                Shape("person", "rectangle", ((1.0, 1.0), (20.0, 40.0)), group),
                Shape("nose", "point", ((5.0, 5.0),), group),
                Shape("left_eye", "point", ((6.0, 5.0),), group, flags={"occluded": True}),
            )
        ]
        texts.append(labelme.dumps(replace(empty, shapes=tuple(shapes))))
    for start in range(0, COUNT, PER_FOLDER):
        part = folder / f"f{start // PER_FOLDER:03}"
        part.mkdir()
        for number in range(start, start + PER_FOLDER):
            (part / f"p{number:06}.jpg").write_bytes(b"\xff\xd8\xff\xd9")
            (part / f"p{number:06}.json").write_bytes(texts[number % len(texts)])


def _open(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder), *words],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)
