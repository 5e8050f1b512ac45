"""People drawn over the live picture, in sizes of the screen whatever the zoom."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from studio.core.prediction import Prediction
from studio.core.requests.shared import HEAD_CUBE
from studio.core.skeleton import Skeleton
from studio.gui import style
from studio.gui.theme import theme

# How much is left of the colour of a joint that is only just sure enough to be drawn.
_FAINTEST = 0.35
# Scores from here on are as good as certain.
_SURE = 0.9


@dataclass
class LiveStyle:
    """How people are drawn; sizes are pixels on the screen, `trail` frames."""

    radius: float = 4.0
    width: float = 3.0
    joint_confidence: float = 0.3
    skeletons: bool = True
    boxes: bool = True
    ids: bool = True
    trails: bool = True
    trail: int = 30
    heads: str = HEAD_CUBE
    overlay: bool = True


@dataclass(frozen=True)
class Ground:
    """Where the frame stands in the widget: `scale` and `origin` lead there from its pixels,
    `room` is the part of the widget that it has.
    """

    scale: float
    origin: QPointF
    room: QRectF

    def spot(self, x: float, y: float) -> QPointF:
        """A place of the frame, in the widget."""
        return QPointF(x * self.scale + self.origin.x(), y * self.scale + self.origin.y())

    def rect(self, box: npt.NDArray[np.float32]) -> QRectF:
        """A box x1, y1, x2, y2 of the frame, in the widget."""
        x1, y1, x2, y2 = box.tolist()
        return QRectF(self.spot(x1, y1), self.spot(x2, y2))


@lru_cache(maxsize=1024)
def covering(rgba: int, width: float) -> QPen:
    """A line in a colour without what shows through: Qt draws one that covers ten times as fast.
    The pen is shared; do not change it.
    """
    color = QColor.fromRgba(rgba)
    color.setAlpha(255)
    return style.pen(color, width)


def edge_pen(width: float) -> QPen:
    """The dark edge that makes lines visible on any photograph."""
    return covering(theme.color("overlay_dark").rgba(), width)


def faded(color: QColor, strength: float) -> int:
    """So much (0..1, in eighths) of a colour over the dark edge's, as `covering` takes it."""
    return _faded(color.rgba(), theme.color("overlay_dark").rgba(), round(strength * 8))


@lru_cache(maxsize=1024)
def _faded(rgba: int, under: int, eighths: int) -> int:
    a, b = QColor.fromRgba(rgba), QColor.fromRgba(under)
    parts = zip((a.red(), a.green(), a.blue()), (b.red(), b.green(), b.blue()), strict=True)
    return QColor(*(round(y + eighths / 8 * (x - y)) for x, y in parts)).rgba()


def opacity_of(score: float, least: float) -> float:
    """How much of its colour a joint shows: faint at `least`, full where it is as good as sure."""
    room = max(_SURE - least, 1e-3)
    return _FAINTEST + (1 - _FAINTEST) * min(1.0, max(0.0, (score - least) / room))


def draw_people(
    painter: QPainter,
    people: Sequence[Prediction],
    skeleton: Skeleton | None,
    look: LiveStyle,
    ground: Ground,
) -> None:
    """Boxes below, limbs and joints over them."""
    if look.boxes:
        _draw_boxes(painter, people, ground)
    if look.skeletons and skeleton is not None:
        for person in people:
            if len(person.keypoints):
                _draw_skeleton(painter, person, skeleton, look, ground)


def draw_names(
    painter: QPainter, people: Sequence[Prediction], ground: Ground, categories: Sequence[str]
) -> None:
    """What stands at the boxes, on top of all else."""
    for number, person in enumerate(people):
        _draw_name(painter, person, number, ground, categories)


def _draw_boxes(painter: QPainter, people: Sequence[Prediction], ground: Ground) -> None:
    """Lines with flat ends: Qt has a quick way for those, and for no rectangle."""
    sides: list[tuple[QColor, list[QLineF]]] = []
    for person in people:
        known = person.track_id is not None
        color = style.person_color(person.track_id or 0) if known else theme.color("overlay_box")
        sides.append((color, _sides(ground.rect(person.box))))
    painter.setPen(edge_pen(3.4))
    painter.drawLines([line for _, lines in sides for line in lines])
    for color, lines in sides:
        painter.setPen(covering(color.rgba(), 1.6))
        painter.drawLines(lines)


def _sides(rect: QRectF) -> list[QLineF]:
    corners = [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()]
    return [QLineF(a, b) for a, b in itertools.pairwise([*corners, corners[0]])]


def name_of(person: Prediction, number: int, categories: Sequence[str]) -> str:
    """What stands at a box: the identity (else the place in the row), the class where there are
    several, the score.
    """
    name = f"#{person.track_id}" if person.track_id is not None else f"{number + 1}"
    several = len(categories) > 1 and person.category_id < len(categories)
    kind = categories[person.category_id] if several else ""
    return "  ".join(part for part in (name, kind, f"{person.score:.2f}") if part)


def _draw_name(
    painter: QPainter, person: Prediction, number: int, ground: Ground, categories: Sequence[str]
) -> None:
    rect = ground.rect(person.box)
    color = None if person.track_id is None else style.person_color(person.track_id)
    style.tag(
        painter,
        QPointF(rect.left() - 1, rect.top() - 13),
        name_of(person, number, categories),
        color=color,
        bounds=ground.room,
    )


def _draw_skeleton(
    painter: QPainter, person: Prediction, skeleton: Skeleton, look: LiveStyle, ground: Ground
) -> None:
    count = min(len(skeleton), len(person.keypoints))
    rows = person.keypoints[:count].tolist()
    spots = {
        joint: ground.spot(x, y)
        for joint, (x, y, score) in enumerate(rows)
        if score >= look.joint_confidence and math.isfinite(x) and math.isfinite(y)
    }
    strength = {j: opacity_of(rows[j][2], look.joint_confidence) for j in spots}
    limbs = [(n, a, b) for n, (a, b) in enumerate(skeleton.edges) if a in spots and b in spots]
    lines = [QLineF(spots[a], spots[b]) for _, a, b in limbs]
    painter.setPen(edge_pen(look.width + 3.0))
    painter.drawLines(lines)
    painter.setPen(covering(theme.color("overlay_light").rgba(), look.width + 1.2))
    painter.drawLines(lines)
    for (number, a, b), line in zip(limbs, lines, strict=True):
        color = faded(style.limb_color(skeleton, number), min(strength[a], strength[b]))
        painter.setPen(covering(color, look.width))
        painter.drawLine(line)
    if look.radius > 0:
        _draw_joints(painter, skeleton, spots, strength, look.radius)
    painter.setOpacity(1.0)


def _draw_joints(
    painter: QPainter,
    skeleton: Skeleton,
    spots: dict[int, QPointF],
    strength: dict[int, float],
    radius: float,
) -> None:
    ratio = painter.device().devicePixelRatioF()
    for joint, spot in spots.items():
        form = style.FORMS[skeleton.side(joint)]
        picture = style.mark(
            form,
            style.joint_color(skeleton, joint),
            hidden=False,
            radius=radius,
            selected=False,
            ratio=ratio,
        )
        half = picture.width() / ratio / 2
        painter.setOpacity(strength[joint])
        painter.drawPixmap(QPointF(spot.x() - half, spot.y() - half), picture)
