"""Live: a camera or a film watched through a model, skeletons drawn over the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from studio.core.errors import StudioError
from studio.core.options import N_
from studio.gui.actions import StudioAction
from studio.gui.i18n import said, tr
from studio.gui.icons import icon
from studio.gui.jobs_drawer import open_folder
from studio.gui.page import Page
from studio.gui.pages.live_session import LiveSession, StreamInfo
from studio.gui.pages.live_side import LiveSide
from studio.gui.pages.live_view import LiveFrame, LiveView
from studio.gui.widgets.basics import (
    ElidedLabel,
    EmptyState,
    panel,
    tool_button,
)

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

SEND_DELAY_MS = 80


class FullScreen(QWidget):
    """The picture alone on the whole screen; Esc ends."""

    def __init__(self, page: LivePage) -> None:
        super().__init__()
        self._page = page
        self.setWindowTitle("Pose Studio")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(page.view)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F11):
            self._page.leave_full_screen()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._page.leave_full_screen()
        super().closeEvent(event)


class LivePage(Page):
    """Source and model at the right, the picture at the left."""

    page_id = "live"
    title = N_("Live")
    icon_name = "live"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.session = LiveSession(studio.runner, self)
        self.view = LiveView()
        self.full_screen: FullScreen | None = None
        self.info: StreamInfo | None = None
        self._wanted: dict[str, Any] = {}
        self._send_timer = QTimer(self)
        self._send_timer.setSingleShot(True)
        self._send_timer.setInterval(SEND_DELAY_MS)
        self._send_timer.timeout.connect(self._send)
        self._build()
        self._connect()
        self._restyle()
        self._update_buttons()

    def _build(self) -> None:
        self.empty = EmptyState(
            "live",
            N_("Nothing is running"),
            N_(
                "Choose a source and a model at the right, then start. Without a camera, take the synthetic people."
            ),
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.view)
        picture, column = panel("canvas", margin=0, spacing=0)
        column.addWidget(self.stack, 1)
        self.side = LiveSide(self.studio.settings)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(picture, 1)
        left.addWidget(self._make_bar())
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(left, 1)
        row.addWidget(self.side)
        self.set_content(body)

    def _make_bar(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("role", "drawer")
        self.record_button = tool_button("record", "Record video, JSON and CSV", checkable=True)
        self.record_button.setIcon(icon("record", "danger"))
        self.snapshot_button = tool_button("snapshot", "Take a snapshot", self.snapshot)
        self.full_button = tool_button("fullscreen", "Full screen (F11)", self.toggle_full_screen)
        self.state_label = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.state_label.setProperty("role", "muted")
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 4, 8, 4)
        row.addWidget(self.state_label, 1)
        for widget in (self.record_button, self.snapshot_button, self.full_button):
            row.addWidget(widget)
        return bar

    def _connect(self) -> None:
        session = self.session
        session.frame.connect(self._show)
        session.stream.connect(self._stream)
        session.status.connect(self._status)
        session.made.connect(self._made)
        session.problem.connect(self._problem)
        session.ended.connect(self._ended)
        self.side.chosen.connect(self._update_buttons)
        self.side.changed.connect(self._change)
        self.side.restyled.connect(self._restyle)
        self.side.start_button.clicked.connect(self.toggle)
        self.record_button.toggled.connect(self.record)
        self.view.full_screen_wanted.connect(self.toggle_full_screen)
        self.view.escape_pressed.connect(self.leave_full_screen)

    def studio_actions(self) -> list[StudioAction]:
        """Start, record, snapshot, full screen."""
        page = self.page_id
        return [
            StudioAction("live.toggle", N_("Start or stop Live"), self.toggle, "F5", "play", page),
            StudioAction(
                "live.record", N_("Record"), self.record_button.toggle, "Ctrl+R", "record", page
            ),
            StudioAction(
                "live.snapshot", N_("Take a snapshot"), self.snapshot, "Ctrl+P", "snapshot", page
            ),
            StudioAction(
                "live.full", N_("Full screen"), self.toggle_full_screen, "F11", "fullscreen", page
            ),
        ]

    def sidebar(self) -> QWidget:
        """The panel at the right."""
        return self.side

    def activate(self) -> None:
        """Models may have come meanwhile."""
        self.side.model_picker.refresh()

    def set_project(self, project: Project | None) -> None:
        """The project's own models come first."""
        self.side.model_picker.set_project(None if project is None else Path(project.folder))

    def receive(
        self, source: str = "", model: str | Path = "", start: bool = False, **_more: Any
    ) -> None:
        """Show a source and a model chosen elsewhere; both together start at once."""
        if source:
            self.side.source_picker.set_source(str(source))
        if model:
            self.side.model_picker.set_model(Path(model))
        if start or (source and model):
            self.start()

    def toggle(self) -> None:
        """Start, or stop what runs."""
        if self.session.running:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Begin to watch; a problem becomes a banner."""
        self.banner.clear()
        if self.session.running:
            return
        missing = self.side.missing()
        if missing:
            self.banner.show_message(missing, kind="warning")
            return
        self.side.remember()
        project = self.studio.project
        folder = None if project is None else Path(project.folder)
        try:
            self.session.start(self.side.options(own_folder=folder is None), folder)
        except StudioError as error:
            self.show_problem(error)
            return
        self.view.clear()
        self.view.set_message(tr("Starting…"))
        self.stack.setCurrentWidget(self.view)
        self._update_buttons()

    def stop(self) -> None:
        """Ask the job to end; pressed again, end it now."""
        self.session.stop()
        self._update_buttons()

    def record(self, on: bool) -> None:
        """Begin or end a recording."""
        self._change({"record": on})

    def snapshot(self) -> None:
        """Keep the next frame as a picture."""
        if self.session.running:
            self.session.send(snapshot=True)

    def toggle_full_screen(self) -> None:
        """The picture on the whole screen, and back."""
        if self.full_screen is not None:
            self.leave_full_screen()
        elif self.session.running:
            self.full_screen = FullScreen(self)
            self.full_screen.showFullScreen()
            self.view.show()
            self.view.setFocus()

    def leave_full_screen(self) -> None:
        """Put the picture back into the page."""
        full, self.full_screen = self.full_screen, None
        if full is not None:
            self.stack.addWidget(self.view)
            self.stack.setCurrentWidget(self.view if self.session.running else self.empty)
            full.hide()
            full.deleteLater()

    def _change(self, values: dict[str, Any]) -> None:
        if self.session.running:
            self._wanted.update(values)
            self._send_timer.start()

    def _send(self) -> None:
        values, self._wanted = self._wanted, {}
        if values and self.session.running:
            self.session.send(**values)

    def _restyle(self) -> None:
        self.view.style_values = self.side.drawing()
        self.view.update()

    def _show(self, frame: LiveFrame) -> None:
        self.view.set_message("")
        self.view.show_frame(frame)

    def _stream(self, info: StreamInfo) -> None:
        self.info = info
        self.view.skeleton = info.skeleton
        self.view.categories = info.categories
        self._update_buttons()

    def _status(self, state: str, message: str) -> None:
        if state == "waiting":
            self.view.set_message(tr("The source went away; it is waited for…"))
            self.banner.show_message(said(message), kind="warning")
        elif state == "running":
            self.view.set_message("")
            self.banner.clear()

    def _made(self, kind: str, path: str) -> None:
        if kind == "doubtful":
            self.banner.show_message(
                tr("A doubtful frame was kept: {name}", name=Path(path).name),
                action=tr("Annotate it"),
                callback=lambda: self.studio.open_page("annotate", picture=Path(path)),
            )
            return
        if kind not in ("video", "snapshot"):
            return
        title = tr("Recorded: {name}", name=Path(path).name)
        if kind == "snapshot":
            title = tr("Snapshot: {name}", name=Path(path).name)
        self.banner.show_message(
            title,
            kind="success",
            hint=str(Path(path).parent),
            action=tr("Open folder"),
            callback=lambda: open_folder(Path(path).parent),
        )

    def _problem(self, problem: Any) -> None:
        self.show_problem(problem)

    def _ended(self, _state: str) -> None:
        self.leave_full_screen()
        self.record_button.setChecked(False)
        self.view.set_message("")
        self.view.clear()
        self.info = None
        self.stack.setCurrentWidget(self.empty)
        self._update_buttons()

    def _update_buttons(self) -> None:
        running = self.session.running
        stopping = running and self.session.job is not None and self.session.job.stopping
        self.side.show_running(running, stopping)
        for widget in (self.record_button, self.snapshot_button, self.full_button):
            widget.setEnabled(running)
        self.state_label.setText(self._state_text())

    def _state_text(self) -> str:
        if self.info is not None and self.session.running:
            info = self.info
            parts = (
                info.source,
                f"{info.size[0]} × {info.size[1]}",
                f"{info.engine} {info.precision}".strip(),
                info.device,
            )
            return "   ·   ".join(p for p in parts if p)
        return tr("Starting…") if self.session.running else tr("Stopped")
