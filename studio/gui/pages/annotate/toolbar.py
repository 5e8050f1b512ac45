"""The bar above the canvas: tools, undo, view, and whether the picture is saved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from studio.core.options import N_
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.widgets.basics import label

ICON = QSize(20, 20)


def action_button(action: QAction) -> QToolButton:
    """A flat button of an action; the tooltip names its key."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(ICON)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    action.changed.connect(lambda: button.setAccessibleName(action.text()))
    button.setAccessibleName(action.text())
    return button


def divider() -> QFrame:
    """A thin upright line between groups."""
    frame = QFrame()
    frame.setProperty("role", "line")
    frame.setFixedSize(1, 22)
    frame.setStyleSheet("min-height: 22px; max-height: 22px;")
    return frame


class Adjustment(QWidget):
    """Brightness and contrast of the photograph on the screen; files stay as they are."""

    changed = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(8)
        self.sliders: list[QSlider] = []
        self._values: list[QLabel] = []
        for row, title in enumerate((N_("Brightness"), N_("Contrast"))):
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(-100, 100)
            slider.setMinimumWidth(180)
            bind_text(slider.setAccessibleName, title)
            slider.valueChanged.connect(self._tell)
            value = QLabel("0")
            value.setMinimumWidth(32)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(label(title), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(value, row, 2)
            self.sliders.append(slider)
            self._values.append(value)
        reset = QPushButton()
        reset.setProperty("role", "quiet")
        bind_text(reset.setText, "As in the file")
        reset.clicked.connect(lambda: self.set_values(0, 0))
        grid.addWidget(reset, 2, 1)

    def set_values(self, brightness: int, contrast: int) -> None:
        """Both at once, -100..100."""
        for slider, value in zip(self.sliders, (brightness, contrast), strict=True):
            slider.setValue(value)

    def _tell(self) -> None:
        values = [slider.value() for slider in self.sliders]
        for text, value in zip(self._values, values, strict=True):
            text.setText(f"{value:+d}" if value else "0")
        self.changed.emit(*values)


class ToolBar(QFrame):
    """Made of the page's actions, `get(name)`."""

    def __init__(self, get: Callable[[str], QAction], tool_ids: list[str]) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.setFixedHeight(44)
        self.adjustment = Adjustment()
        self.zoom = QToolButton()
        self.zoom.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.zoom.setMinimumWidth(58)
        bind_text(self.zoom.setToolTip, "Zoom")
        bind_text(self.zoom.setAccessibleName, "Zoom")
        self.saved = QLabel()
        self.saved.setProperty("role", "muted")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 8, 0)
        self._row.setSpacing(2)
        self._add(get, *(f"tool.{name}" for name in tool_ids))
        self._divide()
        self._add(get, "undo", "redo")
        self._divide()
        self._add(get, "zoom_out")
        self._zoom_menu(get)
        self._add(get, "zoom_in", "fit")
        self._adjust_menu()
        self._add(get, "hide_all")
        self._end = self._row.count()
        self._row.addStretch(1)
        self._row.addWidget(self.saved)
        self._row.addSpacing(8)
        self._add(get, "save")
        self._divide()
        self._reviewed(get("reviewed"))
        self._more_menu(get)
        self._dirty: bool | None = None
        translator.language_changed.connect(self._retranslate)

    def _add(self, get: Callable[[str], QAction], *names: str) -> None:
        for name in names:
            self._row.addWidget(action_button(get(name)))

    def _reviewed(self, action: QAction) -> None:
        button = action_button(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._row.addWidget(button)

    def _divide(self) -> None:
        self._row.addSpacing(5)
        self._row.addWidget(divider())
        self._row.addSpacing(5)

    def _zoom_menu(self, get: Callable[[str], QAction]) -> None:
        menu = QMenu(self.zoom)
        for name in ("fit", "fit_width", "actual", "zoom_in", "zoom_out"):
            menu.addAction(get(name))
        self.zoom.setMenu(menu)
        self.zoom.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._row.addWidget(self.zoom)

    def _adjust_menu(self) -> None:
        button = QToolButton()
        button.setIcon(icon("brightness-6"))
        button.setIconSize(ICON)
        bind_text(button.setToolTip, "Brightness and contrast")
        bind_text(button.setAccessibleName, "Brightness and contrast")
        menu = QMenu(button)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(self.adjustment)
        menu.addAction(holder)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._row.addWidget(button)

    def _more_menu(self, get: Callable[[str], QAction]) -> None:
        button = QToolButton()
        button.setIcon(icon("dots-vertical"))
        button.setIconSize(ICON)
        bind_text(button.setToolTip, "More")
        bind_text(button.setAccessibleName, "More")
        menu = QMenu(button)
        for name in (
            *("edit_label", "new_person", "mirror", "fit_box", "delete_person", ""),
            *("crosshair", "names", "panels", ""),
            *("autosave", "save_all", "open_folder"),
        ):
            if name:
                menu.addAction(get(name))
            else:
                menu.addSeparator()
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._row.addWidget(button)

    def add_tool(self, button: QToolButton) -> None:
        """One more at the end of the tools."""
        self._row.insertWidget(self._end, button)
        self._end += 1

    def _retranslate(self) -> None:
        self.show_saved(self._dirty)

    def show_zoom(self, percent: float) -> None:
        """The zoom of the moment."""
        self.zoom.setText(f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %")

    def show_saved(self, dirty: bool | None) -> None:
        """None: there is no picture."""
        self._dirty = dirty
        text = "" if dirty is None else tr("Not saved") if dirty else tr("Saved")
        self.saved.setText(text)
