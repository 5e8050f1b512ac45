"""Work that is too long for a frame and too short for a job, done in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from shiboken6 import isValid


class _Signals(QObject):
    done = Signal(object)
    failed = Signal(object)


class _Task(QRunnable):
    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.setAutoDelete(False)
        self.signals = _Signals()
        self._work = work

    def run(self) -> None:
        # Whatever it raises is carried to the window's thread and shown there.
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001
            self._emit(self.signals.failed, error)
        else:
            self._emit(self.signals.done, result)

    def _emit(self, signal: Any, value: Any) -> None:
        if isValid(self.signals):
            signal.emit(value)


class Background(QObject):
    """One piece of work at a time for one owner; a newer one makes an older one's answer void."""

    def __init__(self, owner: QObject) -> None:
        super().__init__(owner)
        self._number = 0
        self._tasks: dict[int, _Task] = {}

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._number in self._tasks

    def start(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `work` in a thread; then call `done` or `failed` in the window's own."""
        self._number += 1
        number = self._number
        task = _Task(work)
        self._tasks[number] = task

        def answer(call: Callable[[Any], None], value: Any) -> None:
            self._tasks.pop(number, None)
            if number == self._number:
                call(value)

        # Bound to this object, so that Qt delivers them in its thread and drops them with it.
        task.signals.done.connect(_Slot(self, lambda value: answer(done, value)).call)
        task.signals.failed.connect(_Slot(self, lambda error: answer(failed, error)).call)
        QThreadPool.globalInstance().start(task)

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        self._number += 1


class _Slot(QObject):
    def __init__(self, parent: QObject, function: Callable[[Any], None]) -> None:
        super().__init__(parent)
        self._function = function

    def call(self, value: object) -> None:
        """Runs in the thread that this object lives in."""
        self._function(value)
        self.deleteLater()
