"""Lines above the canvas that wait for an answer: a file changed outside, edits to restore."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui.i18n import bind_told, said, tr
from studio.gui.icons import icon
from studio.io.journal import Recovery

# Pictures listed one by one; the rest is dealt with by the buttons for all.
ROWS = 4

Answer = tuple[str, Callable[[], object], str]


class Notice(QFrame):
    """A message with buttons; each is (text, what it does, its role)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner-warning")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 8, 12, 8)
        self._column.setSpacing(4)
        self.hide()

    def ask(self, message: str, hint: str, answers: Sequence[Answer]) -> None:
        """Show the question; an answer closes it."""
        self.clear()
        self._add_row(message, hint, answers, closes=True)
        self.show()

    def clear(self) -> None:
        """Nothing to answer any more."""
        self.hide()
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _add_row(self, message: str, hint: str, answers: Sequence[Answer], *, closes: bool) -> None:
        line = QWidget()
        line.setProperty("role", "clear")
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        if closes:
            sign = QLabel()
            sign.setPixmap(icon("warning", "warning").pixmap(18, 18))
            row.addWidget(sign)
        texts = QVBoxLayout() if closes else QHBoxLayout()
        texts.setSpacing(0 if closes else 12)
        if not closes:
            # Below the text of the question, not below its sign.
            row.addSpacing(26)
        for text, role in ((message, "title" if closes else ""), (hint, "hint")):
            if text:
                label = QLabel()
                bind_told(label.setText, text)
                label.setWordWrap(closes)
                label.setProperty("role", role)
                texts.addWidget(label)
        if not closes:
            texts.addStretch(1)
        row.addLayout(texts, 1)
        for text, act, role in answers:
            button = QPushButton()
            bind_told(button.setText, text)
            button.setProperty("role", role)
            button.clicked.connect(lambda _on=False, a=act: self._answer(a, closes=closes))
            row.addWidget(button)
        self._column.addWidget(line)

    def _answer(self, act: Callable[[], object], *, closes: bool) -> None:
        if closes:
            self.clear()
        act()


class RecoveryNotice(Notice):
    """Offers the unsaved edits that a killed window left, picture by picture."""

    def offer(
        self,
        found: Sequence[Recovery],
        restore: Callable[[Sequence[Recovery]], object],
        discard: Callable[[Sequence[Recovery]], object],
    ) -> None:
        """List `found`; nothing is done until a button says so."""
        self.clear()
        if not found:
            return
        everything = list(found)
        self._add_row(
            tr("Edits that were not saved have been found."),
            tr("The studio ended before they were saved. Restore them, or let them go."),
            [
                (tr("Restore all"), lambda: restore(everything), "primary"),
                (tr("Discard all"), lambda: discard(everything), ""),
            ],
            closes=True,
        )
        for recovery in everything[:ROWS]:
            one = [recovery]
            answers: list[Answer] = [(tr("Discard"), lambda o=one: discard(o), "quiet")]
            count = len(recovery.edits)
            hint = tr("{count} edits", count=count) if count != 1 else tr("1 edit")
            if recovery.problem is None:
                answers.insert(0, (tr("Restore"), lambda o=one: restore(o), ""))
            else:
                hint = said(recovery.problem.message)
            self._add_row(recovery.picture.name, hint, answers, closes=False)
        if len(everything) > ROWS:
            self._add_row(
                tr("and {count} more pictures", count=len(everything) - ROWS), "", [], closes=False
            )
        self.show()
