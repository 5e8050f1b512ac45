"""Drawing a scene: outlines, limbs on top of them, joints on top of those.

What does not change with the view (Qt's own polygons and lines, in pixels of the picture) is made
once for a shape and kept while the shape stays. Where there are many outlines they are drawn as
lines of one colour at a time: a fifth of the work of drawing each by itself, and hardly to be
told from it at that size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap, QPolygonF

from studio.core.annotation import Shape
from studio.core.geometry import handles_of, outline_of
from studio.gui import style
from studio.gui.pages.annotate.view import View

if TYPE_CHECKING:
    from studio.gui.pages.annotate.scene import Limb, Scene

# From this many outlines in sight on they are drawn together.
MANY = 60
FILL, FILL_SELECTED = 22, 56
# How far a joint's mark reaches over its spot.
_REACH = 20.0


class Outline(NamedTuple):
    """A shape's line in pixels of the picture. `shape` keeps its identity from being reused."""

    shape: Shape
    polygon: QPolygonF
    closed: bool
    box: QRectF

    def sides(self) -> list[QLineF]:
        """Its edges one by one."""
        corners = self.polygon.toList()
        ends = corners[1:] + corners[:1] if self.closed else corners[1:]
        return [QLineF(a, b) for a, b in zip(corners, ends, strict=False)]


class Drawings:
    """Qt's polygons and lines of shapes, kept over edits that leave a shape as it was."""

    def __init__(self) -> None:
        self._outlines: dict[int, Outline | None] = {}
        self._sides: dict[int, list[QLineF]] = {}

    def outline(self, shape: Shape) -> Outline | None:
        """A shape's outline; None where it has no place that can be drawn."""
        found = self._outlines.get(id(shape))
        if found is None or found.shape is not shape:
            found = self._outlines[id(shape)] = _outline(shape)
            self._sides.pop(id(shape), None)
        return found

    def sides(self, outline: Outline) -> list[QLineF]:
        """The outline's edges."""
        key = id(outline.shape)
        if key not in self._sides:
            self._sides[key] = outline.sides()
        return self._sides[key]

    def keep_only(self, shapes: tuple[Shape, ...]) -> None:
        """Forget shapes of earlier contents once they are the most of what is kept."""
        if len(self._outlines) > 2 * len(shapes) + 100:
            here = {id(shape) for shape in shapes}
            self._outlines = {k: v for k, v in self._outlines.items() if k in here}
            self._sides = {k: v for k, v in self._sides.items() if k in here}


def _outline(shape: Shape) -> Outline | None:
    line, closed = outline_of(shape)
    if not len(line) or not np.isfinite(line).all():
        return None
    polygon = QPolygonF([QPointF(x, y) for x, y in line.tolist()])
    # An upright or level line has a flat box, which would meet nothing.
    box = polygon.boundingRect().adjusted(-0.5, -0.5, 0.5, 0.5)
    return Outline(shape, polygon, closed, box)


def paint_outlines(
    scene: Scene,
    painter: QPainter,
    view: View,
    shapes: Iterable[tuple[int, Shape]],
    selected: Collection[int],
) -> None:
    """The outlines that the view shows, those of `selected` in full and on top."""
    seen = _seen(painter, view)
    plain: list[tuple[int, Outline]] = []
    chosen: list[tuple[int, Outline]] = []
    for index, shape in shapes:
        outline = scene.drawings.outline(shape)
        if outline is not None and outline.box.intersects(seen):
            (chosen if index in selected else plain).append((index, outline))
    painter.save()
    painter.setTransform(view.transform(), True)
    if len(plain) >= MANY:
        _paint_together(scene, painter, plain)
    else:
        for index, outline in plain:
            _paint_outline(scene, painter, index, outline, selected=False)
    for index, outline in chosen:
        _paint_outline(scene, painter, index, outline, selected=True)
    painter.restore()
    for _, outline in chosen:
        _paint_handles(painter, view, outline.shape)


def _seen(painter: QPainter, view: View) -> QRectF:
    """The part of the picture that can be seen, and a little more."""
    window = QRectF(painter.window()).adjusted(-8, -8, 8, 8)
    left, top = view.to_picture(window.topLeft())
    right, bottom = view.to_picture(window.bottomRight())
    return QRectF(QPointF(left, top), QPointF(right, bottom))


def _paint_outline(
    scene: Scene, painter: QPainter, index: int, outline: Outline, *, selected: bool
) -> None:
    color = scene.color_of(index)
    draw = painter.drawPolygon if outline.closed else painter.drawPolyline
    painter.setBrush(
        _faint(color, FILL_SELECTED if selected else FILL)
        if outline.closed
        else Qt.BrushStyle.NoBrush
    )
    dark, bright = style.OUTLINE_WIDTHS
    painter.setPen(style.pen(_dark(), dark + (0.8 if selected else 0)))
    draw(outline.polygon)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    width = bright + (0.6 if selected else 0)
    painter.setPen(style.pen(color, width, dashed=outline.shape.is_prelabel))
    draw(outline.polygon)


