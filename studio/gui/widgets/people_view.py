"""One picture, whole, with people drawn over it at the widget's own sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.gui.background import Background
from studio.gui.i18n import said, tr
from studio.gui.theme import theme
from studio.gui.widgets.figures import Figure, draw_figures, fitted, read_scaled, size_of

LONGEST = 1600


class PeopleView(QWidget):
    """A click, or Enter, on the picture emits `opened`."""

    opened = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pixmap = QPixmap()
        self._size = QSize()
        self._figures: Sequence[Figure] = ()
        self._skeleton: Skeleton | None = None
        self._message = ""
        self._reader = Background(self)
        self.setMinimumSize(240, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self.update)

    def show_picture(
        self, path: Path, figures: Sequence[Figure], skeleton: Skeleton | None
    ) -> None:
        """Read it in the background and draw these people over it."""
        self._figures, self._skeleton = figures, skeleton
        self._message = ""
        self.setAccessibleName(path.name)

        def read() -> tuple[QImage, QSize]:
            return read_scaled(path, LONGEST), size_of(path)

        self._reader.start(read, self._show, self._failed)

    def set_figures(self, figures: Sequence[Figure]) -> None:
        """Draw other people over the same picture."""
        self._figures = figures
        self.update()

    def clear(self) -> None:
        """No picture."""
        self._reader.drop()
        self._pixmap, self._figures, self._message = QPixmap(), (), ""
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, theme.color("canvas"))
        if self._message:
            painter.setPen(theme.color("canvas_text"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._message)
        elif not self._pixmap.isNull():
            size = self._size if self._size.isValid() else self._pixmap.size()
            place, scale = fitted(size, area.adjusted(8, 8, -8, -8))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))
            painter.translate(place.topLeft())
            draw_figures(painter, self._figures, self._skeleton, scale, 2.5)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._pixmap.isNull():
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self._pixmap.isNull():
            self.opened.emit()
            return
        super().keyPressEvent(event)

    def _show(self, result: tuple[QImage, QSize]) -> None:
        image, self._size = result
        self._pixmap = QPixmap.fromImage(image)
        self.update()

    def _failed(self, error: BaseException) -> None:
        self._pixmap = QPixmap()
        told = said(error.message) if isinstance(error, StudioError) else str(error)
        self._message = told or tr("The picture cannot be read.")
        self.update()
