"""Notes on a run, putting it away and back, TensorBoard's process, what a job takes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, QUrl
from pytestqt.qtbot import QtBot

from studio.core.errors import FileProblem, MissingTool
from studio.gui import tensorboard
from studio.gui.load import Load, LoadMeter
from studio.gui.main_window import MainWindow
from studio.gui.pages.train import TrainPage
from studio.gui.pages.train.beside import LoadWatch
from studio.gui.run_folder import NOTES, put_away, put_back, read_notes
from studio.gui.tensorboard import TensorBoard
from tests.gui.runs import make_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    make_run(folder, "first")
    make_run(folder, "second", epochs=2)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> TrainPage:
    assert window.open_project(project)
    window.open_page("train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    qtbot.waitUntil(lambda: shown.view.folder is not None, timeout=5000)
    return shown


def show(page: TrainPage, folder: Path, qtbot: QtBot) -> None:
    page.runs.choose(folder)
    qtbot.waitUntil(lambda: page.view.folder == folder, timeout=5000)
    qtbot.waitUntil(page.view.notes.text.isEnabled, timeout=5000)


def test_the_newest_run_is_shown_at_once(page: TrainPage, qtbot: QtBot) -> None:
    assert page.room.currentWidget() is page.view
    assert page.view.plots.plots["metrics_epoch"].curves()


def test_notes_stay_with_their_run(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    first, second = (project / "runs" / "yolo-pose" / n for n in ("first", "second"))
    show(page, first, qtbot)
    page.view.tabs.setCurrentIndex(3)
    qtbot.keyClicks(page.view.notes.text, "smaller steps")
    show(page, second, qtbot)
    assert page.view.notes.text.toPlainText() == ""
    qtbot.waitUntil(lambda: read_notes(first) == "smaller steps", timeout=3000)
    assert not (second / NOTES).exists()
    show(page, first, qtbot)
    assert page.view.notes.text.toPlainText() == "smaller steps"
    page.view.notes.text.clear()
    qtbot.waitUntil(lambda: not (first / NOTES).exists(), timeout=3000)


def test_a_run_is_put_away_and_comes_back(page: TrainPage, project: Path, qtbot: QtBot) -> None:
    folder = project / "runs" / "yolo-pose" / "first"
    show(page, folder, qtbot)
    before = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    page.view.delete.trigger()
    qtbot.waitUntil(lambda: not folder.exists(), timeout=5000)
    qtbot.waitUntil(lambda: page.runs.count() == 1, timeout=5000)
    kept = list((project / ".studio" / "trash").iterdir())
    assert len(kept) == 1
    qtbot.waitUntil(page.banner.action_button.isVisible, timeout=3000)
    page.banner.action_button.click()
    qtbot.waitUntil(lambda: page.runs.count() == 2, timeout=5000)
    assert {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == (
        before
    )
    qtbot.waitUntil(lambda: page.view.folder == folder, timeout=5000)


def test_what_was_put_away_never_replaces_what_is_there(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "first")
    place = put_away(folder, tmp_path)
    make_run(tmp_path, "first")
    with pytest.raises(FileProblem, match="there again"):
        put_back(place, folder)
    assert place.is_dir()


def test_the_load_of_a_process_is_measured() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        meter = LoadMeter()
        first = meter.measure(busy.pid)
        time.sleep(0.5)
        second = meter.measure(busy.pid)
    finally:
        busy.kill()
        busy.wait()
    assert first is not None
    assert second is not None
    assert first.cpu == 0.0
    assert 0.1 < second.cpu < 2
    assert second.memory > 1_000_000
    assert LoadMeter().measure(busy.pid) is None


def test_the_load_is_watched_beside_the_window(qtbot: QtBot) -> None:
    owner = QObject()
    said: list[Load | None] = []
    watch = LoadWatch(said.append, owner)
    assert said == [None]
    watch.watch(os.getpid())
    qtbot.waitUntil(lambda: said[-1] is not None, timeout=5000)
    watch.watch(0)
    assert said[-1] is None
    owner.deleteLater()


def test_tensorboard_is_a_process_on_this_machine_only(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[QUrl] = []
    monkeypatch.setattr(tensorboard.QDesktopServices, "openUrl", visited.append)
    board = TensorBoard()
    # A stand-in for the slow start of the real one: any server that answers on the port.
    server = "import http.server,sys; a=sys.argv; http.server.test(port=int(a[a.index('--port')+1])"
    server += ", bind=a[a.index('--host')+1])"
    listed = TensorBoard.arguments(board)
    assert listed[:4] == ["-m", "tensorboard.main", "--logdir", "."]
    monkeypatch.setattr(TensorBoard, "arguments", lambda self: ["-c", server, *arguments_of(self)])
    board.show(tmp_path)
    process = board.process
    assert process is not None
    with qtbot.waitSignal(board.opened, timeout=15_000):
        pass
    assert visited == [QUrl(board.address)]
    assert board.address.startswith("http://127.0.0.1:")
    board.show(tmp_path)
    assert board.process is process, "one process serves one run"
    board.stop()

    def silent() -> bool:
        with socket.socket() as gone:
            return gone.connect_ex(("127.0.0.1", board.port)) != 0

    qtbot.waitUntil(silent)


def arguments_of(board: TensorBoard) -> list[str]:
    return ["--host", tensorboard.HOST, "--port", str(board.port)]


def test_a_tensorboard_that_does_not_start_is_told(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = TensorBoard()
    monkeypatch.setattr(TensorBoard, "arguments", lambda _: ["-c", "raise SystemExit('no room')"])
    with qtbot.waitSignal(board.failed, timeout=10_000) as failed:
        board.show(tmp_path)
    assert failed.args is not None
    assert isinstance(failed.args[0], MissingTool)
    assert "no room" in failed.args[0].message
    assert board.process is None


@pytest.mark.skipif(not tensorboard.is_installed(), reason="tensorboard is not installed")
def test_the_button_starts_the_real_one(
    page: TrainPage, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[QUrl] = []
    monkeypatch.setattr(tensorboard.QDesktopServices, "openUrl", visited.append)
    folder = project / "runs" / "yolo-pose" / "first"
    (folder / "tensorboard").mkdir()
    show(page, folder, qtbot)
    page.view.refresh()
    page.view.board.trigger()
    process = page.board.process
    assert process is not None
    assert process.waitForStarted(5000)
    pid = process.processId()
    assert pid
    assert os.name != "posix" or Path(f"/proc/{pid}").exists()
    page.board.stop()


BOARD = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtGui import QDesktopServices
from studio.gui.app import make_application
from studio.gui.tensorboard import TensorBoard
QDesktopServices.openUrl = lambda url: None
application = make_application()
board = TensorBoard()
board.opened.connect(lambda address: print(board.process.processId(), board.port, flush=True))
board.show(Path(sys.argv[1]))
application.exec()
"""


@pytest.mark.skipif(not tensorboard.is_installed(), reason="tensorboard is not installed")
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_the_real_one_ends_with_a_studio_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BOARD, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as window:
        assert window.stdout is not None
        # It answers on its port now.
        pid, port = (int(word) for word in window.stdout.readline().split())
        guard = psutil.Process(pid)
        family = [guard, *guard.children(recursive=True)]
        assert any("tensorboard.main" in " ".join(p.cmdline()) for p in family)
        window.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert len(gone) >= 2
    assert not alive
    with socket.socket() as nobody:
        assert nobody.connect_ex((tensorboard.HOST, port)) != 0
