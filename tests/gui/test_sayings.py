"""What goes wrong is said in the person's language, with its values."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from studio.core.errors import DataError, Problem, StudioError
from studio.gui.banner import Banner
from studio.gui.i18n import said, translator
from studio.gui.main_window import MainWindow
from studio.gui.sayings import Sayings
from studio.gui.widgets.problem_list import ProblemList
from studio.io.skeletons import load_skeleton

TABLE = {
    "Data": "DATA",
    "Check the path.": "PATH。",
    "{0} finds {1} joints, the labels have {2}.": "L {2} M {1} {0}。",
    "The training cannot go on: {0}": "STOP: {0}",
    "Class {0} is none of {1}.": "K {0} / {1}。",
    "Line {0} holds {1}, which is no number": "Z {0} {1}",
    "{0} shapes": "S {0}",
    "{0} got {1}, which is not {2}.": "{0} {1} ≠ {2}。",
    "a whole number": "INT",
    'It is {"v": {0}}.': 'W {"v": {0}}。',
    "{0}: {1}": "never",
    "The data cannot be read: {0}.": "R {0}。",
    "{0} cannot be read: {1}.": "{0} ? {1}。",
    "Person {0}: {1}.": "P {0} {1}。",
    "its box is odd.": "BOX。",
    " The rest is said.": " REST。",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.pt finds 17 joints, the labels have 5.", "L 5 M 17 a.pt。"),
        ("Check the path.", "PATH。"),
        ("a finds 1 joints, the labels have 2. Check the path.", "L 2 M 1 a。PATH。"),
        ("The training cannot go on: Class 3 is none of a, b.", "STOP: K 3 / a, b。"),
        ("Class 3 shapes is none of a.b, c.", "K S 3 / a.b, c。"),
        ("Line 2 holds x, which is no number.", "Z 2 x。"),
        ("--size got 'x', which is not a whole number.", "--size 'x' ≠ INT。"),
        ('It is {"v": {0}}.', 'W {"v": {0}}。'),
        ("Person 2: its box is odd.", "P 2 BOX。"),
        ("[a.b: Check the path.] [c: New. Check the path.]", "[a.b: PATH。] [c: New. PATH。]"),
        ("Something. The rest is said.", "Something. REST。"),
        ("a.json: The data cannot be read: x.", "a.json: R x。"),
        ("b cannot be read: x.", "b ? x。"),
        ("walk.mp4: Check the path.", "walk.mp4: PATH。"),
        ("Something new. Check the path.", "Something new. PATH。"),
        ("One\nCheck the path.", "One\nPATH。"),
        # Names that a person gave are not translated, though a button is called so.
        ("Class Data is none of Data.", "K Data / Data。"),
        ("The file: Data", "The file: Data"),
        ("The folder holds 3 shapes", "The folder holds 3 shapes"),
        # What a value looks like is not filled in again.
        ("Class {1} is none of {0}.", "K {1} / {0}。"),
        ("", ""),
    ],
)
def test_a_text_is_known_by_its_form(text: str, expected: str) -> None:
    assert Sayings(TABLE).say(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a finds " * 600,
        " joints, the labels have " * 150 + ".",
        "{0} got " * 400,
        "x. " * 1300,
        ": " * 1900,
        "Person 1: its box. " * 200,
        "Person 1: its box is odd. " * 12,
        "Person 1: " * 300 + ".",
        "[Person 1: x. " * 11 + "]",
        "Class . is none of " * 200,
        "\n" * 3999,
        "Class " + "x" * 1_000_000 + " is none of a.",
    ],
)
def test_a_text_made_to_be_slow_is_no_trouble(text: str) -> None:
    """Each takes milliseconds; a search that grows faster than its text would not come back."""
    said_text = Sayings(TABLE).say(text)
    assert said_text
    assert len(said_text) >= len(text) // 2, "nothing of it is lost"


def test_english_stays(qapp: QApplication) -> None:
    assert said("Check the path.") == "Check the path."


def test_an_error_is_said_in_the_windows_language(window: MainWindow, tmp_path: Path) -> None:
    """A real error of a real file, in the banner that stands while the language changes."""
    path = tmp_path / "odd.toml"
    path.write_text("name = [", encoding="utf-8")
    with pytest.raises(StudioError) as caught:
        load_skeleton(path)
    english = caught.value.message
    window.show_problem(caught.value)
    banner = next(b for b in window.findChildren(Banner) if not b.isHidden())
    assert banner.message.text() == english
    translator.set_language("ja")
    shown = banner.message.text()
    assert shown != english
    assert "TOML" in shown
    # The reason that the TOML reader gives is a value: it is there as it was.
    assert english.split(": ", 1)[1].rstrip(".") in shown
    assert str(path) in banner.hint.text()
    translator.set_language("en")
    assert banner.message.text() == english


def test_values_are_in_the_translated_message(window: MainWindow) -> None:
    translator.set_language("ja")
    error = DataError(
        "The model finds 17 joints, the labels have 5.",
        hint="Choose a dataset with the skeleton that the model was trained on.",
    )
    window.show_problem(error)
    banner = next(b for b in window.findChildren(Banner) if not b.isHidden())
    shown = banner.message.text() + banner.hint.text()
    assert "17" in shown
    assert "5" in shown
    assert "joints" not in shown
    assert "dataset" not in shown


def test_a_list_of_problems_is_said_again(qapp: QApplication) -> None:
    problems = ProblemList()
    problems.set_problems([Problem('The split "val" holds no pictures.', where="/a/set.json")])
    english = problems.list.item(0).text()
    assert english == 'set.json — The split "val" holds no pictures.'
    translator.set_language("zh_CN")
    shown = problems.list.item(0).text()
    assert shown.startswith("set.json — ")
    assert "val" in shown
    assert "pictures" not in shown
    translator.set_language("en")
    assert problems.list.item(0).text() == english
