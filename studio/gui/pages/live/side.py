"""The Live page's side: source, models, drawing and keeping; what the job is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.options import N_
from studio.core.requests.live import LiveOptions
from studio.core.requests.track import TRACKER
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr
from studio.gui.icons import icon
from studio.gui.pages.live.drawing import DrawingPanel
from studio.gui.pages.live.keeping import KeepingPanel
from studio.gui.pages.live.layers import LiveStyle
from studio.gui.pages.live.models import DevicePicker, ModelPicker, TrackerPicker
from studio.gui.pages.live.parts import check, titled
from studio.gui.pages.live.source import FOLDER, VIDEO, SourcePicker, holds_password, kind_of
from studio.gui.settings import Settings
from studio.gui.theme import set_role
from studio.gui.widgets.basics import button, label, line, scrolled

PANEL_WIDTH = 304
# Of the job's options these stand in the form; the others have their own place on the page.
IN_FORM = (
    "precision", "imgsz", "iou", "max_people", "detector", "flip_test", "head_boxes", "face_model",
    "head_smoothing", "doubt_low", "doubt_high",
)  # fmt: skip
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
        self.head_picker = ModelPicker(heads=True)
        self.tracker_picker = TrackerPicker(TRACKER)
        self.device_picker = DevicePicker()
        self.model_form = OptionsForm(LiveOptions, skip=NOT_IN_FORM)
        self.repeat = check("Repeat a video at its end", True)
        self.drawing_panel = DrawingPanel()
        self.keeping = KeepingPanel()
        self.start_button = button("Start", role="primary", icon_name="play")
        self._lay_out()
        self._restore()
        self._connect()

    def _lay_out(self) -> None:
        body = QWidget()
        inner = QVBoxLayout(body)
        # The scroll bar's ten pixels belong to the margin: fields end where the button below ends.
        inner.setContentsMargins(16, 16, 6, 16)
        inner.setSpacing(8)
        sections: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            (N_("Source"), (self.source_picker, self.repeat)),
            (
                N_("Model"),
                (
                    self.model_picker,
                    titled("Head-pose model", self.head_picker),
                    titled("Tracker", self.tracker_picker),
                    titled("Device", self.device_picker),
                    self.model_form,
                ),
            ),
            (N_("Drawing"), (self.drawing_panel,)),
            (N_("Keep"), (self.keeping,)),
        )
        for number, (title, widgets) in enumerate(sections):
            if number:
                inner.addSpacing(8)
                inner.addWidget(line())
                inner.addSpacing(8)
            inner.addWidget(label(title, "title"))
            for widget in widgets:
                inner.addWidget(widget)
        inner.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 12, 16, 12)
        foot.addWidget(self.start_button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        area = scrolled(body)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        column.addWidget(area, 1)
        column.addWidget(line())
        column.addLayout(foot)

    def _connect(self) -> None:
        for picker in (self.source_picker, self.model_picker, self.tracker_picker):
            picker.changed.connect(self.chosen)
        self.model_form.changed.connect(self.chosen)
        self.keeping.changed.connect(self.changed)
        self.drawing_panel.changed.connect(self.changed)
        self.drawing_panel.restyled.connect(self.restyled)

    def missing(self) -> str:
        """What must be chosen first; "" where Live can start."""
        if not self.source_picker.source():
            return tr("Choose a source first.")
        if not self.model_picker.model():
            return tr("Choose a model first.")
        problems = [*self.model_form.problems(), *self.tracker_picker.problems()]
        return said(problems[0].message) if problems else ""

    def options(self, *, own_folder: bool) -> dict[str, Any]:
        """What the job is asked; with `own_folder` it keeps its recordings among the films.
        Raises UsageError where a field holds no value.
        """
        kept = {"save_dir": str(recordings_folder())} if own_folder else {}
        tracker, heads = self.tracker_picker.tracker(), self.head_picker.model()
        return {
            **kept,
            **self.source_picker.wish(),
            **self.model_form.values(),
            "model": self.model_picker.model(),
            **({"head_model": heads} if heads else {}),
            "track": tracker,
            "track_options": self.tracker_picker.values() if tracker else [],
            "device": self.device_picker.device(),
            "source": self.source_picker.source(),
            "loop": self.repeat.isChecked(),
            **self.keeping.values(),
            **self.drawing_panel.values(),
        }

    def drawing(self) -> LiveStyle:
        """How the view draws."""
        return self.drawing_panel.look()

    def show_running(self, running: bool, stopping: bool) -> None:
        """Start or stop; what cannot change meanwhile is off."""
        source = N_("Stop now") if stopping else N_("Stop") if running else N_("Start")
        bind_text(self.start_button.setText, source)
        set_role(self.start_button, "" if running else "primary")
        self.start_button.setIcon(icon("stop") if running else icon("play", "accent_text"))
        self.start_button.setEnabled(running or not self.missing())
        for widget in (
            self.source_picker,
            self.model_picker,
            self.head_picker,
            self.tracker_picker,
            self.device_picker,
            self.model_form,
            self.repeat,
        ):
            widget.setEnabled(not running)
        self.repeat.setVisible(kind_of(self.source_picker.source()) in (VIDEO, FOLDER))

    def take(self, chosen: Mapping[str, str]) -> None:
        """What was chosen elsewhere, by the job's names; what is empty or unknown is left."""
        if source := chosen.get("source"):
            self.source_picker.set_source(source)
        for name, picker in (("model", self.model_picker), ("head_model", self.head_picker)):
            if chosen.get(name):
                picker.set_model(Path(chosen[name]))
        if tracker := chosen.get("track"):
            self.tracker_picker.set_tracker(tracker)
        if device := chosen.get("device"):
            self.device_picker.set_device(device)
        self.drawing_panel.take(chosen)

    def set_project(self, folder: Path | None) -> None:
        """The project's own models come first."""
        for picker in (self.model_picker, self.head_picker):
            picker.set_project(folder)

    def refresh(self) -> None:
        """Models may have come meanwhile."""
        for picker in (self.model_picker, self.head_picker):
            picker.refresh()

    def remember(self) -> None:
        """Keep the choices for the next time; an address with a password is not kept."""
        picker = self.source_picker
        picker.remember()
        source = picker.source()
        if not holds_password(source):
            self._settings.set("live/source", source)
        self._settings.set("live/recent", picker.recent())
        self._settings.set("live/wish", picker.wish())
        self._settings.set("live/model", self.model_picker.model())
        self._settings.set("live/head_model", self.head_picker.model())
        self._settings.set("live/tracker", self.tracker_picker.tracker())
        self._settings.set("live/device", self.device_picker.device())
        self._settings.set("live/drawing", self.drawing_panel.state())
        self._settings.set("live/keeping", self.keeping.state())

    def _restore(self) -> None:
        get, picker = self._settings.get, self.source_picker
        picker.set_recent([str(s) for s in get("live/recent", [])])
        if source := get("live/source", ""):
            picker.set_source(source)
        picker.modes.set_wish(get("live/wish", {}))
        for chooser, key in ((self.model_picker, "model"), (self.head_picker, "head_model")):
            model = get(f"live/{key}", "")
            if model and Path(model).exists():
                chooser.set_model(Path(model))
        self.tracker_picker.set_tracker(get("live/tracker", self.tracker_picker.tracker()))
        self.device_picker.set_device(get("live/device", "auto"))
        self.drawing_panel.set_state(get("live/drawing", {}))
        self.keeping.set_state(get("live/keeping", {}))
