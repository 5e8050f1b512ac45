"""The skeleton of the person in hand: a figure, and its joints with what is set."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QLineF,
    QModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QIcon, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core import people, shape_edits
from studio.core.annotation import ABSENT, HIDDEN, VISIBLE
from studio.core.names import spoken
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.people_model import Index
from studio.gui.theme import theme

STATES = {
    VISIBLE: (N_("Visible"), "visible"),
    HIDDEN: (N_("Hidden"), "hidden"),
    ABSENT: (N_("Absent"), "minus-circle-outline"),
    None: (N_("Not set"), "circle-outline"),
}


def state_of(editor: Editor, joint: int) -> int | None:
    """2 visible, 1 hidden, 0 absent, None not set: of the person in hand."""
    if editor.person is None:
        return None
    return people.visibility(editor.document.content, editor.skeleton, editor.person, joint)


class JointModel(QAbstractListModel):
    """A row for each joint of the skeleton."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self.editor = editor
        editor.skeleton_changed.connect(self._reset)
        editor.person_changed.connect(self._changed)
        translator.language_changed.connect(self._changed)
        theme.changed.connect(self._changed)

    def _reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _changed(self) -> None:
        self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.editor.skeleton)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        joint = index.row()
        skeleton = self.editor.skeleton
        state = state_of(self.editor, joint)
        if role == Qt.ItemDataRole.DisplayRole:
            return spoken(skeleton.keypoints[joint])
        if role == Qt.ItemDataRole.DecorationRole:
            if state in (VISIBLE, HIDDEN):
                form, color = style.FORMS[skeleton.side(joint)], style.joint_color(skeleton, joint)
                hidden = state == HIDDEN
                mark = style.mark(form, color, hidden=hidden, radius=4.5, selected=False, ratio=2.0)
                return QIcon(mark)
            return icon(STATES[state][1], "muted")
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{skeleton.keypoints[joint]}: {tr(STATES[state][0])}"
        if role == Qt.ItemDataRole.FontRole and joint == self.editor.next_joint:
            font = QFont(theme.font())
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            if joint == self.editor.next_joint:
                return theme.color("accent")
            if state in (ABSENT, None):
                return theme.color("muted")
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, 24)
        return None


class SkeletonFigure(QWidget):
    """The skeleton drawn from its template; a click on a joint chooses it."""

    joint_clicked = Signal(int)

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.setMinimumSize(120, 150)
        self.setMouseTracking(True)
        bind_text(self.setAccessibleName, "Skeleton of the person in hand")
        editor.person_changed.connect(self.update)
        editor.skeleton_changed.connect(self.update)
        theme.changed.connect(self.update)

    def _spots(self) -> list[QPointF]:
        template = people.template_of(self.editor.skeleton)
        area = QRectF(self.rect()).adjusted(10, 14, -10, -14)
        xs, ys = [p[0] for p in template], [p[1] for p in template]
        wide, high = max(max(xs) - min(xs), 1e-6), max(max(ys) - min(ys), 1e-6)
        # A person is about twice as high as wide; the template's box is square.
        scale = min(area.width() / (wide * 0.62), area.height() / high)
        cx, cy = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
        middle = area.center()
        return [
            QPointF(middle.x() + (x - cx) * 0.62 * scale, middle.y() + (y - cy) * scale)
            for x, y in template
        ]

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        spots = self._spots()
        skeleton = self.editor.skeleton
        painter.setPen(style.pen(theme.color("border_strong"), 1.4))
        painter.drawLines([QLineF(spots[a], spots[b]) for a, b in skeleton.edges])
        ratio = self.devicePixelRatioF()
        for joint, spot in enumerate(spots):
            if joint == self.editor.next_joint:
                painter.setBrush(theme.color("accent"))
                painter.setPen(style.pen(theme.color("surface"), 2.0))
                painter.drawEllipse(spot, 9.0, 9.0)
            state = state_of(self.editor, joint)
            if state in (VISIBLE, HIDDEN):
                form, color = style.FORMS[skeleton.side(joint)], style.joint_color(skeleton, joint)
                hidden = state == HIDDEN
                mark = style.mark(
                    form, color, hidden=hidden, radius=4.5, selected=False, ratio=ratio
                )
                size = mark.deviceIndependentSize()
                painter.drawPixmap(spot - QPointF(size.width() / 2, size.height() / 2), mark)
            else:
                painter.setPen(style.pen(theme.color("muted"), 1.4))
                painter.setBrush(theme.color("surface"))
                painter.drawEllipse(spot, 4.0, 4.0)
                if state == ABSENT:
                    painter.drawLine(spot + QPointF(-4, 4), spot + QPointF(4, -4))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        joint = self._at(event.position())
        if joint is not None:
            self.joint_clicked.emit(joint)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        joint = self._at(event.position())
        name = "" if joint is None else spoken(self.editor.skeleton.keypoints[joint])
        self.setToolTip(name)
        self.setCursor(
            Qt.CursorShape.ArrowCursor if joint is None else Qt.CursorShape.PointingHandCursor
        )

    def _at(self, place: QPointF) -> int | None:
        away = [(spot - place).manhattanLength() for spot in self._spots()]
        best = min(range(len(away)), key=away.__getitem__)
        return best if away[best] < 14 else None


