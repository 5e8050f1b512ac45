"""Keys: presets, own keys, clashes, and the editor on the real window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from studio.gui.actions import keys_of
from studio.gui.context import StudioContext
from studio.gui.main_window import MainWindow
from studio.gui.page_table import PAGES
from studio.gui.shortcut_editor import ACTION, CLASH, TITLE, ShortcutEditor
from studio.gui.shortcuts import PRESETS, ActionKeys, Shortcuts, normal, split
from tests.gui.conftest import delete_now

NEXT = ActionKeys("annotate.next", "annotate", "D")
FIT = ActionKeys("annotate.fit", "annotate", "Ctrl+F")
WHOLE = ActionKeys("train.whole", "train", "Ctrl+F")
QUIT = ActionKeys("studio.quit", "", "Ctrl+Q")
ALL = (NEXT, FIT, WHOLE, QUIT)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ctrl+shift+a", "Ctrl+Shift+A"),
        ("Shift+Ctrl+A", "Ctrl+Shift+A"),
        ("Ctrl++", "Ctrl++"),
        ("+", "+"),
        ("escape", "Esc"),
        ("Del", "Delete"),
        ("f5", "F5"),
        (" ", ""),
    ],
)
def test_one_spelling_for_a_key(text: str, wanted: str) -> None:
    assert normal(text) == wanted


def test_the_same_key_on_two_pages_is_no_clash() -> None:
    assert Shortcuts().clashes(ALL) == {}
    table = Shortcuts().with_keys(NEXT, "Ctrl+F")
    assert table.clashes(ALL) == {
        "annotate.next": ("annotate.fit",),
        "annotate.fit": ("annotate.next",),
    }
    everywhere = Shortcuts().with_keys(QUIT, "ctrl+f")
    assert set(everywhere.clashes(ALL)["studio.quit"]) == {"annotate.fit", "train.whole"}
    freed = everywhere.freed(ALL, QUIT)
    assert freed.clashes(ALL) == {}
    assert freed.keys_of(FIT) == ""


def test_a_preset_takes_keys_from_others() -> None:
    table = Shortcuts("cvat")
    assert table.keys_of(NEXT) == "F"
    assert table.keys_of(ActionKeys("annotate.sample", "annotate", "F;Ctrl+9")) == "Ctrl+9"
    assert table.keys_of(ActionKeys("live.x", "live", "F")) == "F"


def test_what_is_kept() -> None:
    table = Shortcuts("cvat").with_keys(NEXT, "X").with_keys(NEXT, "F")
    assert table == Shortcuts("cvat")
    table = table.with_keys(NEXT, "X;Right")
    assert Shortcuts.from_mapping(table.to_mapping()) == table
    assert Shortcuts.from_mapping({"preset": "gone", "own": 3}) == Shortcuts()
    assert Shortcuts.from_mapping(None) == Shortcuts()


@pytest.mark.parametrize("preset", list(PRESETS))
def test_no_preset_clashes_and_all_its_actions_exist(window: MainWindow, preset: str) -> None:
    for entry in PAGES:
        window.page(entry.page_id)
    actions = window.studio.actions.all()
    assert Shortcuts(preset).clashes([keys_of(a) for a in actions]) == {}
    assert set(PRESETS[preset][1]) <= {a.id for a in actions}
    for _title, keys in PRESETS.values():
        for key in split(";".join(keys.values())):
            text = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
            assert normal(text) == key


@pytest.fixture
def editor(window: MainWindow):
    window.open_page("annotate")
    made = window.commands.open_shortcuts()
    yield made
    made.close()
    delete_now(made)


def _press(editor: ShortcutEditor, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    QTest.keyClick(editor.keys, key, modifier)


def test_a_key_is_changed_kept_and_clashes_are_told(editor: ShortcutEditor) -> None:
    studio = editor.studio
    editor.choose("annotate.next")
    _press(editor, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    editor.set_button.click()
    action = studio.actions.get("annotate.next")
    assert [s.toString() for s in action.shortcuts()] == ["Ctrl+F"]
    assert "Ctrl+F" in action.toolTip()
    item = editor.tree.currentItem()
    assert item is not None
    assert item.text(CLASH) == "Fit the picture"
    assert editor.take_button.isVisible()
    editor.take_button.click()
    assert studio.actions.get("annotate.fit").shortcuts() == []
    item = editor.tree.currentItem()
    assert item is not None
    assert item.data(TITLE, ACTION).id == "annotate.next"
    assert not editor.take_button.isVisible()
    again = StudioContext(studio.settings)
    assert again.actions.shortcuts == studio.actions.shortcuts
    delete_now(again)
    editor.reset_button.click()
    assert [s.toString() for s in action.shortcuts()] == ["D"]


def test_a_preset_holds_at_once(editor: ShortcutEditor) -> None:
    editor.preset.setCurrentIndex(editor.preset.findData("cvat"))
    editor.preset.activated.emit(editor.preset.currentIndex())
    assert editor.studio.actions.get("annotate.next").shortcut().toString() == "F"
    editor.search.setText("next picture")
    rows = [item for _top, items in editor._rows() for item in items]
    shown = [item.text(TITLE) for item in rows if not item.isHidden()]
    assert "Next picture" in shown
    assert all("next picture" in title.casefold() for title in shown)


def test_the_presets_say_what_the_programs_say(window: MainWindow) -> None:
    """A few keys that their own tables give, each of them where a hand expects it."""
    window.page("annotate")
    actions = {a.id: keys_of(a) for a in window.studio.actions.all()}

    def keys(preset: str, name: str) -> tuple[str, ...]:
        return split(Shortcuts(preset).keys_of(actions[f"annotate.{name}"]))

    x = "x-anylabeling"
    assert keys(x, "tool.polygon") == ("P", "Ctrl+N")
    assert keys(x, "tool.rectangle") == ("R", "Ctrl+R")
    assert keys(x, "tool.point") == (), "P is the polygon's there"
    assert (keys(x, "next"), keys(x, "previous")) == (("D",), ("A",))
    assert (keys(x, "edit_label"), keys(x, "duplicate")) == (("Ctrl+E",), ("Ctrl+D",))
    assert (keys(x, "prelabel"), keys(x, "prelabel_all")) == (("I",), ("Ctrl+B",))
    assert (keys("cvat", "next"), keys("cvat", "previous")) == (("F",), ("D",))
    assert keys("cvat", "hidden") == ("Q", "/")
    assert keys("cvat", "propagate_many") == ("Ctrl+B",)
    assert keys("cvat", "redo") == ("Ctrl+Shift+Z", "Ctrl+Y")
    assert "Ctrl+B" not in keys("cvat", "next_keep")


def test_a_key_of_two_strokes_is_heard(editor: ShortcutEditor) -> None:
    studio = editor.studio
    editor.preset.setCurrentIndex(editor.preset.findData("cvat"))
    editor.preset.activated.emit(editor.preset.currentIndex())
    action = studio.actions.get("annotate.hide_all")
    assert [s.toString() for s in action.shortcuts()] == ["T, H"]
    assert action.shortcuts()[0].count() == 2
