"""The help page on keys holds every key of the window, under its name in each language."""

from __future__ import annotations

import re

import pytest

from studio import RESOURCES
from studio.gui.i18n import tr, translator
from studio.gui.main_window import MainWindow

PAGE_IDS = ("annotate", "datasets", "train", "evaluate", "export", "live")
ROW = re.compile(r"^\| (`[^|]+`) \| \*([^|*]+)\* \|", re.MULTILINE)


@pytest.mark.parametrize("language", ["en", "ja", "zh_CN"])
def test_every_key_stands_on_the_page(window: MainWindow, language: str) -> None:
    for page_id in PAGE_IDS:
        window.page(page_id)
    translator.set_language(language)
    wanted = {
        (tr(action.title), frozenset(k.strip() for k in action.shortcut.split(";")))
        for action in window.studio.actions.all()
        if action.shortcut
    }
    text = (RESOURCES / "help" / language / "keys.md").read_text(encoding="utf-8")
    written = {
        (title, frozenset(re.findall(r"`([^`]+)`", keys))) for keys, title in ROW.findall(text)
    }
    assert written == wanted, "python -m tests.help_pages writes the page anew"