class SkeletonPanel(QWidget):
    """Which skeleton, which person, how far, and each joint's state."""

    skeleton_chosen = Signal(str)
    joint_chosen = Signal(int)

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.choice = QComboBox()
        bind_text(self.choice.setAccessibleName, "Skeleton")
        self.choice.activated.connect(
            lambda row: self.skeleton_chosen.emit(self.choice.itemData(row))
        )
        self.heading = QLabel()
        self.heading.setProperty("role", "title")
        self.count = QLabel()
        self.count.setProperty("role", "hint")
        self.figure = SkeletonFigure(editor)
        self.figure.joint_clicked.connect(self._choose)
        self.list = QListView()
        self.list.setProperty("role", "flat")
        self.list.setModel(JointModel(editor))
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(16, 16))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.clicked.connect(lambda index: self._choose(index.row()))
        self.list.activated.connect(lambda index: self._choose(index.row()))
        bind_text(self.list.setAccessibleName, "Joints of the person in hand")
        self.buttons: dict[int | None, QToolButton] = {}
        self._lay_out()
        editor.person_changed.connect(self.refresh)
        editor.skeleton_changed.connect(self.refresh)
        editor.document.selection_changed.connect(self._follow)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        self._head = head = QHBoxLayout()
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.count)
        states = QHBoxLayout()
        states.setSpacing(4)
        for state, (title, sign) in STATES.items():
            button = QToolButton()
            button.setIcon(icon(sign))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            bind_text(button.setToolTip, title)
            bind_text(button.setAccessibleName, title)
            button.clicked.connect(lambda _on=False, s=state: self.set_state(s))
            self.buttons[state] = button
            states.addWidget(button)
        states.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(self.list, 1)
        right.addLayout(states)
        body = QHBoxLayout()
        body.setSpacing(4)
        body.addWidget(self.figure, 3)
        body.addLayout(right, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.choice)
        column.addLayout(head)
        column.addLayout(body, 1)

    def add_to_head(self, button: QToolButton) -> None:
        """One more beside the person's name."""
        self._head.insertWidget(1, button)

    def set_skeletons(self, names: list[tuple[str, str]]) -> None:
        """What can be chosen: (name, title) pairs."""
        self.choice.clear()
        for name, title in names:
            self.choice.addItem(title or name, name)
        self.choice.setCurrentIndex(self.choice.findData(self.editor.skeleton.name))

    def refresh(self) -> None:
        """Show the person in hand again."""
        editor = self.editor
        known = editor.person is not None and editor.person in editor.document.content.group_ids()
        text = tr("Person {id}", id=editor.person) if known else tr("New person")
        self.heading.setText(text)
        done = sum(state_of(editor, j) is not None for j in range(len(editor.skeleton)))
        self.count.setText(f"{done}/{len(editor.skeleton)}")
        if editor.next_joint is not None:
            self.list.scrollTo(self.list.model().index(editor.next_joint, 0, QModelIndex()))

    def _follow(self) -> None:
        chosen = self.editor.document.selection
        joint = self.editor.scene.joints.get(chosen[0]) if len(chosen) == 1 else None
        if joint is not None:
            self.list.setCurrentIndex(self.list.model().index(joint, 0, QModelIndex()))

    def _choose(self, joint: int) -> None:
        self.list.setCurrentIndex(self.list.model().index(joint, 0, QModelIndex()))
        self.joint_chosen.emit(joint)

    def _menu(self, place: Any) -> None:
        index = self.list.indexAt(place)
        if not index.isValid():
            return
        self.list.setCurrentIndex(index)
        menu = QMenu(self)
        for state, (title, sign) in STATES.items():
            action = menu.addAction(icon(sign), tr(title))
            action.triggered.connect(lambda _on=False, s=state: self.set_state(s))
        menu.exec(self.list.viewport().mapToGlobal(place))

    def set_state(self, state: int | None) -> None:
        """Give the joint chosen in the list this state, where it has a place to have one."""
        editor = self.editor
        row = self.list.currentIndex().row()
        if (
            row < 0
            or editor.person is None
            or editor.person not in editor.document.content.group_ids()
        ):
            editor.said.emit(tr("Select a person and a joint first."))
            return
        content, skeleton, group = editor.document.content, editor.skeleton, editor.person
        index = people.joints_of(content, skeleton, group).get(row)
        if state in (VISIBLE, HIDDEN):
            if index is None:
                self.joint_chosen.emit(row)
            else:
                editor.apply(shape_edits.set_hidden(content, [index], state == HIDDEN))
        elif state == ABSENT:
            editor.apply(people.set_absent(content, skeleton, group, [row]))
        elif index is not None:
            editor.apply(people.delete_shapes(content, [index]))
        else:
            editor.apply(people.set_absent(content, skeleton, group, [row], absent=False))
