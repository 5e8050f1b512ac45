"""Everything a person can do on the Annotate page, with labelme's keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction

from studio.core.options import N_
from studio.gui.actions import StudioAction
from studio.gui.pages.annotate.tools import TOOLS

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

PAGE = "annotate"
# Keys that mean something else in a text field or a list: they work over the canvas alone,
# those of the second group in the tree too.
CANVAS_KEYS = ("finish", "cancel", "back", "hidden", "absent", "skip")
TREE_KEYS = ("delete", "hidden", "absent")


class Commands:
    """Declares the page's actions and gives each its QAction by its short name."""

    def __init__(self, page: AnnotatePage) -> None:
        self._page = page
        self._actions: dict[str, QAction] = {}
        for tool in TOOLS:
            self._add(
                f"tool.{tool.id}",
                tool.title,
                lambda t=tool.id: page.use_tool(t),
                tool.shortcut,
                tool.icon,
                checkable=True,
            )
        self._add_pictures(page)
        self._add_edits(page)
        self._add_joints(page)
        self._add_view(page)

    def get(self, name: str) -> QAction:
        """The action of a short name such as "undo"."""
        return self._actions[name]

    def place(self) -> None:
        """Give the keys of the canvas to the canvas; the page had them with all the others."""
        page = self._page
        for name in {*CANVAS_KEYS, *TREE_KEYS}:
            action = self._actions[name]
            page.removeAction(action)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            page.canvas.addAction(action)
            if name in TREE_KEYS:
                page.tree.addAction(action)

    def _add(
        self,
        name: str,
        title: str,
        callback: Callable[[], Any],
        shortcut: str = "",
        icon: str = "",
        *,
        checkable: bool = False,
    ) -> None:
        declared = StudioAction(
            f"{PAGE}.{name}", title, callback, shortcut, icon, page_id=PAGE, checkable=checkable
        )
        self._actions[name] = self._page.studio.actions.declare(declared)

    def _add_pictures(self, page: AnnotatePage) -> None:
        self._add("next", N_("Next picture"), lambda: page.go(1), "D", "right")
        self._add("previous", N_("Previous picture"), lambda: page.go(-1), "A", "left")
        keep_next = N_("Next picture with these shapes")
        keep_previous = N_("Previous picture with these shapes")
        self._add("next_keep", keep_next, lambda: page.go(1, keep=True), "Ctrl+Shift+D")
        self._add("previous_keep", keep_previous, lambda: page.go(-1, keep=True), "Ctrl+Shift+A")
        self._add("open_folder", N_("Open a folder…"), page.choose_folder, "Ctrl+U", "folder-open")
        self._add("save", N_("Save"), page.keeper.save, "Ctrl+S", "save")
        self._add("save_all", N_("Save all pictures"), page.keeper.save_all, "Ctrl+Shift+S")
        self._add(
            "autosave",
            N_("Save when leaving a picture"),
            page.keeper.toggle_autosave,
            "Ctrl+Alt+A",
            checkable=True,
        )
        self._add(
            "reviewed",
            N_("Reviewed"),
            page.toggle_reviewed,
            "Ctrl+Return",
            "check-decagram-outline",
            checkable=True,
        )
        self._add("filter", N_("Filter the pictures"), page.focus_filter, "Ctrl+L", "filter")
        self._add("focus_next", N_("Go to the next panel"), page.focus_next_panel, "F6")

    def _add_edits(self, page: AnnotatePage) -> None:
        editor = page.editor
        self._add("undo", N_("Undo"), page.undo, "Ctrl+Z", "undo")
        self._add("redo", N_("Redo"), page.redo, "Ctrl+Shift+Z;Ctrl+Y", "redo")
        self._add("copy", N_("Copy shapes"), editor.copy, "Ctrl+C", "copy")
        self._add("paste", N_("Paste shapes"), editor.paste, "Ctrl+V", "paste")
        self._add("duplicate", N_("Duplicate shapes"), editor.duplicate, "Ctrl+D")
        self._add("select_all", N_("Select all shapes"), editor.select_all, "Ctrl+A")
        self._add("delete", N_("Delete shapes"), page.tool_does("delete"), "Delete", "delete")
        # The panel with the labels is made after the actions.
        edit = lambda: page.parts.labels.edit_label()  # noqa: E731, PLW0108
        self._add("edit_label", N_("Edit label"), edit, "Ctrl+E", "edit")
        self._add(
            "mirror",
            N_("Mirror left and right"),
            lambda: editor.on_person("mirror"),
            "M",
            "swap-horizontal",
        )
        self._add("fit_box", N_("Fit the box"), lambda: editor.on_person("box"), "B")
        self._add(
            "new_person",
            N_("New person"),
            page.tool_does("new_person"),
            "J",
            "account-plus-outline",
        )
        self._add(
            "delete_person", N_("Delete person"), lambda: editor.on_person("delete"), "Shift+Delete"
        )

    def _add_joints(self, page: AnnotatePage) -> None:
        does = page.tool_does
        self._add("hidden", N_("Mark joint hidden or visible"), does("hidden"), "Q", "hidden")
        self._add("absent", N_("Mark joint absent"), does("absent"), "O")
        self._add("skip", N_("Skip this joint"), does("skip"), "W")
        self._add("back", N_("One step back"), does("back"), "Backspace")
        self._add("finish", N_("Finish the shape or person"), does("finish"), "Return;Enter")
        self._add("cancel", N_("Drop what was begun"), does("cancel"), "Esc")

    def _add_view(self, page: AnnotatePage) -> None:
        canvas = page.canvas
        self._add("fit", N_("Fit the picture"), canvas.fit, "Ctrl+F", "fit")
        self._add("fit_width", N_("Fit the width"), lambda: canvas.fit("width"), "Ctrl+Shift+F")
        self._add("actual", N_("100 %"), canvas.show_actual_size, "Ctrl+0")
        self._add("zoom_in", N_("Zoom in"), lambda: canvas.zoom(1.25), "Ctrl++;Ctrl+=", "zoom-in")
        self._add("zoom_out", N_("Zoom out"), lambda: canvas.zoom(0.8), "Ctrl+-", "zoom-out")
        self._add(
            "hide_all",
            N_("Hide or show all shapes"),
            page.editor.toggle_hide_all,
            "T",
            "visible",
            checkable=True,
        )
        self._add("crosshair", N_("Crosshair"), page.toggle_crosshair, "Ctrl+Alt+X", checkable=True)
        self._add(
            "names", N_("Names of selected joints"), page.toggle_names, "Ctrl+Alt+N", checkable=True
        )
        self._add("panels", N_("Fold the panels"), page.toggle_panels, "Ctrl+Tab")
