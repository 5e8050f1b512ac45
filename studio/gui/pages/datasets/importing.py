"""Import: annotated pictures of other tools, or frames of a video, into the project's pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLineEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError, UsageError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.pages.datasets.arrival import take_over
from studio.gui.pages.datasets.frames_form import FramesForm
from studio.gui.pages.datasets.recognise import VIDEO, Recognised, recognise
from studio.gui.runner import Job
from studio.gui.suggestions import is_there, suggestions
from studio.gui.widgets.basics import Sign, button, label
from studio.gui.widgets.layouts import form_above_footer
from studio.gui.widgets.parts import JobProgress, column, framed, row, tab_through
from studio.gui.widgets.problem_list import ProblemList
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

# The conversion's options that this page decides itself, or shows in its own way.
OWN_FIELDS = ("input", "output", "name", "to", "ratio", "seed", "images")
STAGING = Path(".studio", "imports")
COUNTED = N_("{pictures} pictures with {people} people")


class ImportForm(QWidget):
    """`made` carries the folder that came into the project, the job's result beside it."""

    made = Signal(object, object)
    failed = Signal(object)
    problem_opened = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.job: Job | None = None
        self.found: Recognised | None = None
        self._looker, self._mover = Background(self), Background(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(250)
        self._soon.timeout.connect(self.look)
        self._make_fields()
        footer = row(None, self.cancel, self.start_button)
        self.setLayout(form_above_footer(self._body(), self.problems, self.progress, footer))
        tab_through(self.source, self._folder, self._file, self.name, self.link, self.form)
        tab_through(self.frames, self.problems.list, self.cancel, self.start_button)
        translator.language_changed.connect(self._show_found)
        self._show_found()

    def _make_fields(self) -> None:
        self.source = QLineEdit()
        bind_text(self.source.setAccessibleName, "Folder or file to import")
        bind_text(self.source.setPlaceholderText, "A folder, a .json, .yaml or video file")
        self.source.textChanged.connect(self._source_changed)
        self.sign = Sign("search", 24, "muted")
        self.what = label("", "title", wrap=True)
        self.counts = label("", "muted", wrap=True)
        self.name = QLineEdit()
        bind_text(self.name.setAccessibleName, "Name")
        self.name.textChanged.connect(self._state)
        self.name_error = label("", "error", wrap=True)
        offers = suggestions(self.studio)
        self.link = QCheckBox()
        bind_text(self.link.setText, "Link the pictures instead of copying them")
        bind_text(
            self.link.setToolTip,
            "Takes no room; a picture that is changed at its old place changes here too",
        )
        self.form = OptionsForm(
            job_entry("convert").options_class(), suggestions=offers, skip=OWN_FIELDS
        )
        self.form.changed.connect(self._source_changed)
        self.frames = FramesForm(self.studio)
        self.frames.changed.connect(self._show_found)
        self.options = QStackedWidget()
        for each in (self.form, self.frames):
            self.options.addWidget(each)
        self.problems = ProblemList()
        self.problems.opened.connect(self.problem_opened)
        self.progress = JobProgress()
        self.start_button = button("Import", self.start, role="primary", icon_name="play")
        self.cancel = button("Cancel", self._cancel, role="danger")

    def _body(self) -> QVBoxLayout:
        self._folder = button("Folder…", self._choose_folder, icon_name="folder")
        self._file = button("File…", self._choose_file, icon_name="file")
        self.found_card = framed(
            "card", row(self.sign, column(self.what, self.counts, spacing=0), spacing=12), 12
        )
        body = column(
            label("Import", "heading"),
            label("COCO, YOLO pose, labelme, X-AnyLabeling and others, or the frames of a video, "
                  "become pictures of this project, with their annotations beside them. What is "
                  "imported stays as it is.", "muted", wrap=True),
            8,
            label("Folder or file to import"),
            row(self.source, self._folder, self._file),
            4,
            self.found_card,
            8,
            label("Name of the new folder of pictures"),
            self.name,
            self.name_error,
            8,
            self.link,
            8,
            self.options,
            None,
            spacing=4,
        )  # fmt: skip
        body.setContentsMargins(24, 20, 24, 16)
        return body

    def set_project(self, _project: Project | None) -> None:
        """Another project: nothing is chosen yet."""
        self.source.clear()
        self.name.clear()
        self.form.refresh_suggestions()
        self.frames.refresh_suggestions()
        self._state()

    def set_source(self, path: Path) -> None:
        """Import this."""
        self.source.setText(str(path))
        self.look()

    def look(self) -> None:
        """See what the source is, in the background."""
        self._soon.stop()
        text = self.source.text().strip()
        self.found = None
        if not text or not is_there(text, descriptions=False):
            self._looker.drop()
            self._show_found()
            return
        path = Path(text).expanduser().absolute()
        kind = str(self._value("from_") or "auto")
        skeleton = str(self._value("skeleton") or "")
        self._say("search", "muted", tr("Looking…"))
        self._looker.start(lambda: recognise(path, kind, skeleton), self._recognised, self._unknown)

    def spec(self) -> JobSpec:
        """The import as it stands in the form. Raises UsageError."""
        project, found = self.studio.project, self.found
        if project is None or found is None:
            raise UsageError("Nothing is chosen.", hint="Choose a folder or a file to import.")
        name, root = self.name.text().strip(), Path(project.folder)
        if found.kind == VIDEO:
            options = {
                **self.frames.values(),
                "video": str(found.path),
                "output": str(self.target()),
            }
            job_entry("frames").options_class().from_mapping(options).validated()
            return JobSpec("frames", options, None, root)
        options = {
            **self.form.values(),
            "input": [str(found.path)],
            "output": str(root / STAGING),
            "name": name,
            "to": ["labelme"],
            "images": "link" if self.link.isChecked() else "copy",
            "ratio": 1.0,
        }
        job_entry("convert").options_class().from_mapping(options).validated()
        return JobSpec("convert", options, None, root)

    def target(self) -> Path:
        """The folder of pictures that is made."""
        project = self.studio.project
        assert project is not None
        places = project.picture_folders or (Path(project.folder),)
        return places[0] / self.name.text().strip()

    def start(self) -> None:
        """Import."""
        try:
            spec = self.spec()
            if spec.job == "convert":
                # What an import that was broken off left there.
                shutil.rmtree(self._staged(), ignore_errors=True)
            title = tr("Import {name}", name=self.name.text().strip())
            self.job = self.studio.runner.start(spec, title=title)
        except StudioError as error:
            self.failed.emit(error)
            return
        self._target = self.target()
        self.job.changed.connect(self._progress)
        self.job.state_changed.connect(self._ended)
        self._progress()
        self._state()

    _target = Path()

    def _staged(self) -> Path:
        project = self.studio.project
        assert project is not None
        return Path(project.folder) / STAGING / self.name.text().strip()

    def _source_changed(self) -> None:
        self.source.setToolTip(self.source.text())
        self._soon.start()

    def _recognised(self, found: Recognised) -> None:
        self.found = found
        if not self.name.text().strip() or self.name.text() == self._guessed:
            self._guess_name(found.path)
        self.problems.set_problems(found.problems)
        self._show_found()

    def _unknown(self, error: BaseException) -> None:
        self.problems.set_problems([])
        if not isinstance(error, StudioError):
            self.failed.emit(error)
            return
        self._say("error", "danger", said(error.message), said(error.hint))
        self._state()

    _guessed = ""

    def _guess_name(self, path: Path) -> None:
        project = self.studio.project
        if project is None:
            return
        places = project.picture_folders or (Path(project.folder),)
        self._guessed = project_items.free_name(places[0], path.stem or "import")
        self.name.setText(self._guessed)

    def _show_found(self) -> None:
        found = self.found
        video = found is not None and found.kind == VIDEO
        self.options.setCurrentWidget(self.frames if video else self.form)
        self.options.setVisible(found is not None)
        self.link.setVisible(found is not None and not video)
        if found is None:
            text = self.source.text().strip()
            if text and not is_there(text, descriptions=False):
                self._say("error", "danger", tr("This is not there."))
            elif not text:
                self._say("search", "muted", tr("Nothing is chosen yet."))
        elif video:
            self._say("film", "accent", tr(found.title), self.frames.words(found))
        elif self._is_here(found):
            self._say("info", "accent", tr("These pictures are in the project already."))
        else:
            self._say("ok", "ok", tr(found.title), self._picture_words(found))
        self._state()

    def _is_here(self, found: Recognised | None) -> bool:
        """Whether it is a folder of the project's own annotated pictures."""
        project = self.studio.project
        if project is None or found is None or found.kind != "labelme":
            return False
        place = found.path.resolve()
        return any(place.is_relative_to(folder) for folder in project.picture_folders)

    def _picture_words(self, found: Recognised) -> str:
        if found.people < 0:
            count = tr("{count} pictures", count=found.pictures)
            words = [tr("1 picture") if found.pictures == 1 else count]
        else:
            words = [tr(COUNTED, pictures=found.pictures, people=found.people)]
        words.append(found.skeleton)
        if found.bare:
            words.append(tr("{count} pictures without labels stay behind", count=found.bare))
        return " · ".join(w for w in words if w)

    def _say(self, sign: str, color: str, what: str, counts: str = "") -> None:
        self.sign.show_icon(sign, color)
        self.what.setText(what)
        self.counts.setText(counts)
        self.counts.setVisible(bool(counts))

    def _value(self, name: str) -> Any:
        editor = self.form.editors.get(name)
        return editor.value() if editor is not None and editor.problem() is None else None

    def _name_problem(self) -> str:
        name = self.name.text().strip()
        if any(c in name for c in '/\\:*?"<>|') or name.startswith("."):
            return tr('A name cannot hold / \\ : * ? " < > |')
        if name and self.studio.project is not None and self.target().exists():
            return tr("A folder of this name is there already.")
        return ""

    def _state(self) -> None:
        busy = self.job is not None or self._mover.busy
        wrong = "" if busy else self._name_problem()
        self.name_error.setText(wrong)
        self.name_error.setVisible(bool(wrong))
        found = self.found
        form = self.frames if found is not None and found.kind == VIDEO else self.form
        full = found is not None and (found.pictures > 0 or found.kind == VIDEO)
        full = full and not self._is_here(found)
        bad = any(p.where in form.editors for p in form.problems())
        ready = full and bool(self.name.text().strip()) and not wrong and not bad
        self.start_button.setEnabled(ready and not busy and self.studio.project is not None)
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
            self._state()
            return
        self.job = None
        if state != "ok":
            if job.problem is not None:
                self.failed.emit(job.problem)
        elif job.spec.job == "frames":
            self._done(Path(str(job.result.get("folder", self._target))), job.result)
        else:
            staged, target = Path(str(job.result["dataset"])), self._target
            self._mover.start(
                lambda: take_over(staged, target),
                lambda folder: self._done(folder, job.result),
                self._not_moved,
            )
        self._state()

    def _done(self, folder: Path, result: Any) -> None:
        self.source.clear()
        self.name.clear()
        self.found = None
        self.problems.set_problems([])
        self._show_found()
        self.made.emit(folder, result)

    def _not_moved(self, error: BaseException) -> None:
        self.failed.emit(error)
        self._state()

    def _choose_folder(self) -> None:
        title = tr("Folder or file to import")
        chosen = QFileDialog.getExistingDirectory(self, title, self.source.text())
        if chosen:
            self.set_source(Path(chosen))

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Folder or file to import"), self.source.text()
        )
        if chosen:
            self.set_source(Path(chosen))
