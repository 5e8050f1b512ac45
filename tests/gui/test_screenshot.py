"""`--screenshot DIR` renders every page of the real window and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from studio.gui.page_table import PAGES

NAMES = ["0-welcome", *(f"{n}-{entry.page_id}" for n, entry in enumerate(PAGES, start=1))]


@pytest.mark.parametrize("language", ["ja"])
def test_every_page_is_rendered(qapp: QApplication, tmp_path: Path, language: str) -> None:
    shots = tmp_path / "shots"
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "POSE_STUDIO_CONFIG_DIR": str(tmp_path / "config"),
    }
    settings = f"from studio.gui.settings import Settings; s = Settings(); s.set('language', {language!r}); s.sync()"
    subprocess.run([sys.executable, "-c", settings], check=True, env=environment, timeout=30)
    done = subprocess.run(
        [sys.executable, "-m", "studio", "--screenshot", str(shots)],
        env=environment, timeout=120, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(p.stem for p in shots.glob("*.png")) == NAMES
    seen: set[bytes] = set()
    for path in shots.glob("*.png"):
        image = QImage(str(path))
        assert (image.width(), image.height()) == (1440, 900)
        seen.add(path.read_bytes())
    assert len(seen) == len(NAMES), "two pages look the same"
