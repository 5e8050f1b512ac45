"""The window in which keys are chosen: presets, one key after the other, what clashes."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.actions import StudioAction, keys_of
from studio.gui.context import StudioContext
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.page_table import PAGES
from studio.gui.shortcuts import PRESETS, Shortcuts, split
from studio.gui.theme import theme
from studio.gui.widgets.basics import button, label, row

ACTION = Qt.ItemDataRole.UserRole
TITLE, KEYS, CLASH = range(3)


class ShortcutEditor(QDialog):
    """Each change holds at once. What was opened so far is listed, by where it works."""

    def __init__(self, studio: StudioContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        bind_text(self.setWindowTitle, "Keyboard shortcuts")
        self.resize(720, 640)
        self.preset = QComboBox()
        for name, (title, _keys) in PRESETS.items():
            self.preset.addItem(title, name)
        bind_text(self.preset.setAccessibleName, "Preset")
        self.preset.activated.connect(self._take_preset)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        bind_text(self.search.setPlaceholderText, "Find an action or a key…")
        bind_text(self.search.setAccessibleName, "Find an action or a key…")
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(3)
        self.tree.setUniformRowHeights(True)
        self.tree.setAlternatingRowColors(True)
        self.tree.currentItemChanged.connect(self._chosen)
        bind_text(self.tree.setAccessibleName, "Keyboard shortcuts")
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        for column, width in ((KEYS, 170), (CLASH, 190)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, width)
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setClearButtonEnabled(True)
        bind_text(self.keys.setAccessibleName, "New key")
        self.set_button = button("Set this key", self.set_key, role="primary")
        self.add_button = button("Add it", self.add_key)
        self.clear_button = button("No key", self.clear_keys)
        self.reset_button = button("Default", self.reset_keys)
        self.clash = label("", "warning", wrap=True)
        self.take_button = button("Take it from the others", self.take)
        self._lay_out()
        studio.actions.shortcuts_changed.connect(self.fill)
        translator.language_changed.connect(self.fill)
        self.fill()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(12)
        column.addWidget(label("Keyboard shortcuts", "heading"))
        column.addLayout(row(label("Preset"), self.preset, 16, self.search))
        column.addWidget(self.tree, 1)
        column.addLayout(
            row(
                label("New key"),
                self.keys,
                self.set_button,
                self.add_button,
                self.clear_button,
                self.reset_button,
            )
        )
        clashes = row(self.clash, self.take_button)
        clashes.setStretch(0, 1)
        column.addLayout(clashes)
        column.addLayout(row(None, button("Close", self.accept)))

    # what is shown

    def fill(self) -> None:
        """List every action with its keys."""
        chosen = self._action()
        shortcuts, actions = self._shortcuts, self.studio.actions.all()
        clashes = shortcuts.clashes([keys_of(a) for a in actions])
        titles = {a.id: tr(a.title) for a in actions}
        self.tree.setHeaderLabels([tr("Action"), tr("Keys"), tr("Clashes with")])
        self.tree.clear()
        places = [("", tr("Everywhere")), *((p.page_id, tr(p.title)) for p in PAGES)]
        for page_id, place in places:
            own = [a for a in actions if a.page_id == page_id]
            if not own:
                continue
            top = QTreeWidgetItem([place])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(top)
            top.setFirstColumnSpanned(True)
            for action in own:
                self._add(top, action, [titles[other] for other in clashes.get(action.id, ())])
            top.setExpanded(True)
        self.preset.setCurrentIndex(self.preset.findData(shortcuts.preset))
        self._filter(self.search.text())
        self._choose(chosen)

    def _add(self, top: QTreeWidgetItem, action: StudioAction, clashes: list[str]) -> None:
        keys = split(self._shortcuts.keys_of(keys_of(action)))
        native = [QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText) for k in keys]
        item = QTreeWidgetItem([tr(action.title), "   ".join(native), ", ".join(clashes)])
        item.setData(TITLE, ACTION, action)
        if action.id in self._shortcuts.own:
            font = item.font(KEYS)
            font.setBold(True)
            item.setFont(KEYS, font)
            item.setToolTip(KEYS, tr("Changed by you"))
        for number in (KEYS, CLASH) if clashes else ():
            item.setForeground(number, theme.color("danger"))
        item.setToolTip(CLASH, ", ".join(clashes))
        top.addChild(item)

    def _filter(self, text: str) -> None:
        wanted = text.casefold().strip()
        for top, items in self._rows():
            for item in items:
                item.setHidden(wanted not in f"{item.text(TITLE)} {item.text(KEYS)}".casefold())
            top.setHidden(all(item.isHidden() for item in items))

    def _rows(self) -> Iterator[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]]:
        """Each place with its actions."""
        for number in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(number)
            if top is not None:
                items = (top.child(line) for line in range(top.childCount()))
                yield top, [item for item in items if item is not None]

    def choose(self, action_id: str) -> None:
        """Put the cursor on an action."""
        self._choose(self.studio.actions.declared(action_id))

    def _choose(self, action: StudioAction | None) -> None:
        for _top, items in self._rows():
            for item in items:
                if action is not None and item.data(TITLE, ACTION).id == action.id:
                    self.tree.setCurrentItem(item)
        self._chosen()

    def _chosen(self) -> None:
        action = self._action()
        for part in (self.keys, self.set_button, self.add_button, self.clear_button):
            part.setEnabled(action is not None)
        changed = action is not None and action.id in self._shortcuts.own
        self.reset_button.setEnabled(changed)
        self.keys.clear()
        item = self.tree.currentItem()
        others = item.text(CLASH) if item is not None and action is not None else ""
        self.clash.setText(tr("The same key also calls: {others}", others=others) if others else "")
        self.take_button.setVisible(bool(others))

    # what is done

    @property
    def _shortcuts(self) -> Shortcuts:
        return self.studio.actions.shortcuts

    def _action(self) -> StudioAction | None:
        item = self.tree.currentItem()
        return item.data(TITLE, ACTION) if item is not None else None

    def _take_preset(self) -> None:
        self.studio.set_shortcuts(self._shortcuts.with_preset(str(self.preset.currentData())))

    def set_key(self) -> None:
        """The key that was pressed, in the place of those there are."""
        text = self._pressed()
        if text:
            self._give(text)

    def add_key(self) -> None:
        """The key that was pressed, beside those there are."""
        action, text = self._action(), self._pressed()
        if action is not None and text:
            self._give(";".join([*split(self._shortcuts.keys_of(keys_of(action))), text]))

    def clear_keys(self) -> None:
        """No key at all: the action stays in the menus and the palette."""
        self._give("")

    def reset_keys(self) -> None:
        """As the preset has it."""
        action = self._action()
        if action is not None:
            self._give(self._shortcuts.standard(keys_of(action)))

    def take(self) -> None:
        """Whoever else has the key loses it."""
        action = self._action()
        if action is not None:
            known = [keys_of(a) for a in self.studio.actions.all()]
            self.studio.set_shortcuts(self._shortcuts.freed(known, keys_of(action)))

    def _pressed(self) -> str:
        return self.keys.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def _give(self, keys: str) -> None:
        action = self._action()
        if action is not None:
            self.studio.set_shortcuts(self._shortcuts.with_keys(keys_of(action), keys))