def _paint_together(scene: Scene, painter: QPainter, outlines: list[tuple[int, Outline]]) -> None:
    colors = {index: scene.color_of(index) for index, _ in outlines}
    every: list[QLineF] = []
    lines: dict[tuple[int, bool], list[QLineF]] = {}
    # The lines lie over the edge of the fill, so that it need not be smooth.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    for index, outline in outlines:
        color = colors[index]
        sides = scene.drawings.sides(outline)
        every += sides
        lines.setdefault((color.rgba(), outline.shape.is_prelabel), []).extend(sides)
        if outline.closed:
            painter.setBrush(_faint(color, FILL))
            painter.drawPolygon(outline.polygon)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    dark, bright = style.OUTLINE_WIDTHS
    painter.setPen(style.pen(_dark(), dark))
    painter.drawLines(every)
    for (rgba, dashed), part in lines.items():
        painter.setPen(style.pen(QColor.fromRgba(rgba), bright, dashed=dashed))
        painter.drawLines(part)


def _paint_handles(painter: QPainter, view: View, shape: Shape) -> None:
    painter.setPen(style.pen(_dark(), 1.2))
    painter.setBrush(_light())
    for x, y in handles_of(shape):
        spot = view.to_canvas(x, y)
        painter.drawRect(QRectF(spot.x() - 3.2, spot.y() - 3.2, 6.4, 6.4))


class LimbLines(NamedTuple):
    """Limbs in pixels of the picture: `solid` and `dashed` by their colour (dashed: one of the
    ends is hidden, or the person is only proposed), then all solid ones, then all.
    """

    solid: dict[int, list[QLineF]]
    dashed: dict[int, list[QLineF]]
    all_solid: list[QLineF]
    all: list[QLineF]


def limb_lines(
    shapes: tuple[Shape, ...], limbs: Iterable[Limb], live: Mapping[int, Shape]
) -> LimbLines:
    """The lines of these limbs; `live`: shapes as they stand while they are dragged."""
    found = LimbLines({}, {}, [], [])
    colors: dict[tuple[int, int], int] = {}
    for limb in limbs:
        kind = (id(limb.skeleton), limb.edge)
        color = colors.get(kind)
        if color is None:
            color = colors[kind] = style.limb_color(limb.skeleton, limb.edge).rgba()
        a = live.get(limb.first) or shapes[limb.first]
        b = live.get(limb.second) or shapes[limb.second]
        line = QLineF(*a.points[0], *b.points[0])
        found.all.append(line)
        if _is_dashed(a) or _is_dashed(b):
            found.dashed.setdefault(color, []).append(line)
        else:
            found.solid.setdefault(color, []).append(line)
            found.all_solid.append(line)
    return found


def _is_dashed(shape: Shape) -> bool:
    return shape.occluded or shape.is_prelabel


def paint_limbs(painter: QPainter, view: View, lines: LimbLines) -> None:
    """A dark edge, a light one, the colour; dashed where a joint is hidden."""
    if not lines.all:
        return
    dark, light, width = style.LIMB_WIDTHS
    painter.save()
    painter.setTransform(view.transform(), True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(style.pen(_dark(), dark))
    painter.drawLines(lines.all)
    painter.setPen(style.pen(_light(), light))
    painter.drawLines(lines.all_solid)
    for kind, dash in ((lines.solid, False), (lines.dashed, True)):
        for rgba, part in kind.items():
            color = QColor.fromRgba(rgba)
            painter.setPen(style.pen(color, width + (0.6 if dash else 0), dashed=dash))
            painter.drawLines(part)
    painter.restore()


def paint_points(
    scene: Scene,
    painter: QPainter,
    view: View,
    points: Iterable[tuple[int, Shape]],
    selected: Collection[int],
    ratio: float,
) -> None:
    """The marks of joints and other points."""
    window = QRectF(painter.window())
    low_x, low_y = window.left() - _REACH, window.top() - _REACH
    high_x, high_y = window.right() + _REACH, window.bottom() + _REACH
    scale, dx, dy = view.scale, view.dx, view.dy
    joints = scene.joints
    marks: dict[tuple[object, ...], tuple[QPixmap, float, float]] = {}
    for index, shape in points:
        x, y = shape.points[0]
        x, y = x * scale + dx, y * scale + dy
        if not (low_x < x < high_x and low_y < y < high_y):
            continue
        hidden, chosen = shape.occluded, index in selected
        radius = scene.radius_of(index, view)
        kind = (joints[index], id(scene.skeleton_at(index))) if index in joints else shape.label
        key = (kind, hidden, chosen, radius)
        found = marks.get(key)
        if found is None:
            pixmap = style.mark(
                scene.form_of(index),
                scene.color_of(index),
                hidden=hidden,
                radius=radius,
                selected=chosen,
                ratio=ratio,
            )
            size = pixmap.deviceIndependentSize()
            found = marks[key] = pixmap, size.width() / 2, size.height() / 2
        pixmap, half_width, half_height = found
        painter.drawPixmap(QPointF(x - half_width, y - half_height), pixmap)


def _faint(color: QColor, alpha: int) -> QColor:
    made = QColor(color)
    made.setAlpha(alpha)
    return made


def _dark() -> QColor:
    return style.theme.color("overlay_dark")


def _light() -> QColor:
    return style.theme.color("overlay_light")
