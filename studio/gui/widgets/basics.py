"""Small parts that every page shares, so that they look alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.i18n import bind_text
from studio.gui.icons import icon

L = TypeVar("L", QHBoxLayout, QVBoxLayout)


def label(source: str = "", role: str = "", *, wrap: bool = False, **values: Any) -> QLabel:
    """A label with a translated text. Roles: heading, title, hint, muted, error, warning."""
    widget = QLabel()
    if role:
        widget.setProperty("role", role)
    widget.setWordWrap(wrap)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    if source:
        bind_text(widget.setText, source, **values)
    return widget


def button(
    source: str,
    on_click: Callable[[], Any] | None = None,
    *,
    role: str = "",
    icon_name: str = "",
    tooltip: str = "",
) -> QPushButton:
    """A push button. Roles: primary (the thing to do next), danger, quiet, link."""
    widget = QPushButton()
    if role:
        widget.setProperty("role", role)
    if icon_name:
        color = {"primary": "accent_text", "danger": "danger", "link": "accent"}.get(role, "text")
        widget.setIcon(icon(icon_name, color))
    bind_text(widget.setText, source)
    if tooltip:
        bind_text(widget.setToolTip, tooltip)
    if on_click is not None:
        widget.clicked.connect(lambda _checked=False: on_click())
    return widget


def tool_button(
    icon_name: str,
    tooltip: str,
    on_click: Callable[[], Any] | None = None,
    *,
    checkable: bool = False,
) -> QToolButton:
    """A button of an icon alone; its tooltip is also its name for a screen reader."""
    widget = QToolButton()
    widget.setIcon(icon(icon_name))
    widget.setIconSize(QSize(18, 18))
    widget.setCheckable(checkable)
    bind_text(widget.setToolTip, tooltip)
    bind_text(widget.setAccessibleName, tooltip)
    if on_click is not None:
        widget.clicked.connect(lambda _checked=False: on_click())
    return widget


def number_field() -> QDoubleSpinBox:
    """A field of a number with arrows; its text keeps off the border, which no style can do."""
    field = QDoubleSpinBox()
    field.lineEdit().setTextMargins(6, 0, 0, 0)
    return field


def line() -> QFrame:
    """A hair line across."""
    frame = QFrame()
    frame.setProperty("role", "line")
    return frame


def panel(role: str = "panel", *, margin: int = 16, spacing: int = 8) -> tuple[QFrame, QVBoxLayout]:
    """A frame (card, panel, side, side-left, bar, drawer, canvas) and its column."""
    frame = QFrame()
    frame.setProperty("role", role)
    column = QVBoxLayout(frame)
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(spacing)
    return frame, column


def row(*items: QWidget | QLayout | int | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets beside each other; None is a stretch, a number is a gap in pixels."""
    return _fill(QHBoxLayout(), items, spacing)


def column(*items: QWidget | QLayout | int | None, spacing: int = 8) -> QVBoxLayout:
    """Widgets below each other; None is a stretch, a number is a gap in pixels."""
    return _fill(QVBoxLayout(), items, spacing)


def _fill(layout: L, items: tuple[QWidget | QLayout | int | None, ...], spacing: int) -> L:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    return layout


def scrolled(widget: QWidget) -> QScrollArea:
    """`widget` in an area that scrolls up and down."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    if not widget.property("role"):
        widget.setProperty("role", "clear")
    area.setWidget(widget)
    area.viewport().setProperty("role", "clear")
    return area


class ElidedLabel(QLabel):
    """A label that cuts a long path in the middle and shows it whole in the tooltip."""

    def __init__(
        self, text: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    ) -> None:
        super().__init__()
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        """The whole text."""
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, room.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, self.alignment() | Qt.AlignmentFlag.AlignVCenter, text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.update()


class Sign(QWidget):
    """An icon by itself, painted anew in each theme's colour."""

    def __init__(self, name: str, size: int, color: str = "text") -> None:
        super().__init__()
        self._icon = icon(name, color)
        self.setFixedSize(size, size)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_icon(self, name: str, color: str = "text") -> None:
        """Another icon or colour."""
        self._icon = icon(name, color)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


class EmptyState(QWidget):
    """What a page says while it has nothing to show: what to do first, and the button for it."""

    def __init__(
        self,
        icon_name: str,
        title: str,
        text: str,
        action: str = "",
        on_click: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__()
        self.heading = label(title, "heading")
        self.text = label(text, "muted", wrap=True)
        self.text.setMaximumWidth(440)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        for widget in (self.heading, self.text):
            widget.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(row(None, Sign(icon_name, 56, "border_strong"), None))
        column.addWidget(self.heading)
        column.addLayout(row(None, self.text, None))
        self.text.setMinimumWidth(320)
        self.button: QPushButton | None = None
        if action:
            self.button = button(action, on_click, role="primary")
            column.addSpacing(8)
            column.addLayout(row(None, self.button, None))
        column.addStretch(2)

    def offer(self, wanted: bool) -> None:
        """Whether the button is there: not where something else is the thing to do next."""
        if self.button is not None:
            self.button.setVisible(wanted)
