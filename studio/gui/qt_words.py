"""Qt's own words (menus of text fields, buttons of message boxes) in the language of the moment.

Qt brings the translations along; where an installation left them out, its words stay English.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator


class QtWords:
    """Holds Qt's translation that is in use."""

    def __init__(self) -> None:
        self._words: QTranslator | None = None

    def speak(self, language: str) -> None:
        """Use Qt's words of `language` ("en": its own); nothing without an application."""
        app = QCoreApplication.instance()
        if app is None:
            return
        if self._words is not None:
            app.removeTranslator(self._words)
            self._words = None
        words = QTranslator()
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if language != "en" and words.load(f"qtbase_{language}", folder):
            app.installTranslator(words)
            self._words = words
