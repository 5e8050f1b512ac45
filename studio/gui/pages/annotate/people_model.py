"""The people and shapes of a picture as a tree model: person, then outlines and joints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QIcon

from studio.core.annotation import Shape
from studio.core.names import spoken
from studio.gui import style
from studio.gui.i18n import tr, translator
from studio.gui.icons import icon
from studio.gui.pages.annotate.editor import Editor

Index = QModelIndex | QPersistentModelIndex
NAME, STATE = 0, 1
SHAPE_ROLE = Qt.ItemDataRole.UserRole
GROUP_ROLE = Qt.ItemDataRole.UserRole + 1
_KIND_ICONS = {
    "polygon": "polygon",
    "rectangle": "rectangle",
    "circle": "vector-circle",
    "line": "vector-line",
    "linestrip": "vector-polyline",
}


@dataclass(frozen=True)
class Row:
    """A top row: a person with its shapes, or one shape that belongs to nobody."""

    group_id: int | None
    shapes: tuple[int, ...]


class PeopleModel(QAbstractItemModel):
    """Follows the editor. A change that moves no row is told as such, so that what is open and
    selected stays; else the model is reset.
    """

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self.editor = editor
        self._rows: list[Row] = []
        self._labels: list[str] = []
        self.rebuild()
        editor.scene_changed.connect(self.rebuild)
        editor.skeleton_changed.connect(self._reset)
        translator.language_changed.connect(self._reset)

    # following

    def rebuild(self) -> None:
        """Look at the content again."""
        shapes = self.editor.document.content.shapes
        rows = self._read(shapes)
        labels = [f"{s.label}\n{s.shape_type}" for s in shapes]
        if rows == self._rows and labels == self._labels:
            self._tell_changed()
            return
        self.beginResetModel()
        self._rows, self._labels = rows, labels
        self.endResetModel()

    def _reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _tell_changed(self) -> None:
        if not self._rows:
            return
        self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, STATE))
        for number, row in enumerate(self._rows):
            if row.group_id is not None:
                parent = self.index(number, 0)
                last = self.index(len(row.shapes) - 1, STATE, parent)
                self.dataChanged.emit(self.index(0, 0, parent), last)

    @staticmethod
    def _read(shapes: tuple[Shape, ...]) -> list[Row]:
        groups: dict[int, list[int]] = {}
        order: list[int | tuple[int]] = []
        for index, shape in enumerate(shapes):
            if shape.group_id is None:
                order.append((index,))
            elif shape.group_id not in groups:
                groups[shape.group_id] = [index]
                order.append(shape.group_id)
            else:
                groups[shape.group_id].append(index)
        return [
            Row(None, entry) if isinstance(entry, tuple) else Row(entry, tuple(groups[entry]))
            for entry in order
        ]

    # the model

    def index(self, row: int, column: int, parent: Index | None = None) -> QModelIndex:
        if not self.hasIndex(row, column, parent or QModelIndex()):
            return QModelIndex()
        # 0 marks a top row; n + 1 a shape below top row n.
        number = parent.row() + 1 if parent is not None and parent.isValid() else 0
        return self.createIndex(row, column, number)

    def parent(self, child: Index | None = None) -> Any:
        if child is None:
            return super().parent()
        if not child.isValid() or child.internalId() == 0:
            return QModelIndex()
        return self.createIndex(child.internalId() - 1, 0, 0)

    def rowCount(self, parent: Index | None = None) -> int:
        if parent is None or not parent.isValid():
            return len(self._rows)
        if parent.internalId() != 0 or parent.column() != 0:
            return 0
        row = self._rows[parent.row()]
        return 0 if row.group_id is None else len(row.shapes)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: ARG002 - Qt asks so
        return 2

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        shape_index = self.shape_of(index)
        if role == SHAPE_ROLE:
            return shape_index
        if role == GROUP_ROLE:
            return self._row_of(index).group_id
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, 26)
        if shape_index is None:
            return self._person_data(self._row_of(index), index.column(), role)
        shapes = self.editor.document.content.shapes
        if shape_index >= len(shapes):
            return None
        return self._shape_data(shape_index, shapes[shape_index], index.column(), role)

    def _person_data(self, row: Row, column: int, role: int) -> Any:
        assert row.group_id is not None
        scene = self.editor.scene
        if column == NAME and role == Qt.ItemDataRole.DisplayRole:
            label = next(
                (
                    scene.image.shapes[i].label
                    for i in row.shapes
                    if i < len(scene.image.shapes) and i not in scene.joints
                ),
                scene.skeleton_of(row.group_id).category,
            )
            return f"{style.one_line(label)} {row.group_id}{self._proposed(row)}"
        if column == NAME and role == Qt.ItemDataRole.DecorationRole:
            return _mark_icon("disc", style.person_color(row.group_id))
        if column == STATE and role == Qt.ItemDataRole.DisplayRole:
            count = sum(i in scene.joints for i in row.shapes)
            return f"{count}/{len(scene.skeleton_of(row.group_id))}"
        if column == STATE and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _proposed(self, row: Row) -> str:
        """What a model gave a person that is not accepted yet."""
        shapes = self.editor.scene.image.shapes
        proposed = [shapes[i] for i in row.shapes if i < len(shapes) and shapes[i].is_prelabel]
        if not proposed:
            return ""
        score = next((s.extra["score"] for s in proposed if "score" in s.extra), None)
        return f"   {score:.2f} ?" if isinstance(score, int | float) else "   ?"

    def _shape_data(self, index: int, shape: Shape, column: int, role: int) -> Any:
        scene = self.editor.scene
        point = shape.shape_type == "point"
        if column == NAME:
            if role == Qt.ItemDataRole.DisplayRole:
                joint = index in scene.joints
                return spoken(shape.label) if joint else style.one_line(shape.label)
            if role == Qt.ItemDataRole.DecorationRole:
                if point:
                    form, color = scene.form_of(index), scene.color_of(index)
                    return _mark_icon(form, color, hidden=shape.occluded)
                return icon(_KIND_ICONS.get(shape.shape_type, "shape-outline"))
            if role == Qt.ItemDataRole.ToolTipRole:
                return shape.description or None
        elif role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        elif point and role == Qt.ItemDataRole.DecorationRole:
            return icon("hidden" if shape.occluded else "visible", "muted")
        elif point and role in (
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleTextRole,
        ):
            return tr("Hidden") if shape.occluded else tr("Visible")
        elif role == Qt.ItemDataRole.DisplayRole and not point:
            return tr("{count} corners", count=len(shape.points)) if len(shape.points) > 2 else ""
        return None

    # between rows and shapes

    def _row_of(self, index: Index) -> Row:
        number = index.internalId()
        return self._rows[index.row() if number == 0 else number - 1]

    def shape_of(self, index: Index) -> int | None:
        """The shape of a row; None for a person."""
        row = self._row_of(index)
        if index.internalId() != 0:
            return row.shapes[index.row()]
        return row.shapes[0] if row.group_id is None else None

    def shapes_of(self, index: Index) -> tuple[int, ...]:
        """All shapes that a row stands for."""
        shape = self.shape_of(index)
        return self._row_of(index).shapes if shape is None else (shape,)

    def index_of(self, shape: int) -> QModelIndex:
        """The row of a shape."""
        for number, row in enumerate(self._rows):
            if shape in row.shapes:
                top = self.index(number, 0)
                return top if row.group_id is None else self.index(row.shapes.index(shape), 0, top)
        return QModelIndex()

    def index_of_group(self, group_id: int) -> QModelIndex:
        """The row of a person."""
        for number, row in enumerate(self._rows):
            if row.group_id == group_id:
                return self.index(number, 0)
        return QModelIndex()


def _mark_icon(form: str, color: Any, *, hidden: bool = False) -> QIcon:
    return QIcon(style.mark(form, color, hidden=hidden, radius=4.5, selected=False, ratio=2.0))
