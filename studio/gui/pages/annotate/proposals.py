"""People that a model proposed: the bar above the picture, and what its keys do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from studio.core import prelabels
from studio.core.edits import Edit
from studio.core.prelabels import Proposal, proposals_of
from studio.gui.background import Background
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.widgets.basics import ElidedLabel, button, number_field, tool_button

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.io.picture_index import PictureEntry
    from studio.io.project import Project


class Proposals(QObject):
    """Accepts and rejects for the page; a person whose joints were corrected stays a proposal
    until it is accepted, or the picture is marked reviewed.
    """

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._document = page.document
        self._search = Background(self)
        self.bar = ProposalBar(self)
        page.editor.scene_changed.connect(self.refresh)
        translator.language_changed.connect(self.refresh)

    @property
    def here(self) -> tuple[Proposal, ...]:
        """The proposals of the picture in hand, the most doubtful first."""
        return proposals_of(self._document.content)

    @property
    def threshold(self) -> float:
        """Accept all at or above this score."""
        return self.bar.score.value()

    def chosen(self) -> tuple[Proposal, ...]:
        """Those that are selected; the person in hand; else the most doubtful one."""
        here = self.here
        selected = set(self._document.selection)
        picked = tuple(p for p in here if selected & set(p.shapes))
        if picked or not here:
            return picked
        person = self._page.editor.person
        return tuple(p for p in here if p.group_id is not None and p.group_id == person) or here[:1]

    def accept(self) -> None:
        """The chosen people are right as they stand."""
        self._settle(prelabels.accept(self._document.content, self.chosen()))

    def reject(self) -> None:
        """The chosen people are none."""
        self._settle(prelabels.reject(self._document.content, self.chosen()))

    def accept_above(self) -> None:
        """Accept everybody whose score is at least the one in the bar."""
        sure = [p for p in self.here if p.score >= self.threshold]
        if not sure:
            self._page.editor.said.emit(tr("No proposal here has such a score."))
            return
        self._settle(prelabels.accept(self._document.content, sure))

    def _settle(self, edit: Edit) -> None:
        if edit.is_empty:
            self._page.editor.said.emit(tr("Nothing is proposed here."))
            return
        if self._document.apply(edit):
            self.show_next()

    def show_next(self) -> None:
        """Select the most doubtful proposal left on this picture."""
        here = self.here
        if here:
            self._document.select(here[0].shapes)
            self._page.show_selection()
        else:
            self._document.select(())
            self._page.editor.said.emit(tr("All proposals of this picture are settled."))

    # over the pictures

    def next_doubtful(self) -> None:
        """Open the picture whose least certain proposal is the least certain of all."""
        project = self._page.studio.project
        if project is None or self._search.busy:
            return
        here = self._document.picture
        self._document.save()
        self._search.start(
            lambda: _most_doubtful(project, here), self._open, self._page.show_problem
        )

    def _open(self, picture: Path | None) -> None:
        if picture is not None:
            self._page.open_picture(picture)
        if self.here:
            self.show_next()
        elif picture is None:
            self._page.editor.said.emit(tr("No picture has proposals left."))

    def refresh(self) -> None:
        """Show the bar where there is something to settle."""
        self.bar.show_proposals(self.here if self._document.editable else ())


class ProposalBar(QFrame):
    """How many people are proposed here, and the buttons to settle them."""

    def __init__(self, owner: Proposals) -> None:
        super().__init__()
        self.setProperty("role", "banner-info")
        sign = QLabel()
        sign.setPixmap(icon("robot-outline", "accent").pixmap(18, 18))
        self.text = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.accept = button("Accept", owner.accept, role="primary", icon_name="ok")
        self.reject = button("Reject", owner.reject, icon_name="close")
        self.accept_all = button("Accept all from", owner.accept_above)
        self.score = number_field()
        self.score.setRange(0.0, 1.0)
        self.score.setSingleStep(0.05)
        self.score.setDecimals(2)
        self.score.setValue(0.7)
        bind_text(self.score.setAccessibleName, "Lowest score that is accepted")
        bind_text(self.score.setToolTip, "Lowest score that is accepted")
        self.next = tool_button("next", "Next doubtful picture", owner.next_doubtful)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(sign)
        row.addWidget(self.text, 1)
        row.addWidget(self.accept)
        row.addWidget(self.reject)
        row.addSpacing(8)
        row.addWidget(self.accept_all)
        row.addWidget(self.score)
        row.addSpacing(8)
        row.addWidget(self.next)
        self.hide()

    def show_proposals(self, here: tuple[Proposal, ...]) -> None:
        """Nothing to settle: the bar is gone."""
        self.setVisible(bool(here))
        if here:
            self.text.setText(
                tr(
                    "{count} proposed, lowest {score}",
                    count=len(here),
                    score=f"{here[0].score:.2f}",
                )
            )
            self.text.setToolTip(tr("Proposed by {model}", model=here[0].source))


def _most_doubtful(project: Project, here: Path | None) -> Path | None:
    index = project.index
    rows = [row for row in index.query("proposals>0") if index.picture(row) != here]

    def doubt(row: PictureEntry) -> float:
        return 0.0 if row.score is None else row.score

    return index.picture(min(rows, key=doubt)) if rows else None
