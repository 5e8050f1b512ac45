"""The picture with its annotations, under the hand."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.core.annotation import Shape
from studio.core.names import spoken
from studio.gui import style
from studio.gui.pages.annotate.details import Details
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.layers import (
    Layer,
    draw_coarse,
    draw_picture,
    is_reduced,
    seen_part,
)
from studio.gui.pages.annotate.pictures import Picture
from studio.gui.pages.annotate.tools.base import Pointer
from studio.gui.pages.annotate.view import View, actual, fitted
from studio.gui.theme import theme

SHARP_AFTER_MS = 70
NUDGES = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class Canvas(QWidget):
    """Draws in three layers (photograph, shapes at rest, what moves) and hands the mouse and
    the keys to the tool in hand. `view_changed` follows zoom and pan; `fold_asked` is Tab;
    `pointed(x, y)` where the mouse is on the picture;
    `acted` after the tool has heard a button;
    `menu_asked(QPoint)` at a right click.
    """

    view_changed = Signal()
    fold_asked = Signal()
    pointed = Signal(float, float)
    acted = Signal()
    menu_asked = Signal(object)

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.picture: Picture | None = None
        self.view = View()
        self.brightness = 0
        self.contrast = 0
        self.crosshair = True
        self.pointer: Pointer | None = None
        self.hovered: int | None = None
        self.details = Details(self)
        self.details.ready.connect(self.update)
        self._preview: dict[int, Shape] = {}
        self._fit: str = "all"
        self._photo = Layer()
        self._shapes = Layer()
        self._pan_from: QPointF | None = None
        self._space = False
        self._space_used = False
        self._moving = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(SHARP_AFTER_MS)
        self._rest.timeout.connect(self._come_to_rest)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, 150)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        editor.scene_changed.connect(self._scene_changed)
        editor.tool_changed.connect(self._tool_changed)
        editor.person_changed.connect(self.update)
        theme.changed.connect(editor.refresh)

    # the picture

    def set_picture(self, picture: Picture | None) -> None:
        """Show a decoded picture; zoom and place stay where the size is the same."""
        same = (
            picture is not None and self.picture is not None and picture.size == self.picture.size
        )
        self.picture = picture
        self._photo = Layer()
        if not same:
            self.fit(self._fit or "all")
        self.update()

    @property
    def size_shown(self) -> tuple[int, int]:
        """Width and height of the picture; of its annotation file where it cannot be decoded."""
        if self.picture is not None:
            return self.picture.size
        content = self.editor.document.content
        return content.width or 640, content.height or 480

    def set_adjustment(self, brightness: int, contrast: int) -> None:
        """Lighten and strengthen the photograph on the screen alone, -100..100 each."""
        self.brightness, self.contrast = brightness, contrast
        self.update()

    def set_preview(self, shapes: Mapping[int, Shape]) -> None:
        """Shapes as they stand while they are dragged."""
        self._preview = dict(shapes)
        self.update()

    # the view

    def set_view(self, view: View, *, moving: bool = False, fit: str = "") -> None:
        """Look from elsewhere. `fit`: "all" or "width", kept when the canvas changes size."""
        self.view = view.kept_near(self.size_shown, QSizeF(self.size()))
        self._fit = fit
        if moving:
            self._moving = True
            self._rest.start()
        self.view_changed.emit()
        self.update()

    def fit(self, how: str = "all") -> None:
        """The whole picture ("all") or its whole width ("width") in sight."""
        view = fitted(self.size_shown, QSizeF(self.size()), width_only=how == "width")
        self.set_view(view, fit=how)

    def show_actual_size(self) -> None:
        """One pixel of the picture on one of the screen."""
        self.set_view(actual(self.size_shown, QSizeF(self.size()), self.devicePixelRatioF()))

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Closer or farther; the spot `at` (else the middle) stays."""
        middle = QPointF(self.width() / 2, self.height() / 2)
        self.set_view(self.view.zoomed(factor, middle if at is None else at), moving=True)

    def show_area(self, area: QRectF) -> None:
        """Bring a part of the picture into the middle, as near as it needs."""
        wide = max(area.width(), 1.0) * 1.6, max(area.height(), 1.0) * 1.6
        scale = min(self.width() / wide[0], self.height() / wide[1], 8.0)
        middle = area.center()
        dx = self.width() / 2 - middle.x() * scale
        self.set_view(View(scale, dx, self.height() / 2 - middle.y() * scale))

    @property
    def zoom_percent(self) -> float:
        """Screen pixels for each pixel of the picture, in per cent."""
        return self.view.scale * self.devicePixelRatioF() * 100

    def _come_to_rest(self) -> None:
        self._moving = False
        self.update()

    def _scene_changed(self) -> None:
        self._preview = {}
        self._shapes.key = None
        self.update()

    def _tool_changed(self) -> None:
        self._update_cursor()
        self.update()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The layers, then what moves, then what the tool makes."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), theme.color("canvas"))
        if self.editor.document.picture is None:
            return
        ratio = self.devicePixelRatioF()
        if self.picture is not None:
            self._paint_photo(painter, self.picture, ratio)
        self._paint_shapes(painter, ratio)
        if self._preview:
            self.editor.scene.paint(
                painter,
                self.view,
                only=self._preview.keys(),
                live=self._preview,
                selected=self.editor.document.selection,
                ratio=ratio,
            )
        self._paint_crosshair(painter)
        self._paint_names(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.editor.tool.paint(painter)

    def _paint_photo(self, painter: QPainter, picture: Picture, ratio: float) -> None:
        if self._moving and self._photo.image is not None:
            draw_coarse(painter, picture, self.view)

        seen = seen_part(picture, self.view, self.size())
        closer = is_reduced(picture, self.view, ratio)
        if closer and not self._moving:
            self.details.want(picture, seen)

        def render(image: QImage) -> None:
            patches = self.details.patches(picture, seen) if closer else ()
            draw_picture(image, picture, self.view, self.brightness, self.contrast, patches)

        key = (id(picture), self.brightness, self.contrast, self.details.version)
        self._photo.draw(painter, self.view, self.size(), ratio, key, render, moving=self._moving)

    def _paint_shapes(self, painter: QPainter, ratio: float) -> None:
        scene = self.editor.scene
        chosen = self.editor.document.selection

        def render(image: QImage) -> None:
            layer = QPainter(image)
            scene.paint(layer, self.view, without=self._preview, selected=set(chosen), ratio=ratio)
            layer.end()

        key = (id(scene), chosen, frozenset(self._preview))
        self._shapes.draw(painter, self.view, self.size(), ratio, key, render, moving=self._moving)

    def _paint_crosshair(self, painter: QPainter) -> None:
        pointer = self.pointer
        if pointer is None or not self.crosshair or not self.editor.tool.draws:
            return
        spot = pointer.spot
        for color, width in (
            (theme.color("overlay_dark"), 2.0),
            (theme.color("overlay_light"), 1.0),
        ):
            painter.setPen(style.pen(color, width))
            painter.drawLine(QPointF(0, spot.y()), QPointF(self.width(), spot.y()))
            painter.drawLine(QPointF(spot.x(), 0), QPointF(spot.x(), self.height()))

    def _paint_names(self, painter: QPainter) -> None:
        scene = self.editor.scene
        chosen = self.editor.document.selection
        named = list(chosen) if len(chosen) <= 3 or self.editor.look.names else []
        if self.hovered is not None and self.hovered not in named:
            named.append(self.hovered)
        area = QRectF(self.rect())
        for index in named:
            if index >= len(scene.image.shapes) or index in scene.hidden:
                continue
            shape = self._preview.get(index) or scene.image.shapes[index]
            if not shape.points:
                continue
            text = spoken(shape.label) if index in scene.joints else style.one_line(shape.label)
            if shape.shape_type == "point":
                spot = self.view.to_canvas(*shape.points[0]) + QPointF(13, -13)
            else:
                x = min(p[0] for p in shape.points)
                y = min(p[1] for p in shape.points)
                spot = self.view.to_canvas(x, y) + QPointF(0, -12)
                text += "" if shape.group_id is None else f" {shape.group_id}"
            style.tag(
                painter,
                spot,
                text,
                color=scene.color_of(index),
                form=scene.form_of(index),
                bounds=area,
            )

    # the mouse

    def _pointer(self, event: QMouseEvent) -> Pointer:
        x, y = self.view.to_picture(event.position())
        return Pointer(x, y, event.position(), event.button(), event.modifiers())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pan with the middle button or Space; else the tool hears it."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space and event.button() == Qt.MouseButton.LeftButton):
            self._pan_from = event.position()
            self._space_used = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        if self.editor.document.picture is not None:
            self.pointer = self.editor.tool.pointer = self._pointer(event)
            self.editor.tool.press(self.pointer)
            self.acted.emit()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or the tool hears it."""
        if self._pan_from is not None:
            self.set_view(self.view.moved(event.position() - self._pan_from), moving=True)
            self._pan_from = event.position()
            return
        if self.editor.document.picture is None:
            return
        self.pointer = self.editor.tool.pointer = self._pointer(event)
        if event.buttons() == Qt.MouseButton.NoButton:
            self._hover(self.pointer)
        self.editor.tool.move(self.pointer)
        self.pointed.emit(self.pointer.x, self.pointer.y)
        self._update_cursor()
        self.update()

    def _hover(self, pointer: Pointer) -> None:
        hit = self.editor.tool.hit_vertex(pointer)
        self.hovered = None if hit is None else hit.shape

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The end of a pan, or the tool hears it."""
        if self._pan_from is not None:
            self._pan_from = None
            self._update_cursor()
            return
        if self.editor.document.picture is not None:
            self.pointer = self.editor.tool.pointer = self._pointer(event)
            self.editor.tool.release(self.pointer)
            self.acted.emit()
            self._update_cursor()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A second press: heard as a press, then as a double click."""
        self.mousePressEvent(event)
        if self._pan_from is None and self.pointer is not None:
            self.editor.tool.double(self.pointer)
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; a touch pad pans, and zooms with Ctrl."""
        pixels = event.pixelDelta()
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if not pixels.isNull() and event.phase() != Qt.ScrollPhase.NoScrollPhase and not control:
            self.set_view(self.view.moved(QPointF(pixels)), moving=True)
        else:
            turn = event.angleDelta().y() or event.angleDelta().x()
            self.zoom(1.0015**turn, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Pinch to zoom, where the system tells of it."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom(1.0 + event.value(), event.position())
                return True
        elif event.type() == QEvent.Type.Leave:
            self.pointer = self.editor.tool.pointer = None
            self.hovered = None
            self.update()
        return super().event(event)

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            return
        shape = Qt.CursorShape.OpenHandCursor if self._space else self.editor.tool.cursor()
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    # the keys

    def focusNextPrevChild(self, _forward: bool) -> bool:
        """Tab folds the panels; F6 goes to them."""
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space, Tab and the arrows; everything else is an action's shortcut."""
        key = event.key()
        if key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space, self._space_used = True, False
            self._update_cursor()
        elif key == Qt.Key.Key_Tab:
            self.fold_asked.emit()
        elif key in NUDGES and self.editor.document.selection:
            dx, dy = NUDGES[Qt.Key(key)]
            step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self.editor.nudge(dx * step, dy * step)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space alone finishes; held with the mouse it has panned."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            if not self._space_used and self._pan_from is None:
                self.editor.tool.finish()
            self._update_cursor()
            self.update()
        else:
            super().keyReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A picture that was fitted stays so."""
        if self._fit:
            self.fit(self._fit)
        super().resizeEvent(event)
