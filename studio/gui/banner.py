"""The line on a page that says what went wrong, what to do, and the details behind a button."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import Problem, StudioError
from studio.gui.i18n import bind_text, bind_told, joined, said, tr
from studio.gui.icons import icon
from studio.gui.theme import set_role

# Good news goes by itself; all else stays until it is dismissed.
SUCCESS_MS = 8000
_ICONS = {"error": "error", "warning": "warning", "info": "info", "success": "ok"}
_COLORS = {"error": "danger", "warning": "warning", "info": "accent", "success": "ok"}


class Banner(QFrame):
    """Hidden until there is something to say; the newest message stands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner-info")
        self._sign = QToolButton(self)
        self._sign.setEnabled(True)
        self._sign.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._sign.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.message = QLabel(self)
        self.message.setProperty("role", "title")
        self.hint = QLabel(self)
        for label in (self.message, self.hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.action_button = QPushButton(self)
        self._callback: Callable[[], object] | None = None
        self.action_button.clicked.connect(self._act)
        self.details_button = QPushButton(self)
        self.details_button.setProperty("role", "quiet")
        self.details_button.setCheckable(True)
        bind_text(self.details_button.setText, "Details")
        self.close_button = QToolButton(self)
        self.close_button.setIcon(icon("close"))
        bind_text(self.close_button.setToolTip, "Dismiss")
        bind_text(self.close_button.setAccessibleName, "Dismiss")
        self.close_button.clicked.connect(self.hide)
        self.details = QPlainTextEdit(self)
        self.details.setProperty("role", "log")
        self.details.setReadOnly(True)
        self.details.setMaximumHeight(160)
        self.details_button.toggled.connect(self.details.setVisible)
        self._farewell = QTimer(self)
        self._farewell.setSingleShot(True)
        self._farewell.setInterval(SUCCESS_MS)
        self._farewell.timeout.connect(self.hide)
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.message)
        texts.addWidget(self.hint)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        for button in (self.action_button, self.details_button, self.close_button):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 8, 8, 8)
        outer.addLayout(row)
        outer.addWidget(self.details)

    def show_problem(self, problem: StudioError | Problem | BaseException) -> None:
        """What happened, where, what to do; a defect of ours comes with its traceback.

        The details stay in English, for whoever mends it.
        """
        kind, details = "error", ""
        if isinstance(problem, Problem):
            kind = "warning" if problem.severity == "warning" else "error"
        elif isinstance(problem, StudioError):
            cause = problem.__cause__
            details = "".join(traceback.format_exception(cause)) if cause else ""
        else:
            details = "".join(traceback.format_exception(problem))
        message, hint = _words(problem)
        self.show_message(message, kind=kind, hint=hint, details=details)

    def show_message(
        self,
        message: str,
        *,
        kind: str = "info",
        hint: str = "",
        details: str = "",
        action: str = "",
        callback: Callable[[], object] | None = None,
    ) -> None:
        """`kind` is "error", "warning", "info" or "success". Texts as `tr` and `said` give them
        follow the language; others stay as they are.
        """
        set_role(self, f"banner-{kind}")
        self._sign.setIcon(icon(_ICONS[kind], _COLORS[kind]))
        self._say(message, hint)
        self.details.setPlainText(details)
        self.details_button.setChecked(False)
        self.details_button.setVisible(bool(details))
        self.details.hide()
        self._callback = callback
        bind_told(self.action_button.setText, action)
        self.action_button.setVisible(bool(action and callback))
        self._farewell.stop()
        if kind == "success":
            self._farewell.start()
        self.show()

    def clear(self) -> None:
        """Nothing to say any more."""
        self.hide()

    def _say(self, message: str, hint: str) -> None:
        bind_told(self.message.setText, message)
        bind_told(self.hint.setText, hint)
        self.hint.setVisible(bool(hint))
        bind_told(self.setAccessibleName, message)

    def _act(self) -> None:
        callback = self._callback
        self.hide()
        if callback is not None:
            callback()


def _words(problem: StudioError | Problem | BaseException) -> tuple[str, str]:
    """What is said of it, and what below: where it is and what to do."""
    if isinstance(problem, Problem):
        where = problem.where + (f":{problem.line}" if problem.line is not None else "")
        message, hint = said(problem.message), said(problem.hint)
    elif isinstance(problem, StudioError):
        message, where, hint = said(problem.message), problem.where or "", said(problem.hint)
    else:
        message, where = f"{type(problem).__name__}: {problem}", ""
        hint = tr("This is a defect of the studio. Nothing you saved is lost.")
    return message, joined((where, hint), "\n")
