"""A live job in little: a process that makes a real ring and speaks the real events as told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studio.gui import job as job_module

PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
from studio.core.skeleton import Skeleton
from studio.runtime.ring import FrameRing

folder, script = Path(sys.argv[1]), json.loads(sys.argv[2])
heard = folder / "heard.jsonl"

def say(event, **data):
    print(json.dumps({"v": 1, "event": event, "t": time.time(), **data}), flush=True)

skeleton = Skeleton("pair", ("left_hand", "right_hand"), ((0, 1),), ((0, 1),))
person = {"bbox": [40, 30, 60, 60], "score": 0.8, "category_id": 0, "track_id": 3,
          "keypoints": [50, 40, 0.9, 90, 80, 0.9]}
index = 0
say("started", job="live", pid=1)
with FrameRing.create(3, 120 * 160 * 3) as ring:
    say("ring", name=ring.name, slots=3, max_bytes=120 * 160 * 3, width=160, height=120,
        source="drawn", kind="synthetic", engine="none", device="cpu", precision="f32",
        skeleton=skeleton.to_mapping(), categories=["person"])
    for step, values in script:
        if step == "frames":
            for _ in range(values):
                frame = np.zeros((120, 160, 3), np.uint8)
                frame[:, :, 2] = 200
                slot, seq = ring.write(frame)
                say("frame", index=index, time=index / 30, taken=time.perf_counter(), slot=slot,
                    seq=seq, predictions=[person], fps={"capture": 30.0, "infer": 29.0},
                    timings={"capture": 1.0, "infer": 5.0, "latency": 12.0}, dropped=0,
                    recording=False)
                index += 1
                time.sleep(0.01)
        elif step == "until":
            while not (folder / values).exists():
                time.sleep(0.02)
        elif step == "hear":
            for line in sys.stdin:
                with heard.open("a") as file:
                    file.write(line)
                if json.loads(line).get("cmd") == "stop":
                    break
        else:
            say(step, **values)
say("finished", status="ok", result={})
"""

Script = Sequence[tuple[str, Any]]


class Play:
    """The folder in which the job's process is led: `go(name)` lets it pass an "until"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def go(self, name: str) -> None:
        """Let the process go on."""
        (self.folder / name).touch()

    def heard(self) -> list[dict[str, Any]]:
        """The commands that the process was sent."""
        path = self.folder / "heard.jsonl"
        return [json.loads(x) for x in path.read_text().splitlines()] if path.is_file() else []

    def wanted(self) -> dict[str, Any]:
        """Every option that was changed, as it was last."""
        values: dict[str, Any] = {}
        for line in self.heard():
            values |= line.get("values", {})
        return values


def play(monkeypatch: pytest.MonkeyPatch, folder: Path, script: Script) -> Play:
    """Have the next live jobs be this script's."""
    program = folder / "job.py"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(program), str(folder), json.dumps(script)]
    monkeypatch.setattr(job_module, "job_command", lambda _spec: command)
    return Play(folder)
