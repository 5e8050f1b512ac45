"""A new head-pose set: which folder, how heads are found, a look at some of them, the conversion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QSlider, QVBoxLayout, QWidget

from studio.core.errors import StudioError, UsageError
from studio.core.job import JobSpec
from studio.core.requests.convert_heads import HEADPOSE, SOURCES, ConvertHeadsOptions
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.pages.datasets.looking import Looked, Seen, look, see
from studio.gui.runner import Job
from studio.gui.suggestions import suggestions
from studio.gui.widgets.basics import button, label
from studio.gui.widgets.figures import Figure as Person
from studio.gui.widgets.layouts import form_above_footer
from studio.gui.widgets.parts import JobProgress, column, framed, row, tab_through
from studio.gui.widgets.people_view import PeopleView
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

JOB = "convert-heads"
# What the page decides itself, or shows in its own way.
OWN_FIELDS = ("input", "output", "to", "name")


class NewHeads(QWidget):
    """`made` carries the job whose set is ready."""

    made = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.job: Job | None = None
        self.looked: Looked | None = None
        self.seen: Seen | None = None
        self._wrong: StudioError | None = None
        self._looker, self._seer = Background(self), Background(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(300)
        self._soon.timeout.connect(self.look)
        self._make_fields()
        footer = row(None, self.cancel, self.convert)
        self.setLayout(form_above_footer(self._body(), self.progress, footer))
        tab_through(self.source, self._folder, self.name, self.number, self.form)
        tab_through(self.cancel, self.convert)
        translator.language_changed.connect(self._show_found)
        self._show_found()

    def _make_fields(self) -> None:
        self.source = QLineEdit()
        bind_text(self.source.setAccessibleName, "Folder of heads")
        self.source.textChanged.connect(self._changed)
        self.name = QLineEdit()
        bind_text(self.name.setAccessibleName, "Dataset name")
        self.name.textChanged.connect(self._state)
        self.what = label("", "muted", wrap=True)
        self.view = PeopleView()
        self.view.setMinimumHeight(280)
        self.number = QSlider(Qt.Orientation.Horizontal)
        bind_text(self.number.setAccessibleName, "Which head is shown")
        self.number.valueChanged.connect(lambda _value: self._see())
        self.facts = label("", "hint", wrap=True)
        self.form = OptionsForm(
            job_entry(JOB).options_class(), suggestions=suggestions(self.studio), skip=OWN_FIELDS
        )
        self.form.changed.connect(self._changed)
        self.progress = JobProgress()
        self.progress.hide()
        self.convert = button("Convert", self.start, role="primary", icon_name="play")
        self.cancel = button("Cancel", self._cancel, role="danger")
        self.cancel.hide()

    def _body(self) -> QVBoxLayout:
        self._folder = button("Folder…", self._choose_folder, icon_name="folder")
        self.preview = framed("card", column(self.view, row(self.number), self.facts), 8)
        body = column(
            label("New head-pose set", "heading"),
            label("300W-LP, AFLW2000, BIWI, motion captures, or pictures on which heads were turned "
                  "in Annotate, become cropped heads with their rotation.", "muted", wrap=True),
            8,
            label("Folder of heads"),
            row(self.source, self._folder),
            self.what,
            8,
            label("Name"),
            self.name,
            8,
            self.preview,
            12,
            self.form,
            None,
            spacing=4,
        )  # fmt: skip
        body.setContentsMargins(24, 20, 24, 16)
        return body

    def set_project(self, project: Project | None) -> None:
        """Another project: nothing is chosen yet."""
        self.source.clear()
        self.name.clear()
        if project is not None:
            root = Path(project.folder)
            self.name.setText(project_items.free_name(root / "datasets", "heads"))
        self.form.refresh_suggestions()
        self._state()

    def set_source(self, path: Path) -> None:
        """Convert this folder."""
        self.source.setText(str(path))
        self.look()

    def set_existing(self, item: project_items.DatasetItem) -> None:
        """Fill in what a set was made from, to convert it again."""
        self.name.setText(item.folder.name)
        data = item.data
        self.form.set_values({k: data[k] for k in ("seed", "ratio") if data.get(k) is not None})
        sources = data.get("sources")
        if isinstance(sources, list) and sources:
            self.set_source(Path(str(sources[0])))

    def options(self) -> ConvertHeadsOptions:
        """The conversion as it stands in the form. Raises UsageError."""
        project = self._project()
        if project is None:
            raise UsageError("No project is open.", hint="Open a folder of pictures first.")
        values = {
            **self.form.values(),
            "input": [str(self._source())],
            "output": str(project / "datasets"),
            "name": self.name.text().strip(),
            "to": [HEADPOSE],
        }
        return ConvertHeadsOptions.from_mapping(values).validated()

    def start(self) -> None:
        """Convert."""
        try:
            spec = JobSpec(JOB, self.options().to_mapping(), None, self._project())
            title = tr("Convert {name}", name=self.name.text().strip())
            self.job = self.studio.runner.start(spec, title=title)
        except StudioError as error:
            self.failed.emit(error)
            return
        self.job.changed.connect(self._progress)
        self.job.state_changed.connect(self._ended)
        self._progress()
        self._state()

    def _changed(self) -> None:
        self._soon.start()

    def look(self) -> None:
        """Read a few heads of the folder, in the background."""
        self._soon.stop()
        self.looked = self.seen = self._wrong = None
        self.view.clear()
        source, project = self._source(), self._project()
        if not self.source.text().strip() or not source.is_dir() or project is None:
            self._looker.drop()
            self._show_found()
            return
        try:
            options = self.options()
        except StudioError:
            # The form shows what is wrong with a field.
            self._show_found()
            return
        self.what.setText(tr("Looking…"))
        self._looker.start(lambda: look(source, options, project), self._show_looked, self._unknown)

    def _show_looked(self, looked: Looked) -> None:
        self.looked = looked
        self.number.blockSignals(True)
        self.number.setRange(0, max(len(looked.samples) - 1, 0))
        self.number.setValue(0)
        self.number.blockSignals(False)
        self._show_found()
        self._see()

    def _see(self) -> None:
        looked, number = self.looked, self.number.value()
        if looked is not None and number < len(looked.samples):
            self._seer.start(lambda: see(looked, number), self._show_seen, self._unseen)

    def _show_seen(self, seen: Seen) -> None:
        self.seen = seen
        shown = Person(np.zeros((0, 3)), outlines=seen.outlines)
        self.view.show_picture(seen.picture, (shown,), None)
        self._show_facts()

    def _unseen(self, error: BaseException) -> None:
        if isinstance(error, StudioError):
            self.facts.setText(said(f"{error.message} {error.hint}".strip()))
        else:
            self.failed.emit(error)

    def _show_facts(self) -> None:
        if self.seen is None:
            self.facts.setText("")
            return
        yaw, pitch, roll = self.seen.angles
        words = [
            self.seen.picture.name,
            tr("yaw {yaw}°, pitch {pitch}°, roll {roll}°",
               yaw=f"{yaw:.0f}", pitch=f"{pitch:.0f}", roll=f"{roll:.0f}"),
        ]  # fmt: skip
        if not self.seen.found:
            words.append(tr("no head is found"))
        self.facts.setText(" · ".join(words))

    def _unknown(self, error: BaseException) -> None:
        if isinstance(error, StudioError):
            self._wrong = error
            self._show_found()
        else:
            self.failed.emit(error)

    def _show_found(self) -> None:
        looked = self.looked
        self.preview.setVisible(looked is not None)
        if self._wrong is not None:
            self.what.setText(said(f"{self._wrong.message} {self._wrong.hint}".strip()))
        elif looked is None:
            text = self.source.text().strip()
            gone = bool(text) and not self._source().is_dir()
            self.what.setText(tr("This is not there.") if gone else tr("Nothing is chosen yet."))
        else:
            title = next((c.title for c in SOURCES if c.value == looked.kind), looked.kind)
            text = tr("{kind}: move the slider to look at some heads", kind=tr(title))
            self.what.setText(text)
        self._show_facts()
        self._state()

    def _source(self) -> Path:
        return Path(self.source.text().strip()).expanduser().absolute()

    def _project(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Folder of heads"), self.source.text())
        if chosen:
            self.set_source(Path(chosen))

    def _state(self) -> None:
        busy = self.job is not None and not self.job.ended
        bad = any(p.where in self.form.editors for p in self.form.problems())
        name = self.name.text().strip()
        good = self.looked is not None and bool(name) and not bad
        self.convert.setEnabled(good and not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _ended(self, state: str) -> None:
        job = self.job
        if job is None or not job.ended:
            return
        self.job = None
        if state == "ok":
            self.made.emit(job)
        elif job.problem is not None:
            self.failed.emit(job.problem)
        self._state()
