"""Everything a person can do, once: menu, shortcut, tooltip and command palette follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from studio.gui.i18n import tr, translator
from studio.gui.icons import icon
from studio.gui.shortcuts import ActionKeys, Shortcuts


@dataclass(frozen=True)
class StudioAction:
    """One thing to do. `title` is an N_() text; `shortcut` as Qt writes it ("Ctrl+S", several
    separated by ";"); `page_id` "" means: on every page.
    """

    id: str
    title: str
    callback: Callable[[], Any]
    shortcut: str = ""
    icon: str = ""
    page_id: str = ""
    checkable: bool = False
    in_palette: bool = True


class ActionRegistry(QObject):
    """All actions by id. A shortcut works in the window, or while its page is shown."""

    added = Signal(str)
    shortcuts_changed = Signal()

    def __init__(self, window: QWidget | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        self._scopes: dict[str, QWidget] = {}
        self._actions: dict[str, QAction] = {}
        self._declared: dict[str, StudioAction] = {}
        self.shortcuts = Shortcuts()
        translator.language_changed.connect(self._retranslate)

    def set_window(self, window: QWidget) -> None:
        """The widget whose shortcuts hold everywhere."""
        self._window = window
        for action_id, action in self._actions.items():
            self._place(self._declared[action_id], action)

    def set_scope(self, page_id: str, widget: QWidget) -> None:
        """Shortcuts of this page work while `widget` is shown."""
        self._scopes[page_id] = widget
        for action_id, declared in self._declared.items():
            if declared.page_id == page_id:
                self._place(declared, self._actions[action_id])

    def add(
        self,
        action_id: str,
        title: str,
        callback: Callable[[], Any],
        shortcut: str = "",
        page_id: str | None = None,
        **more: Any,
    ) -> QAction:
        """Declare an action and get its QAction, ready for a button or a menu."""
        return self.declare(
            StudioAction(action_id, title, callback, shortcut, page_id=page_id or "", **more)
        )

    def declare(self, declared: StudioAction) -> QAction:
        """Like `add`; an action of the same id is replaced."""
        old = self._actions.pop(declared.id, None)
        if old is not None:
            # It stays in its page until it is deleted: without keys it is in nobody's way.
            old.setShortcuts([])
            old.deleteLater()
        action = QAction(self)
        action.setObjectName(declared.id)
        action.setCheckable(declared.checkable)
        if declared.icon:
            action.setIcon(icon(declared.icon))
        action.triggered.connect(lambda _checked=False: declared.callback())
        self._actions[declared.id] = action
        self._declared[declared.id] = declared
        self.set_shortcut(declared.id, self.shortcuts.keys_of(keys_of(declared)))
        self._place(declared, action)
        self.added.emit(declared.id)
        return action

    def get(self, action_id: str) -> QAction:
        """The QAction of that id. KeyError if there is none."""
        return self._actions[action_id]

    def declared(self, action_id: str) -> StudioAction:
        """An action as it was declared. KeyError if there is none."""
        return self._declared[action_id]

    def all(self) -> list[StudioAction]:
        """Every declared action in the order of declaration."""
        return list(self._declared.values())

    def set_shortcuts(self, shortcuts: Shortcuts) -> None:
        """Other keys for all actions, those declared later too."""
        self.shortcuts = shortcuts
        for action_id, declared in self._declared.items():
            self.set_shortcut(action_id, shortcuts.keys_of(keys_of(declared)))
        self.shortcuts_changed.emit()

    def set_shortcut(self, action_id: str, shortcut: str) -> None:
        """Change the keys of an action; its tooltip follows."""
        action = self._actions[action_id]
        keys = [QKeySequence(part.strip()) for part in shortcut.split(";") if part.strip()]
        action.setShortcuts(keys)
        self._retext(action_id)

    def trigger(self, action_id: str) -> None:
        """Do it, if it is enabled."""
        self._actions[action_id].trigger()

    def _place(self, declared: StudioAction, action: QAction) -> None:
        # On a page that is not in front the widget is not visible, and its keys do nothing.
        scope = self._scopes.get(declared.page_id) if declared.page_id else self._window
        if scope is None:
            return
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if action not in scope.actions():
            scope.addAction(action)

    def _retext(self, action_id: str) -> None:
        action = self._actions[action_id]
        title = tr(self._declared[action_id].title)
        action.setText(title)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{title} ({keys})" if keys else title)

    def _retranslate(self) -> None:
        for action_id in self._actions:
            self._retext(action_id)


def keys_of(declared: StudioAction) -> ActionKeys:
    """An action as the table of shortcuts knows it."""
    return ActionKeys(declared.id, declared.page_id, declared.shortcut)
