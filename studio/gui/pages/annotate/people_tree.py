"""The tree of people and shapes, in step with what is selected on the canvas."""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.people_model import GROUP_ROLE, STATE, PeopleModel

# A picture with more people than this opens folded.
OPEN_UP_TO = 3
STATE_WIDTH = 84
STATE_MARGIN = 10


class _StateDelegate(QStyledItemDelegate):
    """The eye stands at the right, below the counts."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        option.decorationPosition = QStyleOptionViewItem.Position.Right  # type: ignore[attr-defined]
        option.decorationAlignment = (  # type: ignore[attr-defined]
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )


class PeopleTree(QTreeView):
    """Selecting a row selects its shapes, and the other way round; a click on the eye hides a
    joint; a double click brings the spot into sight (`spot_asked`).
    """

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.people = PeopleModel(editor)
        self._open: set[int] = set()
        self._quiet = False
        self.setModel(self.people)
        self.setItemDelegateForColumn(STATE, _StateDelegate(self))
        self.setHeaderHidden(True)
        # Of a long label both ends are seen, and the person's number after it.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(18, 18))
        self.setIndentation(16)
        self.setSelectionMode(QTreeView.SelectionMode.ExtendedSelection)
        self.setProperty("role", "flat")
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(STATE, QHeaderView.ResizeMode.Fixed)
        self._fit_states()
        translator.language_changed.connect(self._fit_states)
        bind_text(self.setAccessibleName, "People and shapes")
        self.people.modelAboutToBeReset.connect(self._remember)
        self.people.modelReset.connect(self._restore)
        self.selectionModel().selectionChanged.connect(self._rows_selected)
        self.clicked.connect(self._clicked)
        editor.document.selection_changed.connect(self.follow)
        editor.document.opened.connect(self._opened)

    def _fit_states(self) -> None:
        """The column of states has room for the corners of an outline, in words."""
        words = tr("{count} corners", count=999)
        width = self.fontMetrics().horizontalAdvance(words) + 2 * STATE_MARGIN
        self.header().resizeSection(STATE, max(STATE_WIDTH, width))

    def follow(self) -> None:
        """Select the rows of what is selected on the canvas."""
        if self._quiet:
            return
        self._quiet = True
        chosen = QItemSelection()
        last = QModelIndex()
        flags = QItemSelectionModel.SelectionFlag
        for shape in self.editor.document.selection[:400]:
            last = self.people.index_of(shape)
            chosen.select(last, last)
        self.selectionModel().select(chosen, flags.ClearAndSelect | flags.Rows)
        if last.isValid():
            self.selectionModel().setCurrentIndex(last, flags.NoUpdate)
            self.scrollTo(last)
        self._quiet = False

    def _rows_selected(self) -> None:
        if self._quiet:
            return
        self._quiet = True
        rows = self.selectionModel().selectedRows(0)
        self.editor.document.select(s for row in rows for s in self.people.shapes_of(row))
        groups = {row.data(GROUP_ROLE) for row in rows}
        if len(groups) == 1:
            (group,) = groups
            if group is not None:
                self.editor.set_person(group)
        self._quiet = False

    def _clicked(self, index: QModelIndex) -> None:
        shape = self.people.shape_of(index)
        if index.column() == STATE and shape is not None:
            self.editor.toggle_hidden([shape])

    def _opened(self) -> None:
        self._open.clear()
        self._restore()
        if self.people.rowCount() <= OPEN_UP_TO:
            self.expandAll()

    def _remember(self) -> None:
        for row in range(self.people.rowCount()):
            index = self.people.index(row, 0)
            group = index.data(GROUP_ROLE)
            if group is not None and self.isExpanded(index):
                self._open.add(group)
            else:
                self._open.discard(group)

    def _restore(self) -> None:
        for group in self._open:
            index = self.people.index_of_group(group)
            if index.isValid():
                self.setExpanded(index, True)
        self.follow()
