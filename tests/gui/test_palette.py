"""The command palette finds and does everything."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui.actions import StudioAction
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.outline import OutlinedAction, outline_of, outlined_actions
from studio.gui.page_table import PAGES
from studio.gui.palette import match_score


def open_palette(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.commands.palette.isVisible()


def test_scores() -> None:
    assert match_score("", "anything") == 0
    assert match_score("live", "Live") == 0
    assert match_score("oprj", "Open project") is not None
    assert match_score("xyz", "Open project") is None
    whole, scattered = match_score("set", "Settings"), match_score("set", "Show the export")
    assert whole is not None
    assert scattered is not None
    assert whole < scattered


def test_typing_and_enter_do_it(qtbot: QtBot, window: MainWindow) -> None:
    open_palette(qtbot, window)
    palette = window.commands.palette
    qtbot.keyClicks(palette.field, "jobs")
    assert palette.matches("jobs")[0].id == "studio.jobs"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.drawer.is_open()
    assert not palette.isVisible()


def test_keys_move_and_escape_closes(qtbot: QtBot, window: MainWindow) -> None:
    open_palette(qtbot, window)
    palette = window.commands.palette
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 1
    qtbot.keyClick(palette.field, Qt.Key.Key_PageUp)
    assert palette.list.currentRow() == 0
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_nothing_found_is_said(qtbot: QtBot, window: MainWindow) -> None:
    open_palette(qtbot, window)
    palette = window.commands.palette
    qtbot.keyClicks(palette.field, "qqqq")
    assert palette.nothing.isVisible()
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)


def test_an_action_of_a_page_opens_its_page(qtbot: QtBot, window: MainWindow) -> None:
    done: list[str] = []
    window.studio.actions.declare(
        StudioAction("live.test", "Zebra", lambda: done.append("done"), page_id="live")
    )
    open_palette(qtbot, window)
    palette = window.commands.palette
    qtbot.keyClicks(palette.field, "zebra")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == ["done"]
    assert window.current_page.page_id == "live"


def test_both_languages_are_searched(window: MainWindow) -> None:
    translator.set_language("ja")
    palette = window.commands.palette
    assert palette.matches("設定")[0].id == "studio.settings"
    assert palette.matches("settings")[0].id == "studio.settings"


def test_disabled_actions_are_left_out(window: MainWindow) -> None:
    window.studio.actions.get("studio.plugins").setEnabled(False)
    found = {a.id for a in window.commands.palette.matches("")}
    assert "studio.plugins" not in found
    assert "studio.settings" in found


def test_every_action_has_keys_and_a_tooltip(window: MainWindow) -> None:
    everything = window.studio.actions.all()
    assert len(everything) > 60
    for declared in everything:
        action = window.studio.actions.get(declared.id)
        if declared.id.startswith(("studio.", "page.", "live.")):
            assert not action.shortcut().isEmpty(), declared.id
        assert action.toolTip()


def test_no_two_actions_share_their_keys_on_a_page(window: MainWindow) -> None:
    for entry in PAGES:
        window.open_page(entry.page_id)
    for entry in PAGES:
        taken: dict[str, str] = {}
        for declared in window.studio.actions.all():
            if declared.page_id not in ("", entry.page_id):
                continue
            for keys in window.studio.actions.get(declared.id).shortcuts():
                text = keys.toString()
                assert text not in taken, f"{text}: {taken[text]} and {declared.id}"
                taken[text] = declared.id


def test_what_pages_offer_is_known_before_they_are_made(window: MainWindow, qtbot: QtBot) -> None:
    assert set(window.pages) <= {"annotate"}
    palette = window.commands.palette
    assert palette.matches("Start training")[0].id == "train.start"
    assert palette.matches("Next step")[0].page_id == "export"
    open_palette(qtbot, window)
    qtbot.keyClicks(palette.field, "show whole plots")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.current_page.page_id == "train"
    assert not isinstance(window.studio.actions.declared("train.whole"), OutlinedAction)


def test_the_outline_says_what_the_pages_declare(window: MainWindow) -> None:
    outlined = outline_of(
        StudioAction(a.id, a.title, a.callback, a.shortcut, page_id=a.page_id)
        for a in outlined_actions(window.open_page)
    )
    for entry in PAGES:
        window.page(entry.page_id)
    declared = outline_of(window.studio.actions.all())
    assert len(declared["annotate"]) > 30
    assert outlined == declared, "write it anew: python -m studio.gui.outline"
