"""The left side's form: family, its declared options, presets, the check before the start."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from studio.core.errors import Problem, StudioError
from studio.core.job import JobSpec
from studio.core.names import is_usable_name
from studio.core.requests.cluster import ClusterOptions
from studio.gui import project_items
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.pages.train.fetching import WeightsOffer, can_be_fetched
from studio.gui.suggestions import (
    absent_fields,
    forget_project,
    is_there,
    starting_points,
    suggestions,
    words_of,
)
from studio.gui.widgets.basics import button, label, line, row, scrolled
from studio.gui.widgets.parts import SIDE_LEFT, column, tab_through
from studio.gui.widgets.preset_bar import PresetBar
from studio.gui.widgets.problem_list import ProblemList
from studio.registry import Contribution, contributions, find

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class TrainForm(QWidget):
    """`start_asked` carries the JobSpec of a training, `check_asked` that of a check alone,
    `preview_asked` that of a drawn first batch.
    """

    start_asked = Signal(object)
    check_asked = Signal(object)
    preview_asked = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self._project: Path | None = None
        self.studio = studio
        self.form: OptionsForm | None = None
        self.family = QComboBox()
        self.family.setModel(QStandardItemModel(self.family))
        bind_text(self.family.setAccessibleName, "Model family")
        self.summary = label("", "hint", wrap=True)
        self.name = QLineEdit()
        bind_text(self.name.setPlaceholderText, "Chosen by itself")
        bind_text(self.name.setAccessibleName, "Run name")
        self.name_error = label("", "error", wrap=True)
        self.name_error.hide()
        self.presets = PresetBar(studio, self._preset_values)
        self.preset = self.presets.combo
        self.problems = ProblemList()
        self.offer = WeightsOffer(studio)
        self.offer.fetched.connect(self._weights_came)
        self.offer.failed.connect(self.failed)
        self._room = QVBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        self.where = OptionsForm(ClusterOptions)
        self.check = button("Check", self._ask_check, tooltip="Check dataset, weights and options")
        self.preview = button(
            "Preview",
            self._ask_preview,
            tooltip="Draw the first batch with its augmentation, before anything is trained",
        )
        self._previewing = False
        self.start = button("Start training", self._ask_start, role="primary", icon_name="play")
        content = QWidget()
        content.setLayout(self._body())
        area = scrolled(content)
        footer = QWidget()
        footer.setLayout(
            column(self.offer, self.problems, row(self.check, self.preview, None, self.start))
        )
        footer.layout().setContentsMargins(SIDE_LEFT, 8, 16, 16)  # type: ignore[union-attr]
        layout = column(area, line(), footer, spacing=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._fill_families()
        self.family.currentIndexChanged.connect(self._family_changed)
        self.family.activated.connect(lambda: studio.settings.set("train/family", self.family_id))
        self.name.textChanged.connect(self._state)
        self.where.changed.connect(self._state)
        self.presets.loaded.connect(self._take_preset)
        self.presets.failed.connect(self.failed)
        translator.language_changed.connect(self._show_summary)
        self._family_changed()

    def _body(self) -> QVBoxLayout:
        body = column(
            label("Model family"),
            self.family,
            self.summary,
            4,
            label("Preset"),
            self.presets,
            4,
            label("Run name"),
            self.name,
            self.name_error,
            4,
            self._room,
            8,
            self.where,
            None,
            spacing=4,
        )
        body.setContentsMargins(SIDE_LEFT, 16, 16, 16)
        return body

    @property
    def family_id(self) -> str:
        """The chosen family, "" where none can be used."""
        return str(self.family.currentData() or "")

    def set_project(self, project: Path | None) -> None:
        """Offer what this project holds; its newest dataset is the first guess."""
        if self.form is None:
            return
        if project != self._project:
            forget_project(self.form, self._project)
            self._project = project
        self.form.refresh_suggestions()
        marks = self._known_family().extra.get("datasets", ()) if self.family_id else ()
        found = project_items.dataset_folders(project, marks) if project else []
        editor = self.form.editors.get("data")
        if editor is not None and found and not editor.text():
            editor.set_value(found[0])
        self._guess_start()
        self._state()

    def _guess_start(self) -> None:
        """Weights that are there in place of a default that is not."""
        assert self.form is not None
        for editor in self.form.editors.values():
            field = editor.field
            offered = editor.input
            if field.kind != "model" or not isinstance(offered, QComboBox) or editor.is_changed():
                continue
            known = is_there(editor.text()) or editor.text() in words_of(field)
            if offered.count() and not known:
                editor.set_value(offered.itemData(0))

    def set_values(self, values: dict[str, Any]) -> None:
        """Fill in options, for instance the dataset that another page sends."""
        if self.form is not None:
            self.form.set_values(values)
        self._state()

    def spec(self, *, check_only: bool = False, preview: bool = False) -> JobSpec:
        """The training as it stands in the form, or a job that only looks at it. Raises
        StudioError where it cannot be.
        """
        assert self.form is not None
        self.form.options()
        values = self.form.values()
        options: dict[str, Any] = {"family": self.family_id, **values}
        if not preview:
            options |= self.where_values()
        project = Path(self.studio.project.folder) if self.studio.project else None
        if preview:
            return JobSpec("train", {**options, "preview": True}, None, project)
        if check_only:
            return JobSpec("train", {**options, "check_only": True}, None, project)
        if project is not None:
            folder = project / "runs" / self.family_id
            data = str(values.get("data") or values.get("dataset_root") or "")
            wanted = self.name.text().strip() or Path(data).name or "run"
            name = project_items.free_name(folder, wanted)
            options |= {"name": name, "output": str(project / "runs")}
            return JobSpec("train", options, folder / name, project)
        return JobSpec("train", options, None, None)

    def where_values(self) -> dict[str, Any]:
        """On which cluster, and how; nothing for this machine. Raises UsageError."""
        self.where.options().validated()
        values = self.where.values()
        return values if values.get("on") else {}

    def show_check(self, problems: Sequence[Problem]) -> None:
        """What a check found: in the list, and under the fields that it names."""
        self.problems.set_problems(problems, good=tr("Nothing stands in the way."))
        for problem in problems:
            if self.form is not None and problem.where in self.form.editors:
                self.form.show_error(problem.where, f"{problem.message} {problem.hint}".strip())

    def _fill_families(self) -> None:
        model = self.family.model()
        assert isinstance(model, QStandardItemModel)
        model.clear()
        for contribution in contributions("family"):
            item = QStandardItem(contribution.title)
            item.setData(contribution.id, Qt.ItemDataRole.UserRole)
            if not contribution.enabled:
                item.setEnabled(False)
                item.setText(f"{contribution.title} — {said(contribution.reason)}")
                item.setToolTip(said(contribution.reason))
            model.appendRow(item)
        usable = [r for r in range(model.rowCount()) if model.item(r).isEnabled()]
        wanted = str(self.studio.settings.get("train/family", ""))
        ids = [model.item(r).data(Qt.ItemDataRole.UserRole) for r in usable]
        first = next((c.id for c in contributions("family") if c.extra.get("first")), "")
        chosen = next((i for i in (wanted, first) if i in ids), ids[0] if ids else "")
        self.family.setCurrentIndex(self.family.findData(chosen))

    def _family_changed(self) -> None:
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        if self.family_id:
            try:
                declared = find("family", self.family_id).options_class()
                starts = [f for f in declared.fields() if f.kind == "model"]
                offered = starting_points(self.studio, self.family_id, starts)
                self.form = OptionsForm(
                    declared, suggestions={**suggestions(self.studio), "model": offered}
                )
            except StudioError as error:
                self.failed.emit(error)
            else:
                self._room.addWidget(self.form)
                tab_through(
                    self.name,
                    self.form,
                    self.where,
                    self.problems.list,
                    self.check,
                    self.preview,
                    self.start,
                )
                self.form.changed.connect(self._form_changed)
        self._show_summary()
        self.presets.set_kind(f"train/{self.family_id or 'none'}")
        project = self.studio.project
        self.set_project(Path(project.folder) if project else None)
        self._state()

    def _known_family(self) -> Contribution:
        return next(c for c in contributions("family") if c.id == self.family_id)

    def _show_summary(self) -> None:
        summary = self._known_family().summary if self.family_id else ""
        text = tr(summary) if summary else ""
        self.summary.setText(text)
        self.summary.setVisible(bool(text))

    def _form_changed(self) -> None:
        self.problems.hide()
        self._state()

    def _state(self) -> None:
        name = self.name.text().strip()
        bad = bool(name) and not is_usable_name(name)
        self.name_error.setText(
            tr("A folder cannot be called that on every system.") if bad else ""
        )
        self.name_error.setVisible(bad)
        absent = absent_fields(self.form) if self.form is not None else ()
        self._offer_weights(absent)
        wrong = bad or bool(absent) or bool(self.where.problems())
        ready = self.form is not None and not self.form.problems() and not wrong
        self.start.setEnabled(ready)
        self.check.setEnabled(ready)
        self.preview.setEnabled(ready and not self._previewing)

    def _offer_weights(self, absent: Collection[str]) -> None:
        """Of what is not there, the first that is published."""
        for name in absent:
            assert self.form is not None
            editor = self.form.editors[name]
            text = editor.text().strip()
            if can_be_fetched(editor.field, text):
                self.offer.offer(self.family_id, name, text)
                return
        self.offer.offer(self.family_id, "", "")

    def _weights_came(self) -> None:
        if self.form is not None:
            self.form.refresh_suggestions()
            for name, editor in self.form.editors.items():
                if editor.field.kind == "model":
                    self.form.show_error(name, "")
        self._state()

    def set_previewing(self, busy: bool) -> None:
        """Whether a preview is being drawn: one at a time."""
        self._previewing = busy
        self._state()

    def _ask_preview(self) -> None:
        self._ask(self.preview_asked, preview=True)

    def _ask_start(self) -> None:
        self._ask(self.start_asked)

    def _ask_check(self) -> None:
        self._ask(self.check_asked, check_only=True)

    def _ask(self, signal: Any, **how: bool) -> None:
        try:
            signal.emit(self.spec(**how))
        except StudioError as error:
            if self.form is not None:
                self.form.focus_problem()
            self.failed.emit(error)

    def refresh_presets(self) -> None:
        """Offer what is kept now."""
        self.presets.refresh()

    def _take_preset(self, values: dict[str, Any]) -> None:
        """Its values; the dataset stays, which belongs to the project."""
        if self.form is None:
            return
        kept = {k: self.form.editors[k].text() for k in ("data",) if k in self.form.editors}
        try:
            self.form.reset()
            self.form.set_values({**{k: v for k, v in kept.items() if v}, **values})
            self._guess_start()
        except StudioError as error:
            self.failed.emit(error)

    def _preset_values(self) -> dict[str, Any]:
        """The changed options, without the dataset. Raises UsageError."""
        assert self.form is not None
        return {k: v for k, v in self.form.values().items() if k not in ("data", "dataset_root")}
