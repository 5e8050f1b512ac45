"""Every error, finding and rule that the program can word is there in Japanese and in Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.gui.i18n import LANGUAGES, load_translations
from studio.gui.sayings import PLACEHOLDER, Sayings, form_of
from tests.message_texts import ROOT, Reader, message_texts

OTHER_LANGUAGES = [code for code in LANGUAGES if code != "en"]

SOURCE = '''
from studio.core.errors import DataError, Problem
from studio.core.options import Rule

class OddError(DataError):
    """Of its own kind."""

WHY = {"a": "It is odd.", "b": "It is even."}
RULE = Rule("epochs", "--epochs is odd.", bool)

def check(count, name, kind, found):
    text = f"{count} of {name} frames are {', '.join(found)}."
    found.append(Problem(text, "", None, "Look again." if count else ""))
    _warn(found, f"Line {count}" + (" is short" if name else " is long") + ".")
    raise OddError(WHY.get(kind), hint=_hint(name))

def _hint(name):
    if not name:
        return "Give a name."
    return f"Leave {name} out{', or try again' if name else ''}."

def _warn(found, text):
    found.append(Problem(text))
'''


def test_texts_are_found_where_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SOURCE, encoding="utf-8")
    errors = ROOT / "studio" / "core" / "errors.py"
    found = Reader({"sample": path, "studio.core.errors": errors}).found
    assert {text for text, paths in found.items() if path in paths} == {
        "It is odd.",
        "It is even.",
        "--epochs is odd.",
        "{0} of {1} frames are {2}.",
        "Look again.",
        "Line {0} is short.",
        "Line {0} is long.",
        "Give a name.",
        "Leave {0} out.",
        "Leave {0} out, or try again.",
    }


def test_the_programs_own_texts_are_found() -> None:
    found = message_texts()
    for text in (
        "{0} must be at least {1}.",
        "--batch 0 is not a size; -1 finds one by itself.",
        "No permission to write this.",
        "There are no masks: no regions are drawn.",
        "{0} not labelled; left out.",
        "The model finds {0} joints, the labels have {1}.",
    ):
        assert text in found


def _places(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_translations_have_the_same_places(language: str) -> None:
    wrong = [
        (text, translation)
        for text, translation in load_translations(language).items()
        if _places(text) != _places(translation)
    ]
    assert not wrong


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_a_text_is_not_taken_for_another(language: str) -> None:
    """Each, with values in, is said by its own translation."""
    table = load_translations(language)
    sayings = Sayings(table)
    wrong: list[str] = []
    for text in message_texts():
        form = form_of(text, table.get(text, ""))
        if text not in table or (form is not None and form.is_part):
            continue
        filled = PLACEHOLDER.sub(r"<\1>", text)
        if sayings.say(filled) != PLACEHOLDER.sub(r"<\1>", table[text]):
            wrong.append(f"{text!r}: {sayings.say(filled)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    table = load_translations(language)
    missing = [
        f"{path.relative_to(ROOT)}: {text!r}"
        for text, paths in sorted(message_texts().items())
        for path in sorted(paths)[:1]
        if text not in table
    ]
    assert not missing, f"{len(missing)} texts without {language}:\n" + "\n".join(missing)
