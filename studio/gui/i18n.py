"""Words in three languages, switched without a restart.

The English text is the key. `tr` gives the text of the moment; `bind_text` sets a widget's text
now and again on every change of language; `said` gives what an error or a finding says. What `tr`
and `said` give remembers how it was made: `bind_told` keeps a widget's text in step with the
language where somebody else worded it. Translations stand in
`resources/translations/<language>/*.json`, flat tables of English source to translation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PySide6.QtCore import QLocale, QObject, Signal
from shiboken6 import isValid

from studio import RESOURCES
from studio.core.errors import FormatError
from studio.gui.qt_words import QtWords
from studio.gui.sayings import Sayings

LANGUAGES = {"en": "English", "ja": "日本語", "zh_CN": "简体中文"}
TRANSLATIONS = RESOURCES / "translations"


def load_translations(language: str, folder: Path = TRANSLATIONS) -> dict[str, str]:
    """All of one language's tables, joined. Raises FormatError for a file that is none."""
    table: dict[str, str] = {}
    for path in sorted((folder / language).glob("*.json")):
        try:
            table.update(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise FormatError(f"A translation cannot be read: {error}.", where=path) from error
    return table


def system_language() -> str:
    """The first of the person's own languages that the studio speaks."""
    for tag in QLocale.system().uiLanguages():
        name = tag.replace("_", "-").lower()
        if name.startswith("ja"):
            return "ja"
        if name.startswith("zh"):
            return "zh_CN"
        if name.startswith("en"):
            return "en"
    return "en"


class Told(str):
    """A text of the moment's language; `again` words it anew in that of another moment."""

    __slots__ = ("again",)
    again: Callable[[], str]


def told(say: Callable[[], str]) -> str:
    """What `say` gives now, as a text that can be said again."""
    text = Told(say())
    text.again = say
    return text


class Translator(QObject):
    """Holds the language of the moment and every text that must follow it."""

    language_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.language = "en"
        self.choice = "en"
        self._table: dict[str, str] = {}
        self._sayings = Sayings({})
        self._qt = QtWords()
        self._bound: WeakKeyDictionary[QObject, dict[str, Callable[[], str]]] = WeakKeyDictionary()

    def set_language(self, choice: str) -> None:
        """`choice` is "en", "ja", "zh_CN" or "system"; every bound text follows at once."""
        language = system_language() if choice == "system" else choice
        if language not in LANGUAGES:
            language = "en"
        self.choice = choice
        if language == self.language:
            return
        self._table = {} if language == "en" else load_translations(language)
        self._sayings = Sayings(self._table)
        self.language = language
        self._qt.speak(language)
        self.retranslate()
        self.language_changed.emit(language)

    def text(self, source: str, **values: Any) -> str:
        """`source` in the language of the moment, its `{names}` filled; callables are called."""
        text = self._table.get(source, source)
        if not values:
            return text
        return text.format(**{k: _now(v) for k, v in values.items()})

    def said(self, text: str) -> str:
        """A message that holds its values already, in the language of the moment."""
        return text if self.language == "en" else self._sayings.say(text)

    def bind(self, setter: Callable[[str], Any], source: str, **values: Any) -> None:
        """Call `setter`, a bound method of a QObject, now and on every change of language."""
        self.bind_told(setter, told(partial(self.text, source, **values)))

    def bind_told(self, setter: Callable[[str], Any], text: str) -> None:
        """The same with a text that is worded already; one that is nobody's words stays."""
        owner: QObject = setter.__self__  # type: ignore[attr-defined]
        name: str = setter.__name__  # type: ignore[attr-defined]
        if isinstance(text, Told):
            self._bound.setdefault(owner, {})[name] = text.again
        else:
            self.unbind(setter)
        setter(text)

    def unbind(self, setter: Callable[[str], Any]) -> None:
        """The widget's text is its own again."""
        owner: QObject = setter.__self__  # type: ignore[attr-defined]
        self._bound.get(owner, {}).pop(setter.__name__, None)  # type: ignore[attr-defined]

    def retranslate(self) -> None:
        """Set every bound text again."""
        for owner, texts in list(self._bound.items()):
            if not isValid(owner):
                continue
            for name, say in texts.items():
                getattr(owner, name)(say())


def _now(value: Any) -> Any:
    """A value of a text: what a callable gives, a text in the language of the moment."""
    if isinstance(value, Told):
        return value.again()
    return value() if callable(value) else value


translator = Translator()


def tr(source: str, **values: Any) -> str:
    """`source` in the language of the moment; `{name}` in it is filled from `values`."""
    return told(partial(translator.text, source, **values))


def said(text: str) -> str:
    """What an error, a problem or a rule says (`message`, `hint`), in the language of the moment.

    These are worded in English with their values in; what no catalogue knows stays as it is.
    """
    return text if isinstance(text, Told) else told(partial(translator.said, text))


def joined(parts: Sequence[str], between: str = " ") -> str:
    """Texts in a row, which can be said again as each of them can."""
    kept = [part for part in parts if part]
    return told(lambda: between.join(_now(part) for part in kept))


def bind_text(setter: Callable[[str], Any], source: str, **values: Any) -> None:
    """`bind_text(button.setText, "Start")`: set it now and on every change of language.

    The widget is held weakly. A value may be a callable, which is asked each time.
    """
    translator.bind(setter, source, **values)


def bind_told(setter: Callable[[str], Any], text: str) -> None:
    """Set a text that `tr` or `said` gave, and keep it in step with the language."""
    translator.bind_told(setter, text)


def unbind_text(setter: Callable[[str], Any]) -> None:
    """Take back a `bind_text`, before setting a text that is not to be translated."""
    translator.unbind(setter)
