"""What looks at the frames: the model, the one for heads, the tracker, and the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from studio.core.artifact import ENGINES
from studio.core.options import N_
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.pages.live.parts import beside, choice_box
from studio.gui.project_items import ModelItem, models
from studio.gui.widgets.basics import label, tool_button
from studio.registry import Contribution, contributions

HEAD_POSE = "head-pose"
MODEL_FILES = " ".join(f"*{suffix}" for suffix in ENGINES)
ORIGINS = {
    "run": N_("Trained here"),
    "export": N_("Exported"),
    "sample": N_("Comes with the studio"),
}
# Devices by the names that engines know; asked, a machine says which of them it has.
USUAL_DEVICES = (("cpu", "CPU"), ("gpu", "GPU"), ("npu", "NPU"))


class ModelPicker(QWidget):
    """Models of the project, those that come with the studio, and any file.

    heads: head-pose models, of which none may be chosen; otherwise all others.
    """

    changed = Signal()

    def __init__(self, *, heads: bool = False) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._heads = heads
        self._extra: list[Path] = []
        self._project: Path | None = None
        self.combo = choice_box("Head-pose model" if heads else "Model")
        self.hint = label("", "hint", wrap=True)
        tip = "Choose a head-pose model…" if heads else "Choose a model file…"
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(beside(self.combo, tool_button("folder", tip, self._browse)))
        column.addWidget(self.hint)
        self.combo.currentIndexChanged.connect(self._chosen)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def model(self) -> str:
        """The path of the chosen model; "" where there is none."""
        return str(self.combo.currentData() or "")

    def set_model(self, path: Path | None) -> None:
        """Choose a model, also one that is not on the list; None for none."""
        if path is not None and self.combo.findData(str(path)) < 0:
            self._extra.append(path)
            self.refresh()
        self.combo.setCurrentIndex(max(0, self.combo.findData("" if path is None else str(path))))

    def set_project(self, project: Path | None) -> None:
        """List the models of another project."""
        self._project = project
        self.refresh()

    def refresh(self) -> None:
        """Look for models again; the chosen one stays."""
        chosen = self.model()
        self.combo.blockSignals(True)
        self.combo.clear()
        if self._heads:
            self.combo.addItem(tr("None"), "")
        for item in self._items():
            self.combo.addItem(item.title, str(item.path))
            self.combo.setItemData(
                self.combo.count() - 1, tr(ORIGINS[item.origin]), Qt.ItemDataRole.ToolTipRole
            )
        for path in self._extra:
            self.combo.addItem(path.name, str(path))
        self.combo.setCurrentIndex(max(0, self.combo.findData(chosen)))
        self.combo.blockSignals(False)
        self._chosen()

    def _items(self) -> Sequence[ModelItem]:
        return [m for m in models(self._project) if (m.task == HEAD_POSE) == self._heads]

    def _chosen(self) -> None:
        tip = self.combo.currentData(Qt.ItemDataRole.ToolTipRole)
        none = tr("No model yet: train one, or choose a .pt, .onnx or OpenVINO .xml file.")
        self.hint.setText(none if not self.combo.count() else str(tip or ""))
        self.hint.setVisible(bool(self.hint.text()))
        self.combo.setToolTip(self.model())
        self.changed.emit()

    def _browse(self) -> None:
        title = tr("Choose a head-pose model…") if self._heads else tr("Choose a model file…")
        chosen, _ = QFileDialog.getOpenFileName(self, title, "", f"{tr('Models')} ({MODEL_FILES})")
        if chosen:
            self.set_model(Path(chosen))


class TrackerPicker(QWidget):
    """The trackers of the registry and, folded away, the chosen one's own options."""

    changed = Signal()

    def __init__(self, default: str) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._given: dict[str, Mapping[str, Any]] = {}
        self.form: OptionsForm | None = None
        self.combo = choice_box("Tracker")
        self.hint = label("", "hint", wrap=True)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setCheckable(True)
        self.more.setIcon(icon("down", "accent"))
        bind_text(self.more.setText, "Options of the tracker")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        for widget in (self.combo, self.hint):
            self._column.addWidget(widget)
        self._column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self._retext()
        self.set_tracker(default)
        self._chosen()
        self.combo.currentIndexChanged.connect(lambda _index: self._chosen())
        self.more.toggled.connect(self._unfold)
        translator.language_changed.connect(self._retext)

    def tracker(self) -> str:
        """The tracker's id; "" for none."""
        return str(self.combo.currentData() or "")

    def values(self) -> list[str]:
        """The tracker's options that differ from their defaults, "name=value" each. Raises
        UsageError where a text is no value.
        """
        values = {} if self.form is None else self.form.values()
        return [f"{name}={_text(value)}" for name, value in values.items()]

    def problems(self) -> Sequence[Any]:
        """What is wrong in the form."""
        return () if self.form is None else self.form.problems()

    def set_tracker(self, name: str) -> None:
        """Choose one; an unknown name leaves what is chosen."""
        index = self.combo.findData(name)
        if index >= 0:
            self.combo.setCurrentIndex(index)

    def _usable(self) -> list[Contribution]:
        return [c for c in contributions("tracker") if c.enabled]

    def _retext(self) -> None:
        chosen = self.combo.currentData()
        self.combo.blockSignals(True)
        self.combo.clear()
        self.combo.addItem(tr("None"), "")
        for tracker in self._usable():
            self.combo.addItem(tr(tracker.title), tracker.id)
        self.combo.setCurrentIndex(max(0, self.combo.findData(chosen)))
        self.combo.blockSignals(False)
        self._say()

    def _say(self) -> None:
        summaries = {c.id: c.summary for c in self._usable()}
        said = summaries.get(self.tracker(), "")
        self.hint.setText(tr(said) if said else tr("People have no identities and no trails."))

    def _chosen(self) -> None:
        form, self.form = self.form, None
        if form is not None:
            self._column.removeWidget(form)
            form.hide()
            form.deleteLater()
        self._say()
        name = self.tracker()
        self.more.setVisible(bool(name))
        # What has to be filled in is not folded away.
        if name and (self.more.isChecked() or self._asks(name)):
            self._make_form(name)
            self.more.setChecked(True)
        self.changed.emit()

    def _asks(self, name: str) -> bool:
        """Whether a tracker cannot start without an option of its own."""
        chosen = next(c for c in self._usable() if c.id == name)
        return any(f.required for f in chosen.options_class().fields())

    def _unfold(self, shown: bool) -> None:
        if shown and self.form is None and self.tracker():
            self._make_form(self.tracker())
        elif self.form is not None:
            self.form.setVisible(shown)
        self.more.setIcon(icon("up" if shown else "down", "accent"))

    def _make_form(self, name: str) -> None:
        contribution = next(c for c in self._usable() if c.id == name)
        self.form = OptionsForm(contribution.options_class())
        self.form.changed.connect(self.changed)
        self._column.addWidget(self.form)


