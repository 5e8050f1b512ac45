"""Icons of one family, Material Design, drawn from the font that the QtAwesome package carries.

The font is read directly, so that the start pays neither for QtAwesome's import nor for its
other fonts; an icon takes the theme's colour each time it is painted and so follows the theme.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QIcon,
    QIconEngine,
    QPainter,
    QPainterPath,
    QPixmap,
    QRawFont,
    QTransform,
)

from studio import RESOURCES
from studio.core.errors import MissingTool
from studio.gui.theme import theme

# The studio's own names where Material's are not what a reader would look for.
ALIASES = {
    "annotate": "vector-polyline-edit",
    "datasets": "layers-triple-outline",
    "train": "chart-bell-curve-cumulative",
    "evaluate": "bullseye-arrow",
    "export": "package-variant-closed",
    "live": "video-outline",
    "jobs": "progress-clock",
    "settings": "cog-outline",
    "help": "help-circle-outline",
    "search": "magnify",
    "folder": "folder-outline",
    "folder-open": "folder-open-outline",
    "file": "file-outline",
    "image": "image-outline",
    "images": "image-multiple-outline",
    "film": "movie-open-outline",
    "camera": "webcam",
    "download": "tray-arrow-down",
    "save": "content-save-outline",
    "copy": "content-copy",
    "paste": "content-paste",
    "delete": "trash-can-outline",
    "edit": "pencil-outline",
    "add": "plus",
    "remove": "minus",
    "up": "chevron-up",
    "down": "chevron-down",
    "left": "chevron-left",
    "right": "chevron-right",
    "next": "arrow-right",
    "previous": "arrow-left",
    "ok": "check-circle-outline",
    "error": "alert-circle-outline",
    "warning": "alert-outline",
    "info": "information-outline",
    "cancel": "close-circle-outline",
    "retry": "restart",
    "queue": "clock-outline",
    "running": "play-circle-outline",
    "log": "text-box-outline",
    "model": "cube-outline",
    "person": "human-handsup",
    "skeleton": "human",
    "point": "circle-medium",
    "polygon": "vector-polygon",
    "rectangle": "vector-rectangle",
    "hidden": "eye-off-outline",
    "visible": "eye-outline",
    "fit": "fit-to-page-outline",
    "zoom-in": "magnify-plus-outline",
    "zoom-out": "magnify-minus-outline",
    "snapshot": "camera-outline",
    "fullscreen": "fullscreen",
    "chart": "chart-line",
    "table": "table",
    "compare": "compare-horizontal",
    "preset": "bookmark-outline",
    "plugin": "puzzle-outline",
    "welcome": "human-greeting",
    "external": "open-in-new",
}


class _Glyphs:
    """The font and the table of its signs."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("qtawesome")
        places = (spec.submodule_search_locations or []) if spec else []
        fonts = [Path(p) / "fonts" for p in places]
        found = [t for f in fonts for t in sorted(f.glob("materialdesignicons6-webfont-*.ttf"))]
        tables = [t for f in fonts for t in sorted(f.glob("materialdesignicons6-*charmap-*.json"))]
        if not found or not tables:
            raise MissingTool(
                "The icons are missing.", hint="Install them with: pip install qtawesome"
            )
        self.signs: dict[str, str] = json.loads(tables[-1].read_text(encoding="utf-8"))
        self.raw = QRawFont(str(found[-1]), 64.0)
        self._paths: dict[str, QPainterPath] = {}

    def path(self, name: str) -> QPainterPath:
        """The outline of a sign in a square of 64 units. KeyError if there is none."""
        if name not in self._paths:
            index = self.raw.glyphIndexesForString(chr(int(self.signs[name], 16)))[0]
            path = self.raw.pathForGlyph(index)
            # Material signs are drawn on a square of one em that stands on the descent.
            self._paths[name] = QTransform.fromTranslate(0, self.raw.ascent()).map(path)
        return self._paths[name]


@cache
def _glyphs() -> _Glyphs:
    return _Glyphs()


class _GlyphEngine(QIconEngine):
    """Paints one sign in a colour token of the theme of the moment."""

    def __init__(self, name: str, color: str) -> None:
        super().__init__()
        self._name = name
        self._color = color

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        token = "disabled" if mode == QIcon.Mode.Disabled else self._color
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_glyph(painter, QRectF(rect), self._name, theme.color(token))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        if pixmap.isNull():
            return pixmap  # a button that a layout has squeezed to nothing for a moment
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def scaledPixmap(
        self,
        size: QSize,
        mode: QIcon.Mode,
        state: QIcon.State,
        scale: float,  # noqa: ARG002 - `size` is in real pixels already
    ) -> QPixmap:
        return self.pixmap(size, mode, state)

    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._name, self._color)


def draw_glyph(painter: QPainter, rect: QRectF, name: str, color: QColor) -> None:
    """Fill the sign `name` into `rect`. KeyError if there is none of that name."""
    path = _glyphs().path(ALIASES.get(name, name))
    scale = min(rect.width(), rect.height()) / 64.0
    painter.translate(rect.center().x() - 32 * scale, rect.center().y() - 32 * scale)
    painter.scale(scale, scale)
    painter.fillPath(path, color)


def icon(name: str, color: str = "text") -> QIcon:
    """The icon called `name` (an alias above or any Material name) in the token `color`.

    It follows the theme by itself. KeyError for a name that does not exist.
    """
    if ALIASES.get(name, name) not in _glyphs().signs:
        raise KeyError(name)
    return QIcon(_GlyphEngine(name, color))


def app_icon() -> QIcon:
    """The studio's own sign."""
    return QIcon(str(RESOURCES / "icons" / "pose-studio.svg"))
