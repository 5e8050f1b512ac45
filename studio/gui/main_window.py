"""The one window: a slim rail, the page in front, and the jobs in a drawer below."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError
from studio.gui.banner import Banner
from studio.gui.commands import Commands
from studio.gui.context import StudioContext
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import app_icon, icon
from studio.gui.jobs_drawer import JobsDrawer
from studio.gui.page import Page
from studio.gui.page_table import PAGES, PageEntry
from studio.gui.welcome import WelcomePage

if TYPE_CHECKING:
    from studio.io.project import Project

RAIL_WIDTH = 88
SAVE_GRACE_MS = 15_000


class RailTool(QToolButton):
    """A small button of the rail that does an action and has its tooltip, keys and all."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self._action = action
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        action.changed.connect(self._retip)
        self.clicked.connect(action.trigger)
        self._retip()

    def _retip(self) -> None:
        self.setToolTip(self._action.toolTip())


class Rail(QFrame):
    """The six pages in the order of the work; the studio's menu above, its tools below."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "rail")
        self.setFixedWidth(RAIL_WIDTH)
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 8, 1, 8)
        self._column.setSpacing(2)
        self.menu_button = self._button("", 32)
        self.menu_button.setIcon(app_icon())
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.menu_button.setFixedHeight(48)
        bind_text(self.menu_button.setToolTip, "Studio menu")
        bind_text(self.menu_button.setAccessibleName, "Studio menu")
        self._column.addSpacing(4)
        for number, entry in enumerate(PAGES, start=1):
            button = self._button(entry.icon, 24)
            button.setCheckable(True)
            bind_text(button.setText, entry.title)
            bind_text(button.setAccessibleName, entry.title)
            button.setToolTip(f"Ctrl+{number}")
            button.clicked.connect(lambda _on=False, p=entry.page_id: self.chosen.emit(p))
            self._group.addButton(button)
            self.buttons[entry.page_id] = button
        self._column.addStretch(1)

    def add_tool(self, icon_name: str, source: str, action: QAction) -> QToolButton:
        """A small button at the rail's foot."""
        button = self._place(RailTool(action), icon_name, 20)
        bind_text(button.setAccessibleName, source)
        return button

    def show_current(self, page_id: str) -> None:
        """Mark the page in front; none for the welcome page."""
        self._group.setExclusive(False)
        for name, button in self.buttons.items():
            button.setChecked(name == page_id)
        self._group.setExclusive(page_id in self.buttons)

    def _button(self, icon_name: str, size: int) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        return self._place(button, icon_name, size)

    def _place(self, button: QToolButton, icon_name: str, size: int) -> QToolButton:
        button.setProperty("role", "rail")
        button.setIconSize(QSize(size, size))
        button.setFixedWidth(RAIL_WIDTH - 1)
        if icon_name:
            button.setIcon(icon(icon_name))
        self._column.addWidget(button)
        return button


