"""Sessions at the real window in processes of their own, killed at any moment, and what is left.

The window's modules are imported once, in a process that does nothing else; each session is a
fork of it, so that a round takes a second and not five. `python -m tests.gui.killing` is that
process; `Killer` speaks with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.core.annotation import AnnotatedImage
from studio.io import journal, labelme

ROOT = Path(__file__).parents[2]
PICTURES = 3
STEPS = 120
LOG = "log.jsonl"
Ends = dict[str, str]


def digest(image: AnnotatedImage) -> str:
    """What a picture's annotations say, whatever file or memory they come from."""
    shapes = [
        [s.label, s.shape_type, s.points, s.group_id, dict(s.flags), s.description or "", s.extra]
        for s in image.shapes
    ]
    text = json.dumps([shapes, dict(image.flags)], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


EMPTY = digest(AnnotatedImage(""))


class Session:
    """A person of a seed at the window; every step that is over is told."""

    def __init__(self, folder: Path, seed: int) -> None:
        from PySide6.QtWidgets import QApplication

        from studio.gui.app import make_application, make_window
        from studio.gui.pages.annotate import AnnotatePage

        self.application = QApplication.instance() or make_application()
        self.folder = folder
        self.dice = random.Random(seed)
        self.window = make_window()
        self.window.resize(1000, 700)
        self.window.show()
        assert self.window.open_project(folder)
        self.window.open_page("annotate")
        page = self.window.page("annotate")
        assert isinstance(page, AnnotatePage)
        self.page = page
        self.until(lambda: page.document.picture is not None)
        page.document.open(folder / "a0.png", (320, 240))
        self.until(lambda: page.canvas.picture is not None)
        page.canvas.setFocus()

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            self.application.processEvents()
            assert time.monotonic() < end

    def run(self, log: int) -> None:
        """All steps; after each a line with the picture and its state."""
        for number in range(STEPS):
            self.step()
            self.application.processEvents()
            document = self.page.document
            line = {"n": number, "states": {p.name: digest(i) for p, i in self._contents()}}
            os.write(log, json.dumps(line).encode() + b"\n")
            assert document.picture is not None
        self.page.document.save_all()

    def _contents(self) -> list[tuple[Path, AnnotatedImage]]:
        document = self.page.document
        pictures = [self.folder / f"a{n}.png" for n in range(PICTURES)]
        found = [(p, document.content_of(p)) for p in pictures]
        return [(p, image) for p, image in found if image is not None]

    def step(self) -> None:
        """One thing that a person does."""
        page, dice = self.page, self.dice
        kinds = [self._joint] * 8 + [self._drag] * 4 + [self._key] * 5 + [page.undo] * 2
        kinds += [page.redo, self._go, self._go, page.keeper.save]
        dice.choice(kinds)()

    def _joint(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if self.page.editor.tool_id != "keypoints":
            self.page.use_tool("keypoints")
        spot = self._spot()
        QTest.mouseMove(self.page.canvas, spot)
        QTest.mouseClick(self.page.canvas, Qt.MouseButton.LeftButton, pos=spot)

    def _spot(self):
        x, y = self.dice.uniform(10, 310), self.dice.uniform(10, 230)
        return self.page.canvas.view.to_canvas(x, y).toPoint()

    def _drag(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        shapes = self.page.document.content.shapes
        if not shapes:
            return
        if self.page.editor.tool_id != "select":
            self.page.use_tool("select")
        shape = self.dice.choice(shapes)
        canvas, left = self.page.canvas, Qt.MouseButton.LeftButton
        start = canvas.view.to_canvas(*shape.points[0]).toPoint()
        QTest.mousePress(canvas, left, pos=start)
        QTest.mouseMove(canvas, start + QPoint(9, 5))
        QTest.mouseMove(canvas, start + QPoint(20, self.dice.randint(-30, 30)))
        QTest.mouseRelease(canvas, left, pos=start + QPoint(20, 11))

    def _key(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        count = len(self.page.document.content.shapes)
        if count:
            self.page.document.select([self.dice.randrange(count)])
        keys = [Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_M, Qt.Key.Key_B, Qt.Key.Key_Delete]
        QTest.keyClick(self.page.canvas, self.dice.choice(keys))

    def _go(self) -> None:
        self.page.go(self.dice.choice([1, 1, -1]))

    def restore(self) -> None:
        """What a person does after a crash: bring everything back, and save."""
        self.page.keeper.restore(journal.leftovers(self.folder))
        assert self.page.document.save_all()


# the process that forks


def serve() -> None:
    """Read `[what, folder, seed, delay]` lines; fork, kill after `delay` seconds, answer."""
    import studio.gui.app
    import studio.gui.pages.annotate
    import studio.io.project

    assert studio.gui.app
    print("ready", flush=True)
    for line in sys.stdin:
        what, folder, seed, delay = json.loads(line)
        ready, begun = os.pipe()
        child = os.fork()
        if not child:
            os.close(ready)
            _child(what, Path(folder), seed, begun)
        os.close(begun)
        select.select([ready], [], [], 60)
        os.close(ready)
        opened = time.monotonic()
        time.sleep(max(delay, 0))
        if delay >= 0:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        seconds = time.monotonic() - opened
        print(json.dumps([os.waitstatus_to_exitcode(status), seconds]), flush=True)


def _child(what: str, folder: Path, seed: int, begun: int) -> None:
    code = 1
    try:
        session = Session(folder, seed)
        os.write(begun, b"!")
        log = os.open(folder.parent / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        session.restore() if what == "restore" else session.run(log)
        code = 0
    finally:
        os._exit(code)


# the hand that kills


@dataclass
class Left:
    """What a killed session left: how far it came, and what was wrong, if anything."""

    steps: int
    wrong: list[str]
    recovered: int = 0


class Killer:
    """Starts sessions, kills them, and looks at what is left."""

    def __init__(self, place: Path) -> None:
        self.place = place
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            **{f"POSE_STUDIO_{n}_DIR": str(place / f".{n}") for n in ("CONFIG", "DATA", "CACHE")},
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gui.killing"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"
        self._references: dict[int, tuple[list[Ends], float]] = {}
        self._rounds = 0

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _ask(self, what: str, folder: Path, seed: int, delay: float) -> tuple[int, float]:
        """The exit status, and the seconds since the window was open."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([what, str(folder), seed, delay]) + "\n")
        self.process.stdin.flush()
        code, seconds = json.loads(self._answer())
        return code, seconds

    def _fresh(self) -> Path:
        from tests.gui.annotating import make_project

        self._rounds += 1
        folder = self.place / f"round{self._rounds}" / "p"
        make_project(folder, PICTURES)
        return folder

    def reference(self, seed: int) -> tuple[list[Ends], float]:
        """The states after each step of an undisturbed session, and how long it takes."""
        if seed not in self._references:
            folder = self._fresh()
            code, seconds = self._ask("run", folder, seed, -1)
            assert code == 0
            lines = (folder.parent / LOG).read_text().splitlines()
            states = [json.loads(line)["states"] for line in lines]
            self._references[seed] = states, seconds
            assert len(states) == STEPS
            shutil.rmtree(folder.parent)
        return self._references[seed]

    def kill(self, seed: int, share: float, *, restore: bool = True) -> Left:
        """One session, killed when `share` of its usual time is over."""
        states, seconds = self.reference(seed)
        folder = self._fresh()
        code, _ = self._ask("run", folder, seed, share * seconds)
        assert code in (0, -signal.SIGKILL)
        log = folder.parent / LOG
        # The last line may be cut short: that step may or may not have been over.
        lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
        told = [json.loads(line) for line in lines]
        done = len(told)
        left = Left(done, [])
        sure = told[-1]["states"] if told else {}
        if told and sure != states[done - 1]:
            left.wrong.append(f"seed {seed} is not the same session at step {done}")
        after = states[min(done, STEPS - 1)]
        left.recovered = self._look(folder, sure, after, left.wrong)
        if restore and not left.wrong:
            if self._ask("restore", folder, seed, -1)[0] != 0:
                left.wrong.append("the window cannot restore")
            elif journal.leftovers(folder):
                left.wrong.append("edits are left after restoring")
            else:
                self._look(folder, sure, after, left.wrong)
        if not left.wrong:
            shutil.rmtree(folder.parent)
        return left

    def _look(self, folder: Path, sure: Ends, after: Ends, wrong: list[str]) -> int:
        recoveries = {r.picture.name: r for r in journal.leftovers(folder)}
        for number in range(PICTURES):
            name = f"a{number}.png"
            path = folder / f"a{number}.json"
            try:
                image = labelme.read(path) if path.is_file() else AnnotatedImage("")
                recovery = recoveries.get(name)
                if recovery is not None:
                    if recovery.image is None:
                        raise recovery.problem or AssertionError("no reason")
                    image = recovery.image
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what went wrong
                wrong.append(f"{name}: {error}")
                continue
            expected = {sure.get(name, EMPTY), after.get(name, EMPTY)}
            if digest(image) not in expected:
                wrong.append(f"{name}: an edit that was over is lost")
        return len(recoveries)


if __name__ == "__main__":
    serve()
