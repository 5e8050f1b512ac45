"""People drawn over a picture with QPainter: joints, limbs, and truth joined to prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from studio.core.skeleton import Skeleton
from studio.gui.picture_reading import (
    problem_with,
    read_upright,
    reader_of,
    refuse_giant,
    upright_size,
)

FloatArray = npt.NDArray[np.float64]

LABEL, TRUTH, PREDICTED = "label", "truth", "predicted"
# Drawn on photographs, never on the window's own surfaces, so these are no theme tokens: truth
# and prediction differ in lightness and in line style as well as in hue.
TRUTH_COLOR = QColor("#ffffff")
PREDICTED_COLOR = QColor("#ff3d81")
EDGE_COLOR = QColor(0, 0, 0, 170)
LABEL_COLOR = QColor("#4cc9f0")


@dataclass(frozen=True, eq=False)
class Figure:
    """One person. keypoints: (K, 3) x, y in pixels of the picture and v or a score (0: not
    there). kind: "label" is drawn in the skeleton's colours, "truth" and "predicted" each in
    one. pair: the other one's keypoints, joined joint by joint. outlines: each (N, 2).
    """

    keypoints: FloatArray
    kind: str = LABEL
    pair: FloatArray | None = None
    outlines: tuple[FloatArray, ...] = field(default=())


def read_scaled(path: Path, longest: int = 0) -> QImage:
    """The upright picture, at most `longest` pixels on its longer side (0: as it is).

    Raises FileProblem or FormatError where it cannot be read.
    """
    reader = reader_of(path)
    refuse_giant(path, reader)
    size = reader.size()
    if longest and size.isValid() and max(size.width(), size.height()) > longest:
        reader.setScaledSize(size.scaled(longest, longest, Qt.AspectRatioMode.KeepAspectRatio))
    image = read_upright(path, reader)
    if image.isNull():
        raise problem_with(path, reader)
    return image


def size_of(path: Path) -> QSize:
    """Width and height after the picture's own turning, from its header; invalid if unknown."""
    return upright_size(path, reader_of(path))


def draw_figures(
    painter: QPainter,
    figures: Sequence[Figure],
    skeleton: Skeleton | None,
    scale: float,
    line: float = 2.0,
) -> None:
    """Draw people whose coordinates, times `scale`, are the painter's; `line` is a width in the
    painter's own pixels.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    widths = [_line_width(figure, scale, line) for figure in figures]
    for figure, width in zip(figures, widths, strict=True):
        if figure.pair is not None:
            _draw_joins(painter, figure, scale, width)
    for figure, width in zip(figures, widths, strict=True):
        _draw_outlines(painter, figure, scale, width)
        _draw_limbs(painter, figure, skeleton, scale, width)
        _draw_joints(painter, figure, skeleton, scale, width)


def _line_width(figure: Figure, scale: float, most: float) -> float:
    """Thinner on small people, so that a crowd stays people."""
    points = figure.keypoints[figure.keypoints[:, 2] > 0, :2]
    if len(points) < 2:
        return most
    extent = float(np.ptp(points, axis=0).max()) * scale
    return min(most, max(0.8, extent / 45))


def _draw_outlines(painter: QPainter, figure: Figure, scale: float, line: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(255, 255, 255, 150), max(1.0, line / 2)))
    for outline in figure.outlines:
        painter.drawPolygon([QPointF(x * scale, y * scale) for x, y in outline.tolist()])


def _draw_joins(painter: QPainter, figure: Figure, scale: float, line: float) -> None:
    assert figure.pair is not None
    for (x1, y1, v1), (x2, y2, v2) in zip(
        figure.keypoints.tolist(), figure.pair.tolist(), strict=False
    ):
        if v1 > 0 and v2 > 0:
            a, b = QPointF(x1 * scale, y1 * scale), QPointF(x2 * scale, y2 * scale)
            painter.setPen(QPen(EDGE_COLOR, line + 1.5))
            painter.drawLine(a, b)
            painter.setPen(QPen(QColor("#ffd60a"), line))
            painter.drawLine(a, b)


def _limb_color(figure: Figure, skeleton: Skeleton, edge: int) -> QColor:
    if figure.kind == LABEL:
        return QColor(skeleton.edge_colors[edge]) if skeleton.edge_colors else LABEL_COLOR
    return TRUTH_COLOR if figure.kind == TRUTH else PREDICTED_COLOR


def _draw_limbs(
    painter: QPainter, figure: Figure, skeleton: Skeleton | None, scale: float, line: float
) -> None:
    points = figure.keypoints
    if skeleton is None or len(points) != len(skeleton):
        return
    dashed = figure.kind == TRUTH
    for number, (a, b) in enumerate(skeleton.edges):
        if points[a, 2] <= 0 or points[b, 2] <= 0:
            continue
        start = QPointF(points[a, 0] * scale, points[a, 1] * scale)
        end = QPointF(points[b, 0] * scale, points[b, 1] * scale)
        under = QPen(EDGE_COLOR, line + 1.5)
        under.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(under)
        painter.drawLine(start, end)
        over = QPen(_limb_color(figure, skeleton, number), line)
        over.setCapStyle(Qt.PenCapStyle.RoundCap)
        if dashed:
            over.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(over)
        painter.drawLine(start, end)


def _draw_joints(
    painter: QPainter, figure: Figure, skeleton: Skeleton | None, scale: float, line: float
) -> None:
    radius = line * 1.4
    for joint, (x, y, v) in enumerate(figure.keypoints.tolist()):
        if v <= 0:
            continue
        if figure.kind != LABEL:
            color = TRUTH_COLOR if figure.kind == TRUTH else PREDICTED_COLOR
        elif skeleton is not None and joint < len(skeleton.colors):
            color = QColor(skeleton.colors[joint])
        else:
            color = LABEL_COLOR
        painter.setPen(QPen(EDGE_COLOR, 1))
        # A hidden joint is a ring, as in the canvas.
        hidden = figure.kind != PREDICTED and v == 1
        painter.setBrush(Qt.BrushStyle.NoBrush if hidden else color)
        if hidden:
            painter.setPen(QPen(color, max(1.0, line * 0.7)))
        painter.drawEllipse(QPointF(x * scale, y * scale), radius, radius)


def fitted(size: QSize, area: QRectF) -> tuple[QRectF, float]:
    """Where a picture of `size` stands in `area`, centred and whole, and its scale."""
    if size.width() <= 0 or size.height() <= 0:
        return area, 1.0
    scale = min(area.width() / size.width(), area.height() / size.height())
    width, height = size.width() * scale, size.height() * scale
    left = area.x() + (area.width() - width) / 2
    return QRectF(left, area.y() + (area.height() - height) / 2, width, height), scale