class DevicePicker(QWidget):
    """Where the model computes. `ask_wanted`: what this machine has is to be asked of a job."""

    changed = Signal()
    ask_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._devices: Sequence[tuple[str, str]] = USUAL_DEVICES
        self.combo = choice_box("Device")
        self.combo.setEditable(True)
        self.ask = tool_button(
            "refresh", "Ask which devices this machine has", self.ask_wanted.emit
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(beside(self.combo, self.ask))
        self._retext()
        self.combo.currentTextChanged.connect(lambda _text: self.changed.emit())
        translator.language_changed.connect(self._retext)

    def device(self) -> str:
        """As engines know it: "auto", "cpu", "gpu", ..."""
        index = self.combo.findText(self.combo.currentText())
        written = self.combo.currentText().strip()
        return str(self.combo.itemData(index)) if index >= 0 else written or "auto"

    def set_device(self, device: str) -> None:
        """Choose or write one."""
        index = self.combo.findData(device)
        self.combo.setCurrentIndex(index)
        if index < 0:
            self.combo.setEditText(device)

    def show_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """What the machine has: (name for the engine, full name) each."""
        self._devices = devices
        self._retext()

    def _retext(self) -> None:
        chosen = self.device() if self.combo.count() else "auto"
        self.combo.blockSignals(True)
        self.combo.clear()
        self.combo.addItem(tr("Automatic"), "auto")
        for name, title in self._devices:
            if name != "auto":
                short = name.upper()
                self.combo.addItem(title if title == short else f"{short} · {title}", name)
        self.set_device(chosen)
        self.combo.blockSignals(False)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(_text(v) for v in value)
    return str(value)
