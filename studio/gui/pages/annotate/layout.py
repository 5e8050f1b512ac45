"""How the Annotate page is laid out: three columns that fold, a bar, a line of hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui.i18n import tr, translator
from studio.gui.pages.annotate.flags_panel import FlagsPanel
from studio.gui.pages.annotate.labels_panel import LabelsPanel
from studio.gui.pages.annotate.notices import Notice, RecoveryNotice
from studio.gui.pages.annotate.people_tree import PeopleTree
from studio.gui.pages.annotate.picture_list import PictureList
from studio.gui.pages.annotate.skeleton_panel import SkeletonPanel
from studio.gui.pages.annotate.toolbar import ToolBar, action_button
from studio.gui.pages.annotate.tools import TOOLS
from studio.gui.widgets.basics import ElidedLabel, EmptyState, label

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.gui.settings import Settings

LEFT_WIDTH, RIGHT_WIDTH = 264, 312
# How long a message stands in the line of hints.
SAID_MS = 4000
PROJECT_MISSING, EMPTY, WORK = range(3)


class PageLayout(QWidget):
    """Makes the widgets of the page and shows their state."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__()
        self._page = page
        editor = page.editor
        self.toolbar = ToolBar(page.commands.get, [tool.id for tool in TOOLS])
        self.toolbar.add_tool(page.assist.menu_button())
        self.pictures = PictureList(page.thumbnails, page.document.is_dirty)
        self.tree = PeopleTree(editor)
        self.skeleton = SkeletonPanel(editor)
        self.skeleton.add_to_head(action_button(page.commands.get("new_person")))
        self.labels = LabelsPanel(editor)
        self.flags = FlagsPanel(editor)
        self.conflict = Notice()
        self.others = Notice()
        self.orphans = Notice()
        self.recovery = RecoveryNotice()
        self.unfinished = Notice()
        self.hint = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.hint.setProperty("role", "hint")
        self.place = QLabel()
        self.place.setProperty("role", "hint")
        self.left = self._side("side-left")
        self.right = self._side("side")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.middle = QStackedWidget()
        self.stack = QStackedWidget()
        self._folded = False
        self._lay_out()
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.setInterval(SAID_MS)
        self._said.timeout.connect(self.show_hint)
        editor.said.connect(self._say)
        editor.tool_changed.connect(self._said.stop)
        page.canvas.acted.connect(self.show_hint)
        editor.person_changed.connect(self.show_hint)
        page.canvas.view_changed.connect(self._view_changed)
        page.canvas.pointed.connect(self._pointed)
        translator.language_changed.connect(self.show_hint)
        translator.language_changed.connect(self._name_tabs)

    def _side(self, role: str) -> QFrame:
        frame = QFrame()
        frame.setProperty("role", role)
        frame.setMinimumWidth(180)
        return frame

    def _lay_out(self) -> None:
        left = QVBoxLayout(self.left)
        left.setContentsMargins(0, 0, 1, 0)
        left.addWidget(self.pictures)
        self._lay_out_right()
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self._centre())
        self.splitter.addWidget(self.right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([LEFT_WIDTH, 800, RIGHT_WIDTH])
        page = self._page
        self.stack.addWidget(
            EmptyState(
                "images",
                "Open your pictures",
                "Choose a folder of photographs. Annotations are saved beside each picture as "
                "labelme files; nothing is copied or moved.",
                "Open a folder…",
                page.choose_folder,
            )
        )
        self.stack.addWidget(
            EmptyState(
                "images",
                "No pictures here",
                "This folder holds no pictures. Choose another one, or put pictures into it.",
                "Open a folder…",
                page.choose_folder,
            )
        )
        work = QWidget()
        rows = QVBoxLayout(work)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.toolbar)
        rows.addWidget(self.splitter, 1)
        self.stack.addWidget(work)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack)

    def _lay_out_right(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for panel in (self.skeleton, self.labels, self.flags, self._page.assist.quality):
            self.tabs.addTab(panel, "")
        self._name_tabs()
        head = label("People and shapes", "title")
        head.setContentsMargins(12, 10, 8, 6)
        above = QWidget()
        above.setProperty("role", "clear")
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.tree, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(above)
        parts.addWidget(self.tabs)
        parts.setStretchFactor(0, 1)
        parts.setStretchFactor(1, 1)
        self.right_parts = parts
        right = QVBoxLayout(self.right)
        right.setContentsMargins(1, 0, 0, 0)
        right.addWidget(parts)

    def _name_tabs(self) -> None:
        titles = (tr("Skeleton"), tr("Labels"), tr("Details"), tr("Quality"))
        for number, title in enumerate(titles):
            self.tabs.setTabText(number, title)

    def _centre(self) -> QWidget:
        line = QFrame()
        line.setProperty("role", "drawer")
        row = QHBoxLayout(line)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(16)
        row.addWidget(self.hint, 1)
        row.addWidget(self.place)
        line.setFixedHeight(28)
        centre = QWidget()
        centre.setMinimumWidth(320)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (
            self.others,
            self.orphans,
            self.recovery,
            self.conflict,
            self._page.assist.proposals.bar,
        ):
            column.addWidget(part)
        column.addWidget(self._page.canvas, 1)
        column.addWidget(line)
        return centre

    # what is shown

    def show_state(self, project: bool, pictures: bool | None) -> None:
        """No project; a project without pictures; work. None: not known yet."""
        if not project:
            self.stack.setCurrentIndex(PROJECT_MISSING)
        elif pictures is False and not self.pictures.field.text():
            self.stack.setCurrentIndex(EMPTY)
        else:
            self.stack.setCurrentIndex(WORK)

    def _say(self, text: str) -> None:
        self.hint.setText(text)
        self._said.start()

    def show_hint(self) -> None:
        """What the tool in hand expects, unless something was just said."""
        if not self._said.isActive():
            self.hint.setText(self._page.editor.tool.hint())

    def show_scan(self, done: int, total: int) -> None:
        """The index is being brought up to date."""
        text = tr("Reading annotations: {done} of {total}", done=done, total=total)
        self.hint.setText(text if done < total else self._page.editor.tool.hint())

    def clear_notices(self) -> None:
        """Nothing waits for an answer."""
        self.conflict.clear()
        self.others.clear()
        self.orphans.clear()
        self.recovery.clear()
        self.unfinished.clear()

    def _view_changed(self) -> None:
        self.toolbar.show_zoom(self._page.canvas.zoom_percent)

    def _pointed(self, x: float, y: float) -> None:
        width, height = self._page.canvas.size_shown
        self.place.setText(f"{x:.0f}, {y:.0f}    {width} × {height}")

    # folding and remembering

    def fold(self) -> None:
        """Hide the panels, or bring them back."""
        self._folded = not self._folded
        self.left.setVisible(not self._folded)
        self.right.setVisible(not self._folded)

    def unfold(self) -> None:
        """Bring the panels back."""
        if self._folded:
            self.fold()

    def focus_next(self) -> None:
        """From the canvas to the pictures, the tree, the tab, and round."""
        self.unfold()
        ring = [self._page.canvas, self.pictures.view, self.tree, self.skeleton.list]
        shown = [w for w in ring if w.isVisible()]
        at = next((n for n, w in enumerate(shown) if w.hasFocus()), -1)
        shown[(at + 1) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)

    def remember(self, settings: Settings) -> None:
        """Keep the sizes of the panels."""
        if not self._folded:
            settings.set("annotate/columns", self.splitter.saveState())
        settings.set("annotate/right", self.right_parts.saveState())

    def restore(self, settings: Settings) -> None:
        """The sizes as they were."""
        for key, splitter in (
            ("annotate/columns", self.splitter),
            ("annotate/right", self.right_parts),
        ):
            state = settings.get(key, QByteArray())
            if not state.isEmpty():
                splitter.restoreState(state)
