"""A video at the speed of the model: decoded, looked at, tracked and drawn, beside the bare engine and
beside ultralytics' own loop; and memory that does not grow.

All in one process, round after round in turn; the ratios are medians of the rounds'.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import psutil

from studio.core.job import JobEvent
from studio.runtime.stages import one_opencv_thread
from tests.benchmarks import SHARED, Report
from tests.benchmarks.speed import SIDE, AgainAndAgain, Bare, Ours, Ultralytics, decoding
from tests.runtime.oracle import WEIGHTS, studio

VIDEO = SHARED / "video" / "faces_1280x720.mp4"
SHAPE = (384, 640)  # what 1280 x 720 fills
ROUNDS = 3
SECONDS = 3.0
FRAMES = 10_000
SMALL = 192

Round = dict[str, float]


def run(report: Report) -> None:
    """The artefact has 16-bit weights and open sizes; ultralytics' own is 640 x 640."""
    if not WEIGHTS.is_file() or not VIDEO.is_file():
        report.say(f"skipped: {WEIGHTS} or {VIDEO} is not there")
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        model = folder / "openvino"
        studio(
            "export", "--target", "openvino", "--weights", WEIGHTS, "--half", "--out", model,
            "--no-certify",
        )  # fmt: skip
        _speed(report, folder, model)
        _memory(report, folder, model)


def _speed(report: Report, folder: Path, model: Path) -> None:
    peer = Ultralytics(folder)
    square, ours = Bare(model, (SIDE, SIDE)), Bare(model, SHAPE)
    rounds: list[Round] = []
    with Ours(model, folder / "run") as loop:
        loop.fps(VIDEO)
        for _ in range(ROUNDS):
            found: Round = {"square": square.fps(SECONDS), "bare": ours.fps(SECONDS)}
            with one_opencv_thread(), decoding(VIDEO) as frame:
                found["beside"] = ours.fps(SECONDS, frame)
            found["drawn"] = loop.fps(VIDEO)
            found["ultralytics"] = peer.fps(VIDEO)
            found["written"] = loop.fps(VIDEO, written=True)
            found["again"] = loop.fps(VIDEO)
            rounds.append(found)
        stages = loop.run(AgainAndAgain(VIDEO, 1), written=True)["stages_ms"]
    _tell(report, rounds, ours.precision, str(stages))


def _tell(report: Report, rounds: list[Round], precision: str, stages: str) -> None:
    names = {
        "square": "bare engine, 640 x 640", "bare": "bare engine, 384 x 640",
        "beside": "bare engine, 384 x 640, a frame decoded for each inference",
        "ultralytics": "ultralytics' loop, 640 x 640, drawn",
        "drawn": "our loop, tracked and drawn", "written": "our loop, written to result.mp4",
    }  # fmt: skip
    for key, name in names.items():
        note = stages if key == "written" else precision
        report.add(name, _median(rounds, key), "fps", note=note)
    report.add("drawn, of ultralytics", _ratio(rounds, "drawn", "ultralytics"), "x", at_least=1.8)
    report.add("drawn, of the engine at 640 x 640", _ratio(rounds, "drawn", "square"), "x",
               at_least=1.1)  # fmt: skip
    report.add("drawn, of the engine at 384 x 640 beside decoding",
               _ratio(rounds, "drawn", "beside"), "x", at_least=0.85)  # fmt: skip
    report.add("drawn, of the engine at 384 x 640 alone", _ratio(rounds, "drawn", "bare"), "x")
    lost = statistics.median(1 - 2 * r["written"] / (r["drawn"] + r["again"]) for r in rounds)
    report.add("writing result.mp4 costs", lost * 100, "%", at_most=25)


def _median(rounds: list[Round], key: str) -> float:
    return statistics.median(r[key] for r in rounds)


def _ratio(rounds: list[Round], key: str, other: str) -> float:
    return statistics.median(r[key] / r[other] for r in rounds)


def _memory(report: Report, folder: Path, model: Path) -> None:
    """Of the whole loop, written, on small inputs: what could grow does not depend on them."""
    process = psutil.Process()
    sizes: dict[int, float] = {}

    def tell(event: JobEvent) -> None:
        if event.event == "progress":
            sizes[int(event.data["done"])] = process.memory_info().rss / 2**20

    with Ours(model, folder / "memory", side=SMALL) as loop:
        times = -(-FRAMES // AgainAndAgain(VIDEO, 1).count)
        done = loop.run(AgainAndAgain(VIDEO, times), written=True, tell=tell, save_json=True)
    early = [size for frame, size in sizes.items() if 1000 <= frame < 2000]
    late = [size for frame, size in sizes.items() if frame >= done["frames"] - 1000]
    grown = statistics.median(late) - statistics.median(early)
    note = f"{statistics.median(early):.0f} MB after 1,000; {done['fps']} fps, written, JSON"
    report.add(f"memory grown over {done['frames']} frames", grown, "MB", at_most=20, note=note)
