"""The first thing a person sees: what to open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui.i18n import bind_text, tr
from studio.gui.icons import app_icon
from studio.gui.jobs_drawer import set_progress
from studio.gui.page import Page
from studio.gui.runner import OK, Job
from studio.gui.widgets.basics import ElidedLabel, Sign, label, scrolled

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

VIDEO_FILTER = "*.mp4 *.avi *.mov *.mkv *.webm *.m4v *.mpg *.mpeg"


def sample_folder() -> Path:
    """Where the sample project stands; `POSE_STUDIO_DATA_DIR` puts it elsewhere."""
    given = os.environ.get("POSE_STUDIO_DATA_DIR")
    root = (
        Path(given) if given else Path(platformdirs.user_data_dir("pose-studio", appauthor=False))
    )
    return root / "sample"


class StartCard(QFrame):
    """A big button: a sign, what it does, and a line of explanation."""

    clicked = Signal()

    def __init__(self, icon_name: str, title: str, text: str) -> None:
        super().__init__()
        self.setProperty("role", "card-button")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.sign = Sign(icon_name, 28, "accent")
        self.title = label(title, "title")
        self.text = label(text, "muted", wrap=True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.text)
        texts.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 16, 16, 16)
        row.setSpacing(16)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        bind_text(self.setAccessibleName, title)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.pos()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class WelcomePage(Page):
    """Sample project, a folder of pictures, a recent project, or a video."""

    page_id = "welcome"
    title = N_("Welcome")
    icon_name = "welcome"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.cards: dict[str, StartCard] = {}
        self._sample_job: Job | None = None
        body = QWidget()
        body.setMaximumWidth(760)
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 32, 24, 32)
        column.setSpacing(16)
        column.addStretch(1)
        column.addLayout(self._head())
        column.addSpacing(8)
        column.addLayout(self._grid())
        self.progress_box = self._progress()
        column.addWidget(self.progress_box)
        self.recent_title = label("Recent projects", "title")
        column.addSpacing(8)
        column.addWidget(self.recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        column.addStretch(2)
        outer = QWidget()
        row = QHBoxLayout(outer)
        row.addStretch(1)
        row.addWidget(body, 8)
        row.addStretch(1)
        self.set_content(scrolled(outer))
        self.activate()

    def _head(self) -> QHBoxLayout:
        sign = QLabel()
        sign.setPixmap(app_icon().pixmap(QSize(56, 56)))
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(label("Pose Studio", "heading"))
        texts.addWidget(
            label("Annotate, train, judge, export and watch pose models.", "muted", wrap=True)
        )
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(sign)
        row.addLayout(texts, 1)
        return row

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        rows: tuple[tuple[str, str, str, str, Callable[[], Any]], ...] = (
            (
                "sample",
                "skeleton",
                N_("Try the sample project"),
                N_(
                    "Synthetic people with exact joints and two photographs. Works without network."
                ),
                self.open_sample,
            ),
            (
                "folder",
                "images",
                N_("Open a folder of pictures"),
                N_("Any folder is a project. Annotations stand beside the pictures."),
                self.choose_folder,
            ),
            (
                "video",
                "film",
                N_("Watch a video"),
                N_("Run a model over a video file and see the skeletons."),
                self.choose_video,
            ),
            (
                "camera",
                "camera",
                N_("Watch a camera"),
                N_("Skeletons live on a webcam, a network stream or a folder."),
                lambda: self.studio.open_page("live"),
            ),
        )
        for number, (name, icon_name, title, text, callback) in enumerate(rows):
            card = StartCard(icon_name, title, text)
            card.clicked.connect(callback)
            self.cards[name] = card
            grid.addWidget(card, number // 2, number % 2)
            grid.setColumnStretch(number % 2, 1)
        return grid

    def _progress(self) -> QFrame:
        box = QFrame()
        box.setProperty("role", "card")
        row = QHBoxLayout(box)
        row.setContentsMargins(16, 12, 12, 12)
        row.setSpacing(12)
        row.addWidget(label("Making the sample project…"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        row.addWidget(self.bar, 1)
        self.stop_button = QPushButton()
        bind_text(self.stop_button.setText, "Cancel")
        self.stop_button.clicked.connect(self._cancel_sample)
        row.addWidget(self.stop_button)
        box.hide()
        return box

    def activate(self) -> None:
        """List the recent projects anew."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        recent = self.studio.settings.recent_projects()[:6]
        self.recent_title.setVisible(bool(recent))
        for folder in recent:
            self._recent.addWidget(self._recent_row(folder))

    def _recent_row(self, folder: Path) -> QWidget:
        button = QPushButton()
        button.setProperty("role", "row")
        button.setAccessibleName(str(folder))
        row = QHBoxLayout(button)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(12)
        sign = Sign("folder", 18, "muted")
        name = QLabel(folder.name)
        place = ElidedLabel(str(folder.parent))
        place.setProperty("role", "muted")
        for part in (sign, name, place):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(sign)
        row.addWidget(name)
        row.addWidget(place, 1)
        button.setMinimumHeight(36)
        button.clicked.connect(lambda _checked=False, f=folder: self._open(f))
        return button

    def choose_folder(self) -> None:
        """Ask for a folder of pictures and open it."""
        chosen = QFileDialog.getExistingDirectory(self, tr("Open a folder of pictures"))
        if chosen:
            self._open(Path(chosen))

    def choose_video(self) -> None:
        """Ask for a video and show it in Live."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Watch a video"), "", f"{tr('Videos')} ({VIDEO_FILTER})"
        )
        if chosen:
            self.studio.open_page("live", source=chosen)

    def open_sample(self) -> None:
        """Open the sample project, made by a job on the first time."""
        folder = sample_folder()
        if (folder / "studio.toml").is_file():
            self._open(folder)
            return
        if self._sample_job is not None and not self._sample_job.ended:
            return
        spec = JobSpec("sample", {"out": str(folder)})
        try:
            job = self.studio.runner.start(spec, title=N_("Make the sample project"))
        except StudioError as error:
            self.show_problem(error)
            return
        self._sample_job = job
        self.progress_box.show()
        job.changed.connect(lambda: set_progress(self.bar, job))
        job.state_changed.connect(lambda _state: self._sample_changed(job))

    def _sample_changed(self, job: Job) -> None:
        if not job.ended:
            return
        self.progress_box.hide()
        if job.state == OK:
            self._open(Path(str(job.result.get("project") or sample_folder())))
        elif job.problem is not None:
            self.show_problem(job.problem)

    def _cancel_sample(self) -> None:
        if self._sample_job is not None:
            self._sample_job.cancel()

    def _open(self, folder: Path) -> None:
        try:
            self.studio.open_project(folder)
        except StudioError as error:
            self.show_problem(error)
            return
        self.studio.open_page("annotate")

    def set_project(self, project: Project | None) -> None:  # noqa: ARG002
        """A project was opened: the list of recent ones is another."""
        self.activate()
