"""What the skeleton editor takes from the picture and the person in hand, or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from studio.core import people
from studio.core.geometry import bounds
from studio.core.skeleton import Skeleton

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

Box = tuple[float, float, float, float]


def person_picture(page: AnnotatePage) -> QImage | None:
    """The part of the picture in hand that shows the person in hand; None without one."""
    picture, around = page.canvas.picture, _person_bounds(page)
    if picture is None or around is None:
        return None
    image: QImage = picture.levels[0]
    left, top, right, bottom = around
    scale = image.width() / max(1, picture.size[0])
    return image.copy(*(round(v * scale) for v in (left, top, right - left, bottom - top)))


def person_places(page: AnnotatePage, skeleton: Skeleton) -> dict[str, tuple[float, float]] | None:
    """{joint: x, y in the unit box around the person in hand}; None without a person."""
    around, person = _person_bounds(page), page.editor.person
    if around is None or person is None:
        return None
    left, top, right, bottom = around
    content = page.document.content
    places: dict[str, tuple[float, float]] = {}
    for joint, index in people.joints_of(content, skeleton, person).items():
        x, y = content.shapes[index].points[0]
        places[skeleton.keypoints[joint]] = (
            min(max((x - left) / max(right - left, 1e-6), 0.0), 1.0),
            min(max((y - top) / max(bottom - top, 1e-6), 0.0), 1.0),
        )
    return places


def _person_bounds(page: AnnotatePage) -> Box | None:
    person, content = page.editor.person, page.document.content
    if person is None:
        return None
    own = people.person_shapes(content, person)
    return bounds(p for i in own for p in content.shapes[i].points)


def read_background(path: Path) -> QImage:
    """A picture file. Raises FileProblem, FormatError."""
    from studio.io.images import read_image

    pixels = read_image(path)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_BGR888)
    return image.copy()
