"""The Live page's side: source, model, and how people are drawn; what the job is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.options import N_
from studio.core.requests.live import LiveOptions
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr
from studio.gui.icons import icon
from studio.gui.pages.live_panel import (
    FOLDER,
    VIDEO,
    ModelPicker,
    SourcePicker,
    ValueSlider,
    check,
    kind_of,
)
from studio.gui.pages.live_view import LiveStyle
from studio.gui.settings import Settings
from studio.gui.theme import set_role
from studio.gui.widgets.basics import button, label, line, scrolled

PANEL_WIDTH = 304
# Of the job's options these stand in the form; the others have their own place on the page.
IN_FORM = ("imgsz", "precision", "device", "iou", "max_people")
NOT_IN_FORM = tuple(f.name for f in LiveOptions.fields() if f.name not in IN_FORM)


def recordings_folder() -> Path:
    """Where recordings go while no project is open."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(place or Path.home()) / "Pose Studio"


class LiveSide(QFrame):
    """`chosen`: source or model is another; `changed` carries options for a running job;
    `restyled`: people are drawn otherwise.
    """

    chosen = Signal()
    changed = Signal(dict)
    restyled = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.setProperty("role", "side")
        self.setFixedWidth(PANEL_WIDTH)
        self.source_picker = SourcePicker()
        self.model_picker = ModelPicker()
        self.model_form = OptionsForm(LiveOptions, skip=NOT_IN_FORM)
        self.repeat = check("Repeat a video at its end", True)
        self.conf = ValueSlider("Confidence", 0.05, 0.95, 0.05, 0.25)
        self.joint_conf = ValueSlider("Joint confidence", 0.0, 0.95, 0.05, 0.3)
        self.radius = ValueSlider("Joint radius", 0, 12, 0.5, 4)
        self.line_width = ValueSlider("Line width", 1, 10, 0.5, 3)
        self.skeletons = check("Skeletons", True)
        self.boxes = check("Boxes", True)
        self.ids = check("Numbers and scores", True)
        self.overlay = check("Figures", True)
        self.doubtful = check("Keep doubtful frames", False)
        bind_text(
            self.doubtful.setToolTip,
            "Pictures with a doubtful person are kept, to be annotated later.",
        )
        self.start_button = button("Start", role="primary", icon_name="play")
        self.start_button.setToolTip("F5")
        self._lay_out()
        self._restore()
        self._connect()

    def _lay_out(self) -> None:
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(16, 16, 16, 16)
        inner.setSpacing(8)
        for widget in (label("Source", "title"), self.source_picker, self.repeat):
            inner.addWidget(widget)
        inner.addSpacing(8)
        for widget in (label("Model", "title"), self.model_picker, self.model_form):
            inner.addWidget(widget)
        inner.addSpacing(8)
        inner.addWidget(line())
        inner.addSpacing(8)
        inner.addWidget(label("Drawing", "title"))
        for slider in self._sliders().values():
            inner.addWidget(slider)
        inner.addSpacing(4)
        for box in (self.skeletons, self.boxes, self.ids, self.overlay, self.doubtful):
            inner.addWidget(box)
        inner.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 12, 16, 12)
        foot.addWidget(self.start_button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scrolled(body), 1)
        column.addWidget(line())
        column.addLayout(foot)

    def _connect(self) -> None:
        self.source_picker.changed.connect(self.chosen)
        self.model_picker.changed.connect(self.chosen)
        self.conf.changed.connect(lambda value: self.changed.emit({"conf": value}))
        self.doubtful.toggled.connect(lambda on: self.changed.emit({"keep_doubtful": on}))
        for slider in (self.joint_conf, self.radius, self.line_width):
            slider.changed.connect(lambda _value: self._redrawn())
        for box in (self.skeletons, self.boxes, self.ids, self.overlay):
            box.toggled.connect(self.restyled)

    def missing(self) -> str:
        """What must be chosen first; "" where Live can start."""
        if not self.source_picker.source():
            return tr("Choose a source first.")
        if not self.model_picker.model():
            return tr("Choose a model first.")
        problems = self.model_form.problems()
        return said(problems[0].message) if problems else ""

    def options(self, *, own_folder: bool) -> dict[str, Any]:
        """What the job is asked; with `own_folder` it keeps its recordings among the films."""
        kept = {"save_dir": str(recordings_folder())} if own_folder else {}
        return {
            **kept,
            **self.source_picker.wish(),
            **self.model_form.values(),
            "model": self.model_picker.model(),
            "source": self.source_picker.source(),
            "conf": self.conf.value(),
            "loop": self.repeat.isChecked(),
            "keep_doubtful": self.doubtful.isChecked(),
            **self._drawn_by_the_job(),
        }

    def drawing(self) -> LiveStyle:
        """How the view draws."""
        return LiveStyle(
            radius=self.radius.value(),
            width=self.line_width.value(),
            joint_confidence=self.joint_conf.value(),
            skeletons=self.skeletons.isChecked(),
            boxes=self.boxes.isChecked(),
            ids=self.ids.isChecked(),
            overlay=self.overlay.isChecked(),
        )

    def show_running(self, running: bool, stopping: bool) -> None:
        """Start or stop; what cannot change meanwhile is off."""
        source = N_("Stop now") if stopping else N_("Stop") if running else N_("Start")
        bind_text(self.start_button.setText, source)
        set_role(self.start_button, "" if running else "primary")
        self.start_button.setIcon(icon("stop") if running else icon("play", "accent_text"))
        self.start_button.setEnabled(running or not self.missing())
        for widget in (self.source_picker, self.model_picker, self.model_form, self.repeat):
            widget.setEnabled(not running)
        self.repeat.setVisible(kind_of(self.source_picker.source()) in (VIDEO, FOLDER))

    def remember(self) -> None:
        """Keep the choices for the next time."""
        self._settings.set("live/source", self.source_picker.source())
        self._settings.set("live/model", self.model_picker.model())
        for name, slider in self._sliders().items():
            self._settings.set(f"live/{name}", slider.value())

    def _restore(self) -> None:
        source = self._settings.get("live/source", "")
        model = self._settings.get("live/model", "")
        if source:
            self.source_picker.set_source(source)
        if model and Path(model).exists():
            self.model_picker.set_model(Path(model))
        for name, slider in self._sliders().items():
            slider.set_value(self._settings.get(f"live/{name}", slider.value()))

    def _sliders(self) -> dict[str, ValueSlider]:
        return {
            "conf": self.conf,
            "joint_conf": self.joint_conf,
            "radius": self.radius,
            "width": self.line_width,
        }

    def _drawn_by_the_job(self) -> dict[str, Any]:
        """What is recorded and snapped is drawn by the job, in whole pixels of the frame."""
        return {
            "kp_conf": self.joint_conf.value(),
            "kp_radius": round(self.radius.value()),
            "line_thickness": round(self.line_width.value()),
        }

    def _redrawn(self) -> None:
        self.restyled.emit()
        self.changed.emit(self._drawn_by_the_job())
