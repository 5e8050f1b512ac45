"""How the picture is looked at stays from picture to picture and touches no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from studio.gui.pages.annotate import AnnotatePage
from tests.gui.annotating import Hands, annotation, make_project

Key = Qt.Key


def seen(page: AnnotatePage) -> np.ndarray:
    """(H, W, 4) of the canvas."""
    image = page.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4).astype(int)


def test_brightness_contrast_and_what_is_hidden_stay(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    for picture in pictures:
        annotation(picture, [{"label": "ball", "points": [[160, 120]]}])
    before = [p.read_bytes() for p in sorted((tmp_path / "p").glob("a*"))]
    page = hands.open(tmp_path / "p", 2)
    hands.key(Key.Key_D)
    hands.wait_picture()
    plain = seen(page)
    hands.key(Key.Key_A)
    hands.wait_picture()
    page.parts.toolbar.adjustment.set_values(60, 0)
    hands.key(Key.Key_T)
    hands.key(Key.Key_D)
    hands.wait_picture()
    assert (page.canvas.brightness, page.canvas.contrast) == (60, 0)
    assert page.editor.scene.hidden == {0}
    spot = hands.spot(40, 200)
    assert (seen(page)[spot.y(), spot.x(), :3] > plain[spot.y(), spot.x(), :3] + 20).all()
    assert [p.read_bytes() for p in sorted((tmp_path / "p").glob("a*"))] == before


def test_the_crosshair_is_there_while_drawing_and_can_be_put_away(
    hands: Hands, tmp_path: Path
) -> None:
    make_project(tmp_path / "p", 1)
    page = hands.open(tmp_path / "p")
    hands.wait_picture()

    def line_drawn() -> bool:
        """Whether the row of the cursor differs from the one far above it, all along."""
        hands.hover(20, 20)
        away = seen(page)
        hands.hover(160, 120)
        row = hands.spot(160, 120).y()
        changed = np.abs(seen(page)[row] - away[row]).max(axis=1) > 8
        return bool(changed.mean() > 0.5)

    assert not line_drawn(), "nothing is being drawn"
    hands.key(Key.Key_P)
    assert line_drawn()
    page.toggle_crosshair()
    assert not line_drawn()
    page.toggle_crosshair()
    assert line_drawn()
