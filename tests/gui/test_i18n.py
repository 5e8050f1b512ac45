"""Texts follow the language, and let go of widgets that are gone."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from weakref import ref

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton

from studio.core.errors import FormatError, StudioError
from studio.gui.banner import Banner
from studio.gui.i18n import (
    LANGUAGES,
    bind_text,
    bind_told,
    joined,
    load_translations,
    system_language,
    tr,
    translator,
    unbind_text,
)
from studio.gui.main_window import MainWindow
from studio.gui.page_table import PAGES
from studio.gui.pages.annotate.notices import Notice


def test_bound_text_follows_the_language(qapp: QApplication) -> None:
    button = QPushButton()
    bind_text(button.setText, "Cancel")
    bind_text(button.setToolTip, "Jobs ({count})", count=3)
    assert button.text() == "Cancel"
    translator.set_language("ja")
    assert (button.text(), button.toolTip()) == ("キャンセル", "ジョブ（3）")
    translator.set_language("zh_CN")
    assert (button.text(), button.toolTip()) == ("取消", "任务（3）")
    translator.set_language("en")
    assert button.text() == "Cancel"


def test_a_value_may_be_asked_each_time(qapp: QApplication) -> None:
    label = QLabel()
    bind_text(label.setText, "The page {page} cannot be opened.", page=lambda: tr("Live"))
    translator.set_language("ja")
    assert label.text() == "「ライブ」ページを開けません。"


def test_unbound_text_stays(qapp: QApplication) -> None:
    label = QLabel()
    bind_text(label.setText, "Cancel")
    unbind_text(label.setText)
    label.setText("mine")
    translator.set_language("ja")
    assert label.text() == "mine"


def test_widgets_are_held_weakly(qapp: QApplication) -> None:
    label = QLabel()
    bind_text(label.setText, "Cancel")
    watch = ref(label)
    del label
    gc.collect()
    assert watch() is None
    translator.set_language("ja")


def test_unknown_text_is_shown_as_it_is() -> None:
    translator.set_language("ja")
    assert tr("never translated {n}", n=2) == "never translated 2"


def test_unknown_language_is_english() -> None:
    translator.set_language("tlh")
    assert translator.language == "en"


def test_system_language_is_one_of_ours() -> None:
    assert system_language() in LANGUAGES


def test_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "a.json").write_text(json.dumps({"Open": "開く"})[:-3], encoding="utf-8")
    with pytest.raises(FormatError, match="translation") as caught:
        load_translations("ja", tmp_path)
    assert "a.json" in str(caught.value)


def test_the_whole_window_is_retexted(window: MainWindow) -> None:
    """No visible button or label keeps an English text that has a translation."""
    table = load_translations("ja")
    for entry in PAGES:
        window.open_page(entry.page_id)
    window.show_welcome()
    translator.set_language("ja")
    left: list[str] = []
    for entry in (None, *PAGES):
        if entry is not None:
            window.open_page(entry.page_id)
        widgets = [*window.findChildren(QLabel), *window.findChildren(QAbstractButton)]
        left += [
            f"{entry.page_id if entry else 'welcome'}: {w.text()}"
            for w in widgets
            if w.isVisible() and table.get(w.text(), w.text()) != w.text()
        ]
    assert not left
    assert window.rail.buttons["train"].text() == "学習"
    assert "学習" in window.studio.actions.get("page.train").toolTip()


def test_a_text_that_was_handed_over_follows_too(qapp: QApplication) -> None:
    label, plain = QLabel(), QLabel()
    bind_told(label.setText, tr("The page {page} cannot be opened.", page=tr("Live")))
    bind_told(plain.setText, "Live")
    translator.set_language("ja")
    assert label.text() == "「ライブ」ページを開けません。"
    assert plain.text() == "Live", "words that nobody made with tr are a person's own"
    bind_told(label.setText, "mine")
    translator.set_language("zh_CN")
    assert label.text() == "mine"


def test_texts_in_a_row_follow_each_by_itself(qapp: QApplication) -> None:
    label = QLabel()
    bind_told(label.setText, joined([tr("Cancel"), "a.json", "", tr("Live")], " / "))
    assert label.text() == "Cancel / a.json / Live"
    translator.set_language("ja")
    assert label.text() == "キャンセル / a.json / ライブ"


def test_banners_follow_the_language(qapp: QApplication) -> None:
    banner = Banner()
    banner.show_message(
        tr("{count} pictures have edits that are not saved.", count=3),
        hint=tr("Undo takes all of it back."),
        action=tr("Cancel"),
        callback=lambda: None,
    )
    english = [banner.message.text(), banner.hint.text(), banner.action_button.text()]
    translator.set_language("ja")
    japanese = [banner.message.text(), banner.hint.text(), banner.action_button.text()]
    assert all(a != b for a, b in zip(english, japanese, strict=True))
    banner.show_problem(StudioError("There is no such folder.", where="/a", hint="Check the path."))
    assert banner.message.text() != "There is no such folder."
    translator.set_language("en")
    assert banner.message.text() == "There is no such folder."
    assert banner.hint.text() == "/a\nCheck the path."


def test_notices_follow_the_language(qapp: QApplication) -> None:
    notice = Notice()
    notice.ask(tr("This project is open in another window too."), "", [(tr("Go on"), int, "")])
    translator.set_language("ja")
    (label,) = [each for each in notice.findChildren(QLabel) if each.text()]
    (button,) = notice.findChildren(QPushButton)
    assert label.text() != "This project is open in another window too."
    assert button.text() != "Go on"


def test_qts_own_words_follow(qapp: QApplication) -> None:
    def words() -> str:
        return QCoreApplication.translate("QWidgetTextControl", "&Undo")

    english = words()
    translator.set_language("ja")
    assert words() != english
    translator.set_language("en")
    assert words() == english