class MainWindow(QMainWindow):
    """Makes pages when they are first shown and keeps what the window remembers."""

    page_shown = Signal(str)

    def __init__(self, studio: StudioContext | None = None) -> None:
        super().__init__()
        self.studio = studio or StudioContext()
        self.studio.actions.set_window(self)
        self.studio.set_page_opener(self.open_page)
        self.studio.problem.connect(self.show_problem)
        self.studio.project_changed.connect(self._project_changed)
        self.pages: dict[str, Page] = {}
        self._current = ""
        self._closing = False
        self.setWindowIcon(app_icon())
        self.setMinimumSize(960, 600)
        self._build()
        self._retitle()
        translator.language_changed.connect(self._retitle)
        self.commands = Commands(self)
        self._restore()
        self.show_welcome()

    def _build(self) -> None:
        self.rail = Rail()
        self.rail.chosen.connect(self.open_page)
        self.stack = QStackedWidget()
        self.banner = Banner()
        self.drawer = JobsDrawer(self.studio)
        self.welcome = WelcomePage(self.studio)
        self.stack.addWidget(self.welcome)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.stack, 1)
        column.addWidget(self.drawer)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(column, 1)
        body = QWidget()
        body.setProperty("role", "page")
        body.setLayout(row)
        self.setCentralWidget(body)

    @property
    def current_page(self) -> Page:
        """The page in front."""
        return self.pages.get(self._current, self.welcome)

    def page(self, page_id: str) -> Page:
        """The page of that id, made now if need be. Raises StudioError where it cannot be."""
        if page_id not in self.pages:
            entry = next((e for e in PAGES if e.page_id == page_id), None)
            if entry is None:
                raise StudioError(f"There is no page called {page_id!r}.")
            page = self._make(entry)
            self.pages[page_id] = page
            self.stack.addWidget(page)
            self.studio.actions.set_scope(page_id, page)
            for action in page.studio_actions():
                self.studio.actions.declare(action)
            page.set_project(self.studio.project)
        return self.pages[page_id]

    def _make(self, entry: PageEntry) -> Page:
        module_name, _, name = entry.spec.partition(":")
        try:
            page_class = getattr(importlib.import_module(module_name), name)
        except (ImportError, AttributeError) as error:
            raise StudioError(
                tr("The page {page} cannot be opened.", page=tr(entry.title)), hint=str(error)
            ) from error
        return page_class(self.studio)

    def open_page(self, page_id: str, **payload: Any) -> None:
        """Bring a page to the front and hand it `payload`."""
        try:
            page = self.page(page_id)
        except StudioError as error:
            self.rail.show_current(self._current)
            self.show_problem(error)
            return
        self._bring(page, page_id)
        if payload:
            page.receive(**payload)

    def show_welcome(self) -> None:
        """The start: what to open."""
        self._bring(self.welcome, "")

    def _bring(self, page: Page, page_id: str) -> None:
        if self._current == page_id and self.stack.currentWidget() is page:
            self.rail.show_current(page_id)
            return
        self.current_page.deactivate()
        self._current = page_id
        self.stack.setCurrentWidget(page)
        self.rail.show_current(page_id)
        page.activate()
        if page_id:
            self.studio.settings.set("window/page", page_id)
        self.page_shown.emit(page_id)

    def show_problem(self, problem: Any) -> None:
        """On the page in front; on the window where a page is not there."""
        page = self.stack.currentWidget()
        (page if isinstance(page, Page) else self.banner).show_problem(problem)

    def open_project(self, folder: Path) -> bool:
        """Open a folder and show its pictures; a problem becomes a banner."""
        try:
            self.studio.open_project(folder)
        except StudioError as error:
            self.show_problem(error)
            return False
        if not self._current:
            self.open_page("annotate")
        return True

    def _project_changed(self, project: Project | None) -> None:
        self._retitle()
        for page in [self.welcome, *self.pages.values()]:
            page.set_project(project)

    def _retitle(self) -> None:
        project = self.studio.project
        name = "" if project is None else f"{Path(project.folder).name} - "
        self.setWindowTitle(f"{name}Pose Studio")

    def set_studio_menu(self, menu: QMenu) -> None:
        """What the button with the studio's sign opens."""
        self.rail.menu_button.setMenu(menu)

    def toggle_sidebar(self) -> None:
        """Fold the page's panel away, or bring it back."""
        side = self.current_page.sidebar()
        if side is not None:
            side.setVisible(not side.isVisible())

    def _restore(self) -> None:
        settings = self.studio.settings
        geometry = settings.get("window/geometry", QByteArray())
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            screen = self.screen().availableGeometry()
            self.resize(min(1440, screen.width()), min(900, screen.height()))
        self.drawer.restore()

    def remember(self) -> None:
        """Keep sizes for the next start."""
        self.studio.settings.set("window/geometry", self.saveGeometry())
        self.drawer.remember()
        self.studio.settings.sync()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._closing:
            event.accept()
            return
        for page in self.pages.values():
            if not page.confirm_close():
                event.ignore()
                return
        busy = [*self.studio.runner.running(), *self.studio.runner.waiting()]
        if busy and not self.commands.confirm_stop_jobs(busy):
            event.ignore()
            return
        self.remember()
        self.current_page.deactivate()
        if self.studio.project is not None:
            self.studio.project.close()
        if self.studio.runner.running():
            event.ignore()
            self._close_when_saved()
            return
        event.accept()

    def _close_when_saved(self) -> None:
        """Ask the jobs to save, stay until they have, but not for ever."""
        self._closing = True
        self.setEnabled(False)
        self.banner.show_message(tr("The jobs are saving; the window closes when they are done."))
        runner = self.studio.runner
        runner.state_changed.connect(lambda _job: self._close_if_idle())
        QTimer.singleShot(SAVE_GRACE_MS, self, self._close_by_force)
        runner.stop_all()

    def _close_if_idle(self) -> None:
        if not self.studio.runner.running():
            QTimer.singleShot(0, self, self.close)

    def _close_by_force(self) -> None:
        self.studio.runner.kill_all()
        self.close()
