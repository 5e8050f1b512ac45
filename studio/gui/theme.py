"""Colours, sizes and fonts by name, and the Qt palette and style sheet made of them.

`resources/themes/{light,dark}.toml` hold the tokens; nothing in the program sets a colour by
hand. Widgets say what they are by properties: `button.setProperty("role", "primary")`.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
import weakref
from pathlib import Path
from string import Template
from typing import Any

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from studio import RESOURCES
from studio.gui.i18n import translator

THEMES = RESOURCES / "themes"
CHOICES = ("system", "light", "dark")

# Small marks that a style sheet can show only from a file, drawn in the theme's own colours.
_MARKS = {
    "check": ("accent_text", '<path d="M3.5 8.5l3 3 6-7" fill="none" stroke-width="2"/>'),
    "dash": ("accent_text", '<path d="M4 8h8" fill="none" stroke-width="2"/>'),
    "down": ("muted", '<path d="M4 6l4 4 4-4" fill="none" stroke-width="1.6"/>'),
    "up": ("muted", '<path d="M4 10l4-4 4 4" fill="none" stroke-width="1.6"/>'),
    "right": ("muted", '<path d="M6 4l4 4-4 4" fill="none" stroke-width="1.6"/>'),
}


def read_tokens(name: str) -> dict[str, Any]:
    """The tokens of one theme, flat: "accent", "radius.normal", "space.one", "font.text"."""
    data = tomllib.loads((THEMES / f"{name}.toml").read_text(encoding="utf-8"))
    tokens: dict[str, Any] = {"dark": data["dark"], **data["color"]}
    for group in ("radius", "space", "font"):
        tokens.update({f"{group}.{key}": value for key, value in data[group].items()})
    return tokens


def to_color(text: str) -> QColor:
    """`#rrggbb` or `#rrggbbaa`, as a web page writes it (Qt itself wants the alpha first)."""
    if len(text) == 9:
        return QColor(f"#{text[7:9]}{text[1:7]}")
    return QColor(text)


class Theme(QObject):
    """The theme of the moment. `changed` comes after the application has taken it on."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = "system"
        self.name = "light"
        self._tokens = read_tokens("light")
        self._colors: dict[str, QColor] = {}
        self._marks = Path(tempfile.mkdtemp(prefix="pose-studio-theme-"))
        weakref.finalize(self, shutil.rmtree, self._marks, ignore_errors=True)
        self._following = False

    @property
    def dark(self) -> bool:
        """Whether text is light on dark."""
        return bool(self._tokens["dark"])

    def token(self, name: str) -> Any:
        """A token as the file gives it: `token("space.one")` is 8. KeyError if unknown."""
        return self._tokens[name]

    def color(self, name: str) -> QColor:
        """A colour token."""
        if name not in self._colors:
            self._colors[name] = to_color(self._tokens[name])
        return QColor(self._colors[name])

    def font(self, size: str = "text", *, bold: bool = False, mono: bool = False) -> QFont:
        """A font of the theme: `size` is "small", "text" or "heading"."""
        font = QFont()
        font.setFamilies(self._tokens["font.mono"] if mono else self.families())
        font.setPixelSize(int(self._tokens[f"font.{size}"]))
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def families(self) -> list[str]:
        """Installed families that hold the language's letters, the best first."""
        latin, ja, zh = (
            self._tokens[key]
            for key in ("font.families", "font.families_ja", "font.families_zh_CN")
        )
        # Fonts of these languages hold Latin letters that go with their own.
        order = {"ja": [*ja, *latin, *zh], "zh_CN": [*zh, *latin, *ja]}
        wanted = order.get(translator.language, [*latin, *ja, *zh])
        installed = set(QFontDatabase.families())
        return [f for f in wanted if f in installed] or ["sans-serif"]

    def set_choice(self, choice: str) -> None:
        """`choice` is "system", "light" or "dark"."""
        self.choice = choice if choice in CHOICES else "system"
        self._follow_system()
        self.apply()

    def apply(self) -> None:
        """Read the tokens and give the application its font, palette and style sheet."""
        name = self.choice
        if name == "system":
            scheme = QGuiApplication.styleHints().colorScheme()
            name = "dark" if scheme == Qt.ColorScheme.Dark else "light"
        self.name = name
        self._tokens = read_tokens(name)
        self._colors.clear()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            if app.style().objectName().lower() != "fusion":
                app.setStyle("Fusion")
            app.setFont(self.font())
            app.setPalette(self._palette())
            self._write_marks()
            app.setStyleSheet(self.style_sheet())
        self.changed.emit()

    def style_sheet(self) -> str:
        """The application's style sheet with every token filled in."""
        template = Template((THEMES / "studio.qss").read_text(encoding="utf-8"))
        values = {key.replace(".", "_"): value for key, value in self._tokens.items()}
        values["font_mono"] = ", ".join(f'"{f}"' for f in self._tokens["font.mono"])
        values["font_stack"] = ", ".join(f'"{f}"' for f in self.families())
        values["marks"] = f"marks{self.name}:"
        return template.substitute(values)

    def _follow_system(self) -> None:
        if not self._following and QGuiApplication.instance() is not None:
            self._following = True
            QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)
            translator.language_changed.connect(self._language_changed)

    def _system_changed(self) -> None:
        if self.choice == "system":
            self.apply()

    def _language_changed(self) -> None:
        self.apply()

    def _write_marks(self) -> None:
        folder = self._marks / self.name
        folder.mkdir(exist_ok=True)
        for name, (color, path) in _MARKS.items():
            (folder / f"{name}.svg").write_text(
                '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" '
                f'stroke="{self._tokens[color]}" stroke-linecap="round" '
                f'stroke-linejoin="round">{path}</svg>',
                encoding="utf-8",
            )
        QDir.setSearchPaths(f"marks{self.name}", [str(folder)])

    def _palette(self) -> QPalette:
        role, group = QPalette.ColorRole, QPalette.ColorGroup
        palette = QPalette()
        for key, token in (
            (role.Window, "window"),
            (role.WindowText, "text"),
            (role.Base, "surface"),
            (role.AlternateBase, "window"),
            (role.ToolTipBase, "surface_raised"),
            (role.ToolTipText, "text"),
            (role.Text, "text"),
            (role.Button, "surface"),
            (role.ButtonText, "text"),
            (role.BrightText, "danger"),
            (role.Highlight, "selected"),
            (role.HighlightedText, "text"),
            (role.Link, "accent"),
            (role.LinkVisited, "accent"),
            (role.PlaceholderText, "muted"),
            (role.Accent, "accent"),
            (role.Light, "surface_raised"),
            (role.Midlight, "hover"),
            (role.Mid, "border"),
            (role.Dark, "border_strong"),
            (role.Shadow, "sunken"),
        ):
            palette.setColor(key, self.color(token))
        for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
            palette.setColor(group.Disabled, key, self.color("disabled"))
        return palette


theme = Theme()


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget its `role` property and have the style sheet look at it again."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def contrast(first: QColor, second: QColor) -> float:
    """WCAG 2 contrast ratio of two opaque colours, 1 to 21."""

    def luminance(color: QColor) -> float:
        parts = (color.redF(), color.greenF(), color.blueF())
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
