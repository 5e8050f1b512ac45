"""What helps with the work on the page: proposals, edits over many pictures, quality, tools."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton

from studio.core.options import N_
from studio.gui.actions import StudioAction
from studio.gui.i18n import bind_text, tr
from studio.gui.icons import icon
from studio.gui.pages.annotate.frames import Frames
from studio.gui.pages.annotate.labelme_link import LabelmeLink
from studio.gui.pages.annotate.many import ManyEdits
from studio.gui.pages.annotate.prelabel import Prelabel
from studio.gui.pages.annotate.proposals import Proposals
from studio.gui.pages.annotate.quality_panel import QualityPanel

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.gui.pages.annotate.skeleton_change import SkeletonChange
    from studio.gui.pages.annotate.statistics_dialog import StatisticsDialog

PAGE = "annotate"
MENU = (
    *("prelabel", "prelabel_all", "next_doubtful", ""),
    *("propagate", "propagate_many", "interpolate", "track", "track_back", "track_frames", ""),
    *("quality", "statistics", ""),
    *("skeleton", "labelme"),
)


class Assist(QObject):
    """Holds the helpers and declares their actions."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self.many = ManyEdits(page)
        self.many.progress.connect(self._tell_written)
        self.proposals = Proposals(page)
        self.prelabel = Prelabel(page)
        self.frames = Frames(page)
        self.quality = QualityPanel(page)
        self._declare_proposals()
        self._declare_frames()
        self._declare_quality()
        self.labelme = LabelmeLink(page)
        self._add(
            "skeleton", N_("Edit the skeleton…"), self.edit_skeleton, "Ctrl+Alt+E", "skeleton"
        )
        self.statistics: StatisticsDialog | None = None
        title = N_("Statistics of the annotations")
        self._add("statistics", title, self.show_statistics, "Ctrl+Alt+I", "chart")
        self._add("labelme", N_("Open in labelme"), self.labelme.open, "Ctrl+Alt+O", "external")

    def _tell_written(self, done: int, total: int) -> None:
        text = tr("Writing annotations: {done} of {total}", done=done, total=total)
        self._page.editor.said.emit(text)

    def menu_button(self) -> QToolButton:
        """A button for the tool bar with all of it."""
        shown = QToolButton()
        shown.setIcon(icon("robot-outline"))
        shown.setIconSize(QSize(20, 20))
        bind_text(shown.setToolTip, "Help with the work")
        bind_text(shown.setAccessibleName, "Help with the work")
        menu = QMenu(shown)
        for name in MENU:
            if name:
                menu.addAction(self._page.studio.actions.get(f"{PAGE}.{name}"))
            else:
                menu.addSeparator()
        shown.setMenu(menu)
        shown.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return shown

    def _add(
        self, name: str, title: str, callback: Callable[[], Any], keys: str = "", sign: str = ""
    ) -> QAction:
        declared = StudioAction(f"{PAGE}.{name}", title, callback, keys, sign, page_id=PAGE)
        return self._page.studio.actions.declare(declared)

    def _declare_proposals(self) -> None:
        proposals, prelabel = self.proposals, self.prelabel
        add = self._add
        add("prelabel", N_("Pre-label this picture"), prelabel.this_picture, "I", "robot-outline")
        add("prelabel_all", N_("Pre-label pictures…"), prelabel.ask, "Ctrl+I", "robot-outline")
        add("accept", N_("Accept the proposed person"), proposals.accept, "Y", "ok")
        add("reject", N_("Reject the proposed person"), proposals.reject, "N", "close")
        above = N_("Accept all proposals above the score")
        add("accept_above", above, proposals.accept_above, "Shift+Y")
        doubtful = N_("Next doubtful picture")
        add("next_doubtful", doubtful, proposals.next_doubtful, "G", "next")

    def _declare_frames(self) -> None:
        frames, add = self.frames, self._add
        add("interpolate", N_("Interpolate between keyframes"), frames.interpolate, "Shift+I")
        add("propagate", N_("Copy people to the next picture"), frames.propagate, "Shift+N")
        many = N_("Copy people to the next pictures…")
        add("propagate_many", many, frames.ask_propagate, "Ctrl+Alt+D")
        add("track", N_("Track joints forward"), lambda: frames.track("forward"), "Shift+D")
        backward = N_("Track joints backward")
        add("track_back", backward, lambda: frames.track("backward"), "Shift+A")
        add("track_frames", N_("Track joints over…"), frames.ask_track, "Ctrl+Alt+F")

    def _declare_quality(self) -> None:
        quality, add = self.quality, self._add
        add("quality", N_("Check the annotations"), self.show_quality, "Ctrl+Alt+Q", "magnify")
        add("quality_next", N_("Next finding"), quality.next, "Shift+G")
        add("quality_ignore", N_("Ignore the finding"), quality.ignore, "Shift+Q")

    def show_quality(self) -> None:
        """Bring the desk to the front; a first time it starts looking at once."""
        parts = self._page.parts
        parts.unfold()
        parts.tabs.setCurrentWidget(self.quality)
        if self.quality.job is None:
            self.quality.start()

    @cached_property
    def skeleton(self) -> SkeletonChange:
        """The skeleton editor, loaded when it is first asked for."""
        from studio.gui.pages.annotate.skeleton_change import SkeletonChange

        return SkeletonChange(self._page)

    def edit_skeleton(self) -> None:
        """Open the skeleton editor."""
        self.skeleton.open()

    def show_statistics(self) -> None:
        """Count what has been annotated."""
        # The window shall not wait for another page's parts when it starts.
        from studio.gui.pages.annotate.statistics_dialog import StatisticsDialog

        if self._page.studio.project is None:
            return
        self._page.document.save_all()
        dialog = StatisticsDialog(self._page)
        dialog.finished.connect(lambda _code: dialog.deleteLater())
        self.statistics = dialog
        dialog.open()
