"""The Annotate page: pictures on the left, the canvas, people and skeleton on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QPoint, QPointF, QRectF, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.core import people, prelabels
from studio.core.errors import StudioError
from studio.core.geometry import bounds
from studio.core.options import N_
from studio.gui.document import Document
from studio.gui.i18n import tr
from studio.gui.page import Page
from studio.gui.pages.annotate.assist import Assist
from studio.gui.pages.annotate.canvas import Canvas
from studio.gui.pages.annotate.commands import Commands
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.joint_choice import choose_joint
from studio.gui.pages.annotate.keeper import Keeper
from studio.gui.pages.annotate.layout import PageLayout
from studio.gui.pages.annotate.library import Library, entry_of
from studio.gui.pages.annotate.pictures import Picture, PictureLoader, known_size
from studio.gui.pages.annotate.skeleton_change import DEFAULT
from studio.gui.pages.annotate.thumbnails import Thumbnails
from studio.gui.pages.annotate.tools import TOOLS
from studio.io.skeletons import load_skeleton

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.gui.pages.annotate.picture_rows import Rows
    from studio.io.project import Project

WATCH_MS = 2000
AHEAD = 2
SELECTION_MENU = (
    *("hidden", "absent", "edit_label", ""),
    *("copy", "paste", "duplicate", "delete", ""),
    *("mirror", "fit_box", "delete_person"),
)


class AnnotatePage(Page):
    """Holds the parts together; each part says what it does itself."""

    page_id: ClassVar[str] = "annotate"
    title: ClassVar[str] = N_("Annotate")
    icon_name: ClassVar[str] = "annotate"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.document = Document(self)
        self.editor = Editor(self.document, load_skeleton(DEFAULT), self)
        self.canvas = Canvas(self.editor)
        self.editor.tools = {tool.id: tool(self.editor, self.canvas) for tool in TOOLS}
        self.editor.use("select")
        self.loader = PictureLoader(self)
        self.library = Library(self)
        self.thumbnails = Thumbnails(self)
        self.keeper = Keeper(self)
        self.commands = Commands(self)
        self.assist = Assist(self)
        self.parts = PageLayout(self)
        self.tree = self.parts.tree
        self.pictures = self.parts.pictures
        self.set_content(self.parts)
        self._wanted: tuple[Path, int | None] | None = None
        self._placed = False
        self._watch = QTimer(self)
        self._watch.setInterval(WATCH_MS)
        self._watch.timeout.connect(self.keeper.watch)
        self._connect()
        self._show_settings()
        self.refresh_state()

    def _connect(self) -> None:
        document, canvas = self.document, self.canvas
        document.opened.connect(self._opened)
        document.changed.connect(self._changed)
        document.saved_changed.connect(self._saved_changed)
        document.problem.connect(self.show_problem)
        document.history.indexChanged.connect(self.refresh_state)
        self.loader.loaded.connect(self._loaded)
        self.loader.failed.connect(self._load_failed)
        self.library.listed.connect(self._listed)
        self.library.filter_problem.connect(self.pictures.show_filter_problem)
        self.library.scanning.connect(self.parts.show_scan)
        self.library.refreshed.connect(self.pictures.model.refresh)
        self.library.problem.connect(self.show_problem)
        self.library.orphaned.connect(self.keeper.tell_orphans)
        self.pictures.chosen.connect(self.open_soon)
        self.pictures.filter_changed.connect(self.library.ask)
        self.editor.tool_changed.connect(self._tool_changed)
        self.editor.next_asked.connect(self.go)
        self.editor.skeleton_changed.connect(self.refresh_state)
        self.parts.skeleton.skeleton_chosen.connect(self.assist.skeleton.choose)
        self.parts.skeleton.joint_chosen.connect(self.pick_joint)
        self.parts.toolbar.adjustment.changed.connect(canvas.set_adjustment)
        self.tree.doubleClicked.connect(lambda _index: self.show_selection())
        canvas.fold_asked.connect(self.toggle_panels)
        canvas.menu_asked.connect(self._show_menu)

    # the page among the others

    def activate(self) -> None:
        self._watch.start()
        self.keeper.watch()
        if self.document.picture is not None:
            self.canvas.setFocus()

    def deactivate(self) -> None:
        self._watch.stop()
        self.parts.remember(self.studio.settings)
        if self.document.autosave:
            self.document.save_soon()

    def sidebar(self) -> QWidget:
        return self.parts.right

    def set_project(self, project: Project | None) -> None:
        if not self._placed:
            self.commands.place()
            self._placed = True
        folder = None if project is None else Path(project.folder)
        self.loader.stop()
        self.banner.clear()
        self.parts.clear_notices()
        self.assist.quality.clear()
        self.document.set_project(folder)
        self.thumbnails.set_project(folder)
        self.pictures.show_entries([], None)
        self.parts.show_state(project is not None, None)
        if project is not None and folder is not None:
            self.assist.skeleton.load(project, folder)
        self.keeper.enter(folder)
        if folder is not None:
            self.assist.many.offer_unfinished(folder)
        self.library.set_project(project)

    def receive(self, **payload: Any) -> None:
        """Another page sends a `picture`, a person's `group_id` on it, and a `note` about it."""
        picture: Path | None = payload.get("picture")
        if picture is None:
            return
        self._wanted = (picture, payload.get("group_id"))
        self.open_picture(picture)
        if self.pictures.model.row_of(picture) < 0:
            # A frame that was just kept: the list does not know it yet.
            self.library.rescan()
        if payload.get("note"):
            self.banner.show_message(str(payload["note"]))

    def confirm_close(self) -> bool:
        return self.keeper.confirm_close()

    # pictures

    def _listed(self, entries: Rows) -> None:
        current = self.document.coming or self.document.picture
        self.pictures.show_entries(entries, current)
        some = bool(entries) or bool(current)
        known = some if some or self.library.complete else None
        self.parts.show_state(self.studio.project is not None, known)
        if current is None and entries and self._wanted is None:
            # In a turn of its own: the list is painted first.
            QTimer.singleShot(0, self, self._open_first)

    def _open_first(self) -> None:
        """The first of the list, unless a picture was taken in hand meanwhile."""
        rows = self.pictures.model.entries
        if self.document.picture is None and self.document.coming is None and rows:
            self.open_picture(rows.path(0))

    def open_picture(self, picture: Path) -> None:
        """Take a picture in hand; the one before is saved first where autosave is on."""
        if picture != self.document.picture or self.document.coming is not None:
            self.banner.clear()
            self.document.open(picture, known_size(picture))

    def open_soon(self, picture: Path) -> None:
        """`open_picture`, but a large annotation file is waited for without a halt."""
        if picture == (self.document.coming or self.document.picture):
            return
        self.banner.clear()
        if not self.document.open_soon(picture, known_size(picture)):
            self.pictures.mark(picture)
            self.editor.said.emit(tr("Reading the annotations of {name}…", name=picture.name))

    def _opened(self, picture: Path | None) -> None:
        self.parts.conflict.clear()
        self.pictures.mark(picture)
        self.parts.show_state(self.studio.project is not None, picture is not None)
        if picture is None:
            self.canvas.set_picture(None)
        else:
            beside = (self.pictures.neighbour(picture, n) for n in (*range(1, AHEAD + 1), -1))
            ahead = tuple(p for p in beside if p is not None)
            self.loader.request(picture, ahead)
            self.document.prefetch(ahead)
        self.refresh_state()

    def _loaded(self, picture: Picture) -> None:
        self.canvas.set_picture(picture)
        if picture.preview:
            return
        if picture.problem is not None:
            self.show_problem(picture.problem)
            self._mark_problem(picture.path, picture.problem)
        self.keeper.compare_with(picture)
        if self._wanted is not None and self._wanted[0] == picture.path:
            group_id = self._wanted[1]
            self._wanted = None
            if group_id is not None:
                self.document.select(people.person_shapes(self.document.content, group_id))
                self.show_selection()
        self.refresh_state()

    def _load_failed(self, picture: Path, problem: StudioError) -> None:
        self.canvas.set_picture(None)
        self._wanted = None
        self.show_problem(problem)
        self._mark_problem(picture, problem)

    def _mark_problem(self, picture: Path, problem: StudioError) -> None:
        row = self.pictures.model.row_of(picture)
        if row >= 0:
            entry = self.pictures.model.entries[row]
            self.pictures.model.set_entry(replace(entry, state="problem", problem=problem.message))

    def go(self, step: int, *, keep: bool = False) -> None:
        """The next or previous picture; `keep` takes the shapes of this one along."""
        here = self.document.coming or self.document.picture
        target = self.pictures.neighbour(here, step)
        if target is None:
            self.editor.said.emit(
                tr("This is the last picture.") if step > 0 else tr("This is the first picture.")
            )
            return
        if not keep:
            self.open_soon(target)
            return
        shapes = self.document.content.shapes
        self.open_picture(target)
        if shapes and self.document.picture == target:
            if self.document.content.shapes:
                self.editor.said.emit(tr("This picture has shapes already; none were added."))
            else:
                self.document.apply(people.paste(self.document.content, shapes))

    def choose_folder(self) -> None:
        """Ask for a folder of pictures."""
        chosen = QFileDialog.getExistingDirectory(self, tr("Open a folder of pictures"))
        if chosen:
            try:
                self.studio.open_project(Path(chosen))
            except StudioError as problem:
                self.show_problem(problem)

    def _changed(self, _edit: object) -> None:
        row = self.pictures.model.row_of(self.document.picture)
        if row >= 0:
            entry = self.pictures.model.entries[row]
            content = self.document.content
            self.pictures.model.set_entry(entry_of(entry, content, self.assist.skeleton.own))
        self.refresh_state()

    def _saved_changed(self, picture: Path) -> None:
        content = self.document.content_of(picture)
        if content is not None and not self.document.is_dirty(picture):
            self.library.saved(picture, content)
        self.pictures.model.touch(picture)
        self.refresh_state()

    # tools and edits

    def use_tool(self, tool_id: str) -> None:
        """Take a tool in hand; the keys go to the canvas."""
        self.editor.use(tool_id)
        self.canvas.setFocus()

    def tool_does(self, name: str) -> Callable[[], None]:
        """A callback that asks the tool in hand, whichever it is then."""

        def act() -> None:
            getattr(self.editor.tool, name)()
            self.canvas.update()
            self.parts.show_hint()

        return act

    def pick_joint(self, joint: int) -> None:
        """A joint was chosen in the panel: select it if it is set, else set it next."""
        if choose_joint(self.editor, joint):
            self.canvas.setFocus()

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        for name in SELECTION_MENU:
            if name:
                menu.addAction(self.commands.get(name))
            else:
                menu.addSeparator()
        menu.popup(self.canvas.mapToGlobal(place))
        menu.aboutToHide.connect(menu.deleteLater)

    def undo(self) -> None:
        """One step back, on whichever picture it was."""
        if not self.assist.many.undo():
            self.document.history.undo()

    def redo(self) -> None:
        """One step on again."""
        if not self.assist.many.undo(forward=True):
            self.document.history.redo()

    def toggle_reviewed(self) -> None:
        """Mark the picture as looked at and right, or not."""
        content = self.document.content
        self.document.apply(prelabels.set_reviewed(content, not content.reviewed))
        self.refresh_state()

    # what is shown

    def show_selection(self) -> None:
        """Bring what is selected into sight."""
        shapes = self.document.content.shapes
        around = bounds(p for i in self.document.selection for p in shapes[i].points)
        if around is not None:
            area = QRectF(QPointF(*around[:2]), QPointF(*around[2:]))
            self.canvas.show_area(area.adjusted(-8, -8, 8, 8))

    def toggle_crosshair(self) -> None:
        """Lines through the cursor while drawing."""
        self.canvas.crosshair = not self.canvas.crosshair
        self.studio.settings.set("annotate/crosshair", self.canvas.crosshair)
        self.canvas.update()
        self.refresh_state()

    def toggle_names(self) -> None:
        """The name of every selected joint beside it."""
        look = self.editor.look
        self.editor.set_look(replace(look, names=not look.names))
        self.refresh_state()

    def toggle_panels(self) -> None:
        """The picture has the whole page, or the panels are back."""
        self.parts.fold()

    def focus_filter(self) -> None:
        """Type a filter."""
        self.parts.unfold()
        self.pictures.field.setFocus()
        self.pictures.field.selectAll()

    def focus_next_panel(self) -> None:
        """Round the panels by the keyboard."""
        self.parts.focus_next()

    def _tool_changed(self, tool_id: str) -> None:
        for tool in TOOLS:
            self.commands.get(f"tool.{tool.id}").setChecked(tool.id == tool_id)
        # What these tools go by stands in a tab.
        tab = {"loop": self.parts.skeleton, "head": self.parts.flags}.get(tool_id)
        if tab is not None:
            self.parts.tabs.setCurrentWidget(tab)
        self.parts.show_hint()

    def _show_settings(self) -> None:
        settings = self.studio.settings
        self.canvas.crosshair = settings.get("annotate/crosshair", True)
        self.parts.restore(settings)
        self._tool_changed(self.editor.tool_id)

    def refresh_state(self) -> None:
        """Which actions can be done, what is checked, whether it is saved."""
        document, get = self.document, self.commands.get
        picture = document.picture
        get("undo").setEnabled(document.history.canUndo())
        get("redo").setEnabled(document.history.canRedo())
        for name in ("save", "reviewed", "fit", "zoom_in", "zoom_out", "hide_all"):
            get(name).setEnabled(picture is not None)
        get("reviewed").setChecked(document.content.reviewed)
        get("autosave").setChecked(document.autosave)
        get("crosshair").setChecked(self.canvas.crosshair)
        get("names").setChecked(self.editor.look.names)
        get("hide_all").setChecked(self.editor.look.hide_all)
        self.parts.toolbar.show_saved(None if picture is None else document.is_dirty(picture))
