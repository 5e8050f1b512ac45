"""The labels of the picture with their colours: which one new shapes get, which are shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QInputDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.core import shape_edits
from studio.gui import style
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.annotate.editor import Editor

LABEL = Qt.ItemDataRole.UserRole
# Longer ones are not offered: the dialog would be as wide as the longest.
LONGEST = 100


class LabelsPanel(QWidget):
    """Click a label to draw with it, untick it to hide its shapes, type a new one above."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self._known: dict[str, None] = {editor.skeleton.category: None}
        self._filling = False
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        bind_text(self.field.setPlaceholderText, "New label…")
        bind_text(self.field.setAccessibleName, "New label…")
        self.field.returnPressed.connect(self._add)
        self.list = QListWidget()
        self.list.setProperty("role", "flat")
        self.list.setIconSize(QSize(16, 16))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        bind_text(self.list.setAccessibleName, "Labels")
        self.list.itemChanged.connect(self._ticked)
        self.list.itemClicked.connect(lambda item: editor.set_label(item.data(LABEL)))
        self.list.itemActivated.connect(lambda item: editor.set_label(item.data(LABEL)))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        editor.scene_changed.connect(self.refresh)
        editor.label_changed.connect(self.refresh)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Count the labels of the picture in hand again."""
        editor = self.editor
        joints = editor.skeleton.index
        shapes = editor.document.content.shapes
        counts = Counter(s.label for s in shapes if s.label not in joints or s.group_id is None)
        for label in (*counts, editor.label):
            self._known.setdefault(label, None)
        rows = [(label, counts.get(label, 0)) for label in self._known]
        self._filling = True
        self.list.clear()
        for label, count in rows:
            shown_label = style.one_line(label)
            item = QListWidgetItem(f"{shown_label}   {count}" if count else shown_label)
            item.setData(LABEL, label)
            item.setIcon(_swatch(label))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            shown = label not in editor.look.hidden_labels
            item.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
            item.setToolTip(tr("Click to draw with this label; untick to hide its shapes"))
            self.list.addItem(item)
            if label == editor.label:
                self.list.setCurrentItem(item)
        self._filling = False

    def edit_label(self) -> None:
        """Ask for another label of the selected shapes."""
        document = self.editor.document
        chosen = document.selection
        if not chosen:
            self.editor.said.emit(tr("Select a shape first."))
            return
        label = document.content.shapes[chosen[0]].label
        known = [n for n in self._known if len(n) <= LONGEST]
        own = label if len(label) <= LONGEST else ""
        names = list(dict.fromkeys([own, *known, *self.editor.skeleton.keypoints]))
        text, done = QInputDialog.getItem(self, tr("Edit label"), tr("Label"), names, 0, True)
        if done and text.strip():
            self.editor.apply(shape_edits.set_label(document.content, chosen, text.strip()))

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        label = str(item.data(LABEL))
        hidden = self.editor.look.hidden_labels - {label}
        if item.checkState() == Qt.CheckState.Unchecked:
            hidden |= {label}
        self.editor.set_look(replace(self.editor.look, hidden_labels=frozenset(hidden)))

    def _add(self) -> None:
        label = self.field.text().strip()
        self.field.clear()
        if label:
            self._known.setdefault(label, None)
            self.editor.set_label(label)


def _swatch(label: str) -> QIcon:
    color = style.label_color(label)
    return QIcon(style.mark("disc", color, hidden=False, radius=4.5, selected=False, ratio=2.0))
