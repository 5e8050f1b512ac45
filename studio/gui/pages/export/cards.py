"""The second step: cards of all targets, with the state of their tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QWidget,
)

from studio import registry
from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.gui.i18n import said, tr, translator
from studio.gui.pages.export.tooling import GROUPS, group_of, icon_of, tooling
from studio.gui.runner import Job
from studio.gui.theme import set_role
from studio.gui.widgets.basics import Sign, button, label, row, scrolled, tool_button
from studio.gui.widgets.parts import JobProgress, clear_layout, column
from studio.registry import Contribution, contributions

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

CARD_WIDTH = 300
MOST_COLUMNS = 4
TAKE = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class TargetCard(QFrame):
    """One device or format: what it is, what it needs, whether its tools are here.

    `install_asked` carries whether a folder of wheels is to be chosen.
    """

    chosen = Signal(str)
    taken = Signal()
    moved = Signal(object, int, int)
    install_asked = Signal(object, bool)
    cancel_asked = Signal(object)

    def __init__(self, target: Contribution) -> None:
        super().__init__()
        self.target = target
        self.tools = tooling(target)
        self.misfit = ""
        self.job: Job | None = None
        self.setProperty("role", "card")
        self.setProperty("selected", False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.sign = Sign("export", 20, "accent")
        self.title = label("", "title")
        self.mark = Sign("ok", 16, "ok")
        self.summary = label("", "muted", wrap=True)
        self.state = QLabel(wordWrap=True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.progress = JobProgress()
        layout = column(row(self.sign, self.title, None, self.mark), self.summary, None, self.state,
                        self.progress, self._buttons(), spacing=6)  # fmt: skip
        layout.setContentsMargins(14, 12, 14, 12)
        self.setLayout(layout)
        self.show_state()

    def _buttons(self) -> QWidget:
        self.install = button("Install its tools", lambda: self.install_asked.emit(self, False),
                              icon_name="download")  # fmt: skip
        self.wheels = tool_button("folder", "From a folder of wheels…",
                                  lambda: self.install_asked.emit(self, True))  # fmt: skip
        self.cancel = button("Cancel", lambda: self.cancel_asked.emit(self), role="danger")
        self.copy = button("Copy the command", self._copy, role="quiet", icon_name="copy")
        holder = QWidget()
        holder.setProperty("role", "clear")
        holder.setLayout(row(self.install, self.wheels, self.cancel, self.copy, None, spacing=4))
        self._holder = holder
        return holder

    @property
    def usable(self) -> bool:
        """Whether the model can go there now."""
        return self.tools.ready and not self.misfit

    def look_again(self) -> None:
        """Ask for the state of its tools again."""
        self.tools = tooling(self.target)
        self.show_state()

    def set_misfit(self, reason: str) -> None:
        """Why the chosen model cannot go there, in English; "" where it can."""
        if reason != self.misfit:
            self.misfit = reason
            self.show_state()

    def set_job(self, job: Job | None) -> None:
        """The installation that runs for it."""
        self.job = job
        self.show_state()

    def show_state(self) -> None:
        """Words, colours and buttons of the moment."""
        working = self.job is not None and not self.job.ended
        self.title.setText(tr(self.target.title))
        self.summary.setText(tr(self.target.summary))
        words, role, mark = self._words(working)
        self.state.setText(words)
        set_role(self.state, role)
        self.mark.show_icon(*mark)
        color = "accent" if self.usable else "muted"
        try:
            self.sign.show_icon(icon_of(self.target), color)
        except KeyError:
            self.sign.show_icon("export", color)
        missing = self.tools.worker is not None and not self.tools.ready
        self.progress.setVisible(working)
        if working and self.job is not None:
            self.progress.show_progress(*self.job.progress)
        self.cancel.setVisible(working)
        self.install.setVisible(missing and not working and not self.misfit)
        self.wheels.setVisible(missing and not working and not self.misfit)
        self.copy.setVisible(bool(self.tools.command) and not self.misfit)
        parts = (self.install, self.wheels, self.cancel, self.copy)
        self._holder.setVisible(any(not p.isHidden() for p in parts))
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if self.usable else Qt.CursorShape.ArrowCursor
        )
        self.setAccessibleName(tr(self.target.title))
        self.setAccessibleDescription(f"{tr(self.target.summary)} {words}")
        self._draw("off", not self.usable)

    def _words(self, working: bool) -> tuple[str, str, tuple[str, str]]:
        """What the state line says, its role, and the mark in the corner."""
        if self.misfit:
            return said(self.misfit), "muted", ("cancel", "muted")
        if working and self.job is not None:
            waits = self.job.state == "queued"
            text = tr("Waiting for another job to end") if waits else tr("Installing its tools")
            return text, "muted", ("queue", "accent")
        if self.tools.ready:
            return self.tools.words(), "success", ("ok", "ok")
        return self.tools.words(), "warning", ("download", "warning")

    def set_chosen(self, on: bool) -> None:
        """Draw the frame that says so."""
        self._draw("selected", on)

    def _draw(self, name: str, on: bool) -> None:
        if self.property(name) != on:
            self.setProperty(name, on)
            self.style().unpolish(self)
            self.style().polish(self)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.tools.command)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        if self.usable:
            self.chosen.emit(self.target.id)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        if self.usable:
            self.taken.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in TAKE:
            if self.usable:
                self.chosen.emit(self.target.id)
        elif event.key() in ARROWS:
            self.moved.emit(self, *ARROWS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


class TargetStep(QWidget):
    """Cards of all targets in their groups. `failed` carries a problem for the page."""

    changed = Signal()
    taken = Signal()
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.target: str = ""
        self.cards: list[TargetCard] = []
        self.jobs: dict[str, Job] = {}
        self._columns = 0
        self._misfits: Mapping[str, str] = {}
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(12)
        content = QWidget()
        content.setLayout(column(self._grid, None))
        self._area: QScrollArea = scrolled(content)
        layout = column(
            label("Where does it run?", "heading"),
            label("Each card says what the device needs and whether its tools are here.", "muted"),
            4,
            self._area,
        )
        layout.setContentsMargins(24, 20, 24, 16)
        self.setLayout(layout)
        studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._retext)
        self.refresh()

    def refresh(self) -> None:
        """Make the cards again, from the plugins known now."""
        clear_layout(self._grid)
        self._columns = 0
        order = list(GROUPS)
        self.cards = [
            TargetCard(t)
            for t in sorted(contributions("target"), key=lambda t: order.index(group_of(t)))
        ]
        for card in self.cards:
            card.chosen.connect(self.choose)
            card.taken.connect(self.taken)
            card.moved.connect(self._move)
            card.install_asked.connect(self._install_asked)
            card.cancel_asked.connect(self._cancel)
            card.set_job(self.jobs.get(card.target.worker))
            card.set_misfit(self._misfits.get(card.target.id, ""))
        self._headings = {
            group: label(GROUPS[group], "title")
            for group in GROUPS
            if any(group_of(c.target) == group for c in self.cards)
        }
        self._arrange()
        self._keep_choice()

    def look_again(self) -> None:
        """What was installed since, in a terminal or by another window, is usable at once."""
        if any(card.tools.state == "lacking" for card in self.cards):
            before = [(t.id, t.reason) for t in contributions("target")]
            registry.reload()
            if [(t.id, t.reason) for t in contributions("target")] != before:
                self.refresh()
                return
        for card in self.cards:
            card.look_again()
        self._keep_choice()

    def choose(self, target: str) -> None:
        """Take a target by its id."""
        self.target = target
        self._mark()
        self.changed.emit()

    def set_misfits(self, found: Mapping[str, str]) -> None:
        """Why the chosen model cannot go to a target, by its id; "" or nothing where it can."""
        for card in self.cards:
            card.set_misfit(found.get(card.target.id, ""))
        self._misfits = found
        self._keep_choice()

    def install(self, card: TargetCard, wheels: Path | None = None) -> None:
        """Install a card's tools, from the network or from a folder of wheels."""
        worker = card.tools.worker
        if worker is None or worker.name in self.jobs:
            return
        options = {"name": worker.name, **({"wheels": str(wheels)} if wheels else {})}
        title = tr("Install {name}", name=tr(worker.title))
        try:
            job = self.studio.runner.start(JobSpec("tools", options), title=title)
        except StudioError as error:
            self.failed.emit(error)
            return
        self.jobs[worker.name] = job
        job.changed.connect(self._show_jobs)
        self._show_jobs()

    def _install_asked(self, card: TargetCard, from_wheels: bool) -> None:
        wheels: Path | None = None
        if from_wheels:
            chosen = QFileDialog.getExistingDirectory(
                self, tr("Folder of wheels"), str(Path.home())
            )
            if not chosen:
                return
            wheels = Path(chosen)
        self.install(card, wheels)

    def _cancel(self, card: TargetCard) -> None:
        job = self.jobs.get(card.target.worker)
        if job is not None:
            job.cancel()

    def _job_changed(self, job: Job) -> None:
        if job.spec.job != "tools":
            return
        name = str(job.spec.options.get("name", ""))
        if job.ended:
            mine = self.jobs.get(name) is job
            if mine:
                del self.jobs[name]
            if mine and job.problem is not None and job.state != "cancelled":
                self.failed.emit(job.problem)
        self._show_jobs()
        self.look_again()

    def _show_jobs(self) -> None:
        for card in self.cards:
            card.set_job(self.jobs.get(card.target.worker))

    def _keep_choice(self) -> None:
        usable = [c.target.id for c in self.cards if c.usable]
        before = self.target
        if self.target not in usable:
            self.target = usable[0] if len(usable) == 1 else ""
        self._mark()
        if before != self.target:
            self.changed.emit()

    def _mark(self) -> None:
        for card in self.cards:
            card.set_chosen(card.target.id == self.target)

    def _retext(self) -> None:
        for card in self.cards:
            card.show_state()

    def _move(self, card: TargetCard, across: int, down: int) -> None:
        """The Tab key goes through everything; the arrows from card to card."""
        if across:
            place = self.cards.index(card) + across
        else:
            here = card.geometry().center()
            others = [
                c
                for c in self.cards
                if (c.geometry().center().y() - here.y()) * down > c.height() / 2
            ]
            if not others:
                return
            place = self.cards.index(
                min(
                    others,
                    key=lambda c: (
                        abs(c.geometry().center().y() - here.y()),
                        abs(c.geometry().center().x() - here.x()),
                    ),
                )
            )
        if 0 <= place < len(self.cards):
            self.cards[place].setFocus(Qt.FocusReason.TabFocusReason)
            self._area.ensureWidgetVisible(self.cards[place])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, min(MOST_COLUMNS, (self.width() - 48) // CARD_WIDTH))
        if columns == self._columns:
            return
        self._columns = columns
        line = 0
        for group, heading in self._headings.items():
            self._grid.addWidget(heading, line, 0, 1, MOST_COLUMNS)
            line += 1
            mine = [c for c in self.cards if group_of(c.target) == group]
            for number, card in enumerate(mine):
                self._grid.addWidget(card, line + number // columns, number % columns)
            line += (len(mine) + columns - 1) // columns
        for each in range(MOST_COLUMNS):
            self._grid.setColumnStretch(each, 1 if each < columns else 0)
