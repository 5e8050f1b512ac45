"""Pre-labelling from the page: which model, which pictures; the job, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QButtonGroup, QDialog, QRadioButton, QVBoxLayout

from studio.core.annotation import AnnotatedImage, instances_of
from studio.core.errors import StudioError, UsageError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.core.prelabels import proposals_of, without_proposals
from studio.core.requests.prelabel import PrelabelOptions
from studio.core.skeleton import Skeleton
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, tr
from studio.gui.pages.annotate.many import Outcome
from studio.gui.runner import OK, Job
from studio.gui.suggestions import suggestions
from studio.gui.widgets.basics import button, label, row, scrolled
from studio.io.proposals import PictureProposals, read_proposals
from studio.vision.proposals import propose

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

KEPT = "annotate/prelabel"
THIS, FILTERED, ALL = range(3)
TITLE = N_("Pre-label")


class PrelabelDialog(QDialog):
    """Which model looks at which pictures. `accepted` when it shall start."""

    def __init__(self, page: AnnotatePage, values: dict[str, Any]) -> None:
        super().__init__(page)
        bind_text(self.setWindowTitle, TITLE)
        self.resize(560, 560)
        known = suggestions(page.studio)
        if not values.get("model"):
            first = next(iter(known["model"]()), None)
            values = {**values, "model": first.value if first is not None else ""}
        self.form = OptionsForm(
            PrelabelOptions,
            values,
            suggestions={"model": known["model"], "skeleton": known["skeleton"]},
            skip=("source", "filter", "write"),
        )
        self.pictures = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(12)
        column.addWidget(label("Let a model propose people", "heading"))
        column.addWidget(
            label(
                "What it proposes waits in the pictures until you accept, correct or reject it. "
                "People that are there already stay as they are.",
                "muted",
                wrap=True,
            )
        )
        choices = (
            (THIS, N_("This picture")),
            (FILTERED, N_("The pictures that the filter shows")),
            (ALL, N_("All pictures")),
        )
        for number, title in choices:
            choice = QRadioButton()
            bind_text(choice.setText, title)
            self.pictures.addButton(choice, number)
            column.addWidget(choice)
        filtered = bool(page.library.filter.strip())
        self.pictures.button(FILTERED).setVisible(filtered)
        self.pictures.button(FILTERED if filtered else ALL).setChecked(True)
        column.addWidget(scrolled(self.form), 1)
        self.start = button("Start", self._start, role="primary", icon_name="play")
        column.addLayout(row(None, button("Cancel", self.reject), self.start))

    def _start(self) -> None:
        try:
            self.form.options()
        except UsageError:
            self.form.focus_problem()
            return
        self.accept()


class Prelabel(QObject):
    """Starts the job and puts what it proposes into the pictures, in one step."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._read = Background(self)
        self.job: Job | None = None
        self.dialog: PrelabelDialog | None = None

    def this_picture(self) -> None:
        """Ask the model used last about the picture in hand; without one, ask which."""
        values = self._page.studio.settings.get(KEPT, {})
        if not values.get("model") or not Path(str(values["model"])).exists():
            self.ask(THIS)
            return
        self.start(values, THIS)

    def ask(self, pictures: int | None = None) -> None:
        """Ask which model and which pictures."""
        if self._page.studio.project is None:
            return
        dialog = PrelabelDialog(self._page, self._page.studio.settings.get(KEPT, {}))
        if pictures is not None:
            dialog.pictures.button(pictures).setChecked(True)
        dialog.accepted.connect(lambda: self._chosen(dialog))
        dialog.finished.connect(lambda _code: dialog.deleteLater())
        self.dialog = dialog
        dialog.open()

    def _chosen(self, dialog: PrelabelDialog) -> None:
        values = dialog.form.options().to_mapping()
        self._page.studio.settings.set(KEPT, values)
        self.start(values, dialog.pictures.checkedId())

    def start(self, values: dict[str, Any], pictures: int) -> None:
        """Start the job with option values over THIS, FILTERED or ALL pictures."""
        page = self._page
        if self.job is not None and not self.job.ended:
            page.editor.said.emit(tr("A pre-labelling runs already."))
            return
        asked = {k: v for k, v in values.items() if k not in ("source", "filter")}
        asked |= {"write": False, "skeleton": page.editor.skeleton.name}
        if pictures == THIS:
            if page.document.picture is None:
                return
            # Asked for by name: people that are there stay, the others are proposed.
            asked |= {"source": str(page.document.picture), "only_empty": False}
        elif pictures == FILTERED:
            asked["filter"] = page.library.filter
        try:
            page.document.save_all()
            PrelabelOptions.from_mapping(asked).validated()
            job = page.studio.runner.start(JobSpec("prelabel", asked), title=tr(TITLE))
        except StudioError as problem:
            page.show_problem(problem)
            return
        self.job = job
        job.state_changed.connect(lambda _state: self._ended(job, asked))
        page.editor.said.emit(tr("The model is looking…"))

    def _ended(self, job: Job, asked: dict[str, Any]) -> None:
        if not job.ended or job is not self.job:
            return
        if job.state != OK:
            if job.problem is not None:
                self._page.show_problem(job.problem)
            return
        path = Path(str(job.result.get("proposals", "")))
        skeleton = self._page.editor.skeleton
        self._read.start(
            lambda: list(read_proposals(path, skeleton)),
            lambda found: self._apply(found, asked, skeleton),
            self._page.show_problem,
        )

    def _apply(
        self, found: list[PictureProposals], asked: dict[str, Any], skeleton: Skeleton
    ) -> None:
        by_picture = {item.picture: item.people for item in found}
        overlap = float(asked.get("overlap", 0.5))
        only_empty = bool(asked.get("only_empty", True))

        def change(picture: Path, image: AnnotatedImage) -> AnnotatedImage | None:
            # Looked at again: people may have been accepted while the model looked.
            if only_empty and instances_of(without_proposals(image), skeleton):
                return None
            return propose(image, by_picture[picture], skeleton, overlap=overlap).image

        if not by_picture:
            self._page.editor.said.emit(tr("The model proposes nobody new."))
            return
        self._page.assist.many.start(TITLE, list(by_picture), change, self._done)

    def _done(self, outcome: Outcome) -> None:
        page = self._page
        for problem in outcome.problems[:1]:
            page.show_problem(problem)
        if page.document.picture in outcome.changed and proposals_of(page.document.content):
            page.assist.proposals.show_next()
        if outcome.changed and not outcome.problems:
            page.banner.show_message(
                tr("People are proposed on {count} pictures.", count=len(outcome.changed)),
                kind="success",
                hint=tr(
                    "Go through them with Next doubtful picture; the least certain comes first."
                ),
            )
        elif not outcome.changed:
            page.editor.said.emit(tr("The model proposes nobody new."))
