"""Both themes: the same names, text that can be read, and a switch that everything follows."""

from __future__ import annotations

import re
from itertools import product

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from studio.gui.icons import ALIASES, icon
from studio.gui.main_window import MainWindow
from studio.gui.theme import THEMES, contrast, read_tokens, theme, to_color

BACKGROUNDS = ("window", "surface", "surface_raised", "sunken", "rail", "hover", "selected")
TEXTS = ("text", "muted")
PAIRS = [
    *product(TEXTS, BACKGROUNDS),
    *(
        (color, ground)
        for color in ("danger", "warning", "ok", "accent")
        for ground in ("window", "surface", "surface_raised", f"{color}_soft")
    ),
    *(("text", f"{color}_soft") for color in ("danger", "warning", "ok", "accent")),
    ("muted", "canvas"),
    ("canvas_text", "canvas"),
    ("text", "pressed"),
    ("accent_text", "accent"),
    ("accent_text", "accent_hover"),
    ("axis", "plot_background"),
]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name: str) -> None:
    tokens = read_tokens(name)
    weak = [
        f"{text} on {ground}: {ratio:.2f}"
        for text, ground in PAIRS
        if (ratio := contrast(to_color(tokens[text]), to_color(tokens[ground]))) < 4.5
    ]
    assert not weak


@pytest.mark.parametrize("name", ["light", "dark"])
def test_plot_lines_stand_out(name: str) -> None:
    tokens = read_tokens(name)
    ground = to_color(tokens["plot_background"])
    assert all(contrast(to_color(tokens[f"series_{n}"]), ground) >= 3 for n in range(1, 9))


def test_overlay_text_can_be_read_on_any_picture() -> None:
    """The panel lets the picture through: over white it is at its lightest."""
    for name in ("light", "dark"):
        tokens = read_tokens(name)
        panel = to_color(tokens["overlay_panel"])
        share = panel.alphaF()
        mixed = QColor.fromRgbF(
            *(c * share + (1 - share) for c in (panel.redF(), panel.greenF(), panel.blueF()))
        )
        assert contrast(to_color(tokens["overlay_text"]), mixed) >= 4.5


def test_contrast_is_the_known_one() -> None:
    assert contrast(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("#ffffff")) == pytest.approx(4.48, abs=0.01)


def test_both_themes_have_the_same_names() -> None:
    light, dark = read_tokens("light"), read_tokens("dark")
    assert light.keys() == dark.keys()
    assert light["dark"] is False
    assert dark["dark"] is True


def test_style_sheet_has_no_colour_of_its_own() -> None:
    text = (THEMES / "studio.qss").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", text)


def test_all_icons_exist(qapp: QApplication) -> None:
    for name in ALIASES:
        assert not icon(name).pixmap(24, 24).isNull()
    with pytest.raises(KeyError):
        icon("no-such-sign")


def test_icon_is_painted_in_the_theme_colour(qapp: QApplication) -> None:
    sign = icon("square", "accent")
    for name in ("light", "dark"):
        theme.set_choice(name)
        image = sign.pixmap(32, 32).toImage()
        assert image.pixelColor(16, 16) == theme.color("accent")


def _brightness(image: QImage) -> float:
    small = image.scaled(16, 16)
    colors = [small.pixelColor(x, y) for x in range(16) for y in range(16)]
    return sum(c.lightnessF() for c in colors) / len(colors)


def test_window_follows_the_theme(window: MainWindow) -> None:
    light = _brightness(window.grab().toImage())
    window.commands.switch_theme()
    assert theme.name == "dark"
    dark = _brightness(window.grab().toImage())
    window.commands.switch_theme()
    again = _brightness(window.grab().toImage())
    assert light > 0.8
    assert dark < 0.25
    assert again == pytest.approx(light, abs=0.01)


def test_every_token_in_the_style_sheet_is_filled(qapp: QApplication) -> None:
    assert "$" not in theme.style_sheet()


def test_fonts_are_installed_ones(qapp: QApplication) -> None:
    assert theme.families()
    assert (
        theme.font("heading").pixelSize()
        > theme.font("text").pixelSize()
        > theme.font("small").pixelSize()
    )
