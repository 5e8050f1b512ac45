"""Live: a camera or a film watched through a model, people drawn over the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError
from studio.core.options import N_
from studio.gui.actions import StudioAction
from studio.gui.i18n import bind_told, said, tr, translator
from studio.gui.icons import icon
from studio.gui.jobs_drawer import open_folder
from studio.gui.page import Page
from studio.gui.pages.live.asking import Asking
from studio.gui.pages.live.frame import LiveFrame, StreamInfo
from studio.gui.pages.live.notices import DISK_FULL, RUNNING, notice_of
from studio.gui.pages.live.screen import FullScreen
from studio.gui.pages.live.session import LiveSession
from studio.gui.pages.live.side import LiveSide
from studio.gui.pages.live.view import LiveView
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
WARNINGS = ("banner-warning", "banner-error")


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
        # Whether the banner says that no frames come: the next frame takes it back.
        self._silent = False
        self._told = ""
        self._doubtful = 0
        self._send_timer = QTimer(self)
        self._send_timer.setSingleShot(True)
        self._send_timer.setInterval(SEND_DELAY_MS)
        self._send_timer.timeout.connect(self._send)
        self._build()
        self.asking = Asking(studio.runner, self.side, self)
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
        self.record_button = tool_button("record", "Record", checkable=True)
        self.record_button.setIcon(icon("record", "danger"))
        self.snapshot_button = tool_button("snapshot", "Take a snapshot", self.snapshot)
        self.fit_button = tool_button("fit", "Show the whole picture", self.view.show_whole)
        self.full_button = tool_button("fullscreen", "Full screen", self.toggle_full_screen)
        self.state_label = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.state_label.setProperty("role", "muted")
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 4, 8, 4)
        row.addWidget(self.state_label, 1)
        for widget in self._tools():
            row.addWidget(widget)
        return bar

    def _tools(self) -> tuple[QWidget, ...]:
        return self.record_button, self.snapshot_button, self.fit_button, self.full_button

    def _buttons(self) -> dict[str, QWidget]:
        """What has an action of the same meaning, by the action's name."""
        drawing, keeping = self.side.drawing_panel, self.side.keeping
        return {
            "record": self.record_button,
            "snapshot": self.snapshot_button,
            "whole": self.fit_button,
            "full": self.full_button,
            "toggle": self.side.start_button,
            "doubtful": keeping.doubtful,
            "serve": keeping.serve,
            "skeletons": drawing.skeletons,
            "boxes": drawing.boxes,
            "names": drawing.ids,
            "trails": drawing.trails,
            "heads": drawing.heads,
            "figures": drawing.overlay,
        }

    def _connect(self) -> None:
        session = self.session
        session.frame.connect(self._show)
        session.stream.connect(self._stream)
        session.status.connect(self._status)
        session.made.connect(self._made)
        session.problem.connect(self.show_problem)
        session.warned.connect(self._warn)
        session.ended.connect(self._ended)
        self.side.chosen.connect(self._update_buttons)
        self.side.changed.connect(self._change)
        self.side.restyled.connect(self._restyle)
        self.side.start_button.clicked.connect(self.toggle)
        self.record_button.toggled.connect(self.record)
        self.view.full_screen_wanted.connect(self.toggle_full_screen)
        self.view.escape_pressed.connect(self.leave_full_screen)
        self.asking.problem.connect(self.show_problem)
        self.studio.actions.shortcuts_changed.connect(self._tell_keys)
        translator.language_changed.connect(self._tell_keys)

    def studio_actions(self) -> list[StudioAction]:
        """Everything that can be done while one watches."""
        drawing, keeping, view = self.side.drawing_panel, self.side.keeping, self.view
        rows = (
            ("toggle", N_("Start or stop Live"), self.toggle, "F5", "play"),
            ("record", N_("Record"), self.toggle_recording, "Ctrl+R", "record"),
            ("snapshot", N_("Take a snapshot"), self.snapshot, "Ctrl+P", "snapshot"),
            ("full", N_("Full screen"), self.toggle_full_screen, "F11", "fullscreen"),
            ("doubtful", N_("Keep doubtful frames"), keeping.doubtful.toggle, "Ctrl+D", "queue"),
            ("serve", N_("Send the results on"), keeping.serve.toggle, "Ctrl+Shift+S", "external"),
            ("whole", N_("Show the whole picture"), view.show_whole, "Ctrl+F", "fit"),
            ("larger", N_("Larger"), view.zoom_in, "Ctrl++;Ctrl+=", "zoom-in"),
            ("smaller", N_("Smaller"), view.zoom_out, "Ctrl+-", "zoom-out"),
            ("skeletons", N_("Show skeletons"), drawing.skeletons.toggle, "S", "skeleton"),
            ("boxes", N_("Show boxes"), drawing.boxes.toggle, "B", "rectangle"),
            ("names", N_("Show names"), drawing.ids.toggle, "N", "person"),
            ("trails", N_("Show trails"), drawing.trails.toggle, "T", "chart"),
            ("heads", N_("Heads as cubes, axes, or not"), drawing.next_heads, "H", "model"),
            ("figures", N_("Show figures"), drawing.overlay.toggle, "G", "table"),
        )
        return [
            StudioAction(f"live.{name}", title, does, keys, sign, self.page_id)
            for name, title, does, keys, sign in rows
        ]

    def sidebar(self) -> QWidget:
        """The panel at the right."""
        return self.side

    def activate(self) -> None:
        """Models may have come meanwhile."""
        self.side.refresh()
        self._tell_keys()

    def _tell_keys(self) -> None:
        """Buttons tell the keys that their actions have now."""
        known = {action.id for action in self.studio.actions.all()}
        for name, widget in self._buttons().items():
            if f"live.{name}" not in known:
                continue
            tip = self.studio.actions.get(f"live.{name}").toolTip()
            icon_alone = isinstance(widget, QAbstractButton) and not widget.text()
            own = "" if icon_alone else widget.toolTip().split("\n")[0]
            widget.setToolTip(f"{own}\n{tip}" if own and own != tip else tip)

    def set_project(self, project: Project | None) -> None:
        """The project's own models come first."""
        self.side.set_project(None if project is None else Path(project.folder))

    def receive(self, start: bool = False, **chosen: Any) -> None:
        """Show what was chosen elsewhere (`source`, `model`, `head_model`, `track`, ..., as the job
        calls them); a source and a model together start at once.
        """
        texts = {name: str(value) for name, value in chosen.items()}
        self.side.take(texts)
        if start or (texts.get("source") and texts.get("model")):
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
        self._doubtful = 0
        self.view.clear()
        bind_told(self.view.set_message, tr("Starting…"))
        self.stack.setCurrentWidget(self.view)
        self._update_buttons()

    def stop(self) -> None:
        """Ask the job to end; pressed again, end it now."""
        self.session.stop()
        self._update_buttons()

    def record(self, on: bool) -> None:
        """Begin or end a recording."""
        self._change({"record": on})

    def toggle_recording(self) -> None:
        """Begin or end a recording, while something runs."""
        if self.session.running:
            self.record_button.toggle()

    def snapshot(self) -> None:
        """Keep the next frame as a picture."""
        if self.session.running:
            self.session.send(snapshot=True)

    def toggle_full_screen(self) -> None:
        """The picture on the whole screen, and back."""
        if self.full_screen is not None:
            self.leave_full_screen()
        elif self.session.running:
            self.full_screen = FullScreen(self.view, self._own_actions())
            self.full_screen.left.connect(self.leave_full_screen)
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

    def _own_actions(self) -> list[QAction]:
        actions = self.studio.actions
        return [actions.get(a.id) for a in actions.all() if a.page_id == self.page_id]

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
        if self.view.message:
            bind_told(self.view.set_message, "")
        if self._silent:
            self._silent = False
            self.banner.clear()
        self.view.show_frame(frame)

    def _stream(self, info: StreamInfo) -> None:
        self.info = info
        self.view.skeleton = info.skeleton
        self.view.categories = info.categories
        self._update_buttons()

    def _status(self, state: str, message: str, hint: str) -> None:
        notice = notice_of(state, message, hint)
        bind_told(self.view.set_message, "" if notice is None else notice.over)
        self._told = message
        if state == DISK_FULL:
            # The recording has ended: the next press begins another.
            self.record_button.setChecked(False)
        if notice is not None:
            self.banner.show_message(notice.message, kind=notice.kind, hint=notice.hint)
            self._silent = bool(notice.over)
        elif state == RUNNING and self._silent:
            self._silent = False
            self.banner.clear()

    def _warn(self, message: str) -> None:
        """What went wrong without ending the session."""
        # What a status said, with what to do, is in the log once more.
        if message and not (self._told and message.endswith(self._told)):
            self.banner.show_message(said(message), kind="warning")

    def _made(self, kind: str, path: str) -> None:
        made = Path(path)
        if kind == "doubtful":
            self._kept_doubtful(made)
        elif kind in ("video", "snapshot"):
            title = N_("Recorded: {name}") if kind == "video" else N_("Snapshot: {name}")
            self.banner.show_message(
                tr(title, name=made.name),
                kind="success",
                hint=str(made.parent),
                action=tr("Open folder"),
                callback=lambda: open_folder(made.parent),
            )

    def _kept_doubtful(self, made: Path) -> None:
        """One may come every second: they are counted, and no warning gives way to them."""
        self._doubtful += 1
        if self.banner.isVisible() and self.banner.property("role") in WARNINGS:
            return
        self.banner.show_message(
            tr("Doubtful frames kept: {count}", count=self._doubtful),
            hint=str(made),
            action=tr("Annotate it"),
            callback=lambda: self.studio.open_page("annotate", picture=made),
        )

    def _ended(self, _state: str) -> None:
        self.leave_full_screen()
        self._silent = False
        self.record_button.setChecked(False)
        bind_told(self.view.set_message, "")
        self.view.clear()
        self.info = None
        self.stack.setCurrentWidget(self.empty)
        self._update_buttons()

    def _update_buttons(self) -> None:
        running = self.session.running
        stopping = running and self.session.job is not None and self.session.job.stopping
        self.side.show_running(running, stopping)
        for widget in self._tools():
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
