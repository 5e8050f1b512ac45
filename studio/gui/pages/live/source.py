"""The panel at the side of the Live page: where frames come from, which model, how it looks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from studio.core.artifact import ENGINES
from studio.core.options import N_
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.project_items import ModelItem, models
from studio.gui.widgets.basics import label, tool_button

CAMERA, VIDEO, FOLDER, STREAM, SYNTHETIC = "camera", "video", "folder", "stream", "synthetic"
KINDS = (
    (CAMERA, N_("Camera")),
    (VIDEO, N_("Video file")),
    (FOLDER, N_("Folder of pictures")),
    (STREAM, N_("Network stream")),
    (SYNTHETIC, N_("Synthetic people")),
)
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
MODEL_FILES = " ".join(f"*{suffix}" for suffix in ENGINES)
ORIGINS = {
    "run": N_("Trained here"),
    "export": N_("Exported"),
    "sample": N_("Comes with the studio"),
}
RESOLUTIONS = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
# Without a way to ask for names, the first cameras by number.
GUESSED_CAMERAS = 4


@dataclass(frozen=True)
class CameraItem:
    """A camera by its number, and its name where the system tells it."""

    index: int
    name: str = ""


def cameras(root: Path = Path("/sys/class/video4linux")) -> list[CameraItem]:
    """The cameras that the system names, else the first numbers. None is opened."""
    if not sys.platform.startswith("linux"):
        return [CameraItem(number) for number in range(GUESSED_CAMERAS)]
    found: list[CameraItem] = []
    for folder in root.glob("video*") if root.is_dir() else ():
        number = folder.name.removeprefix("video")
        # A camera's later nodes (metadata) have an index of their own above 0.
        first = _read(folder / "index") in ("0", "")
        if number.isdigit() and first:
            found.append(CameraItem(int(number), _read(folder / "name")))
    return sorted(found, key=lambda c: c.index)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def kind_of(source: str) -> str:
    """Which of the kinds a source's text belongs to."""
    text = source.strip()
    if text.startswith("synthetic:"):
        return SYNTHETIC
    if text.isdigit() or text.startswith("/dev/video"):
        return CAMERA
    if "://" in text:
        return STREAM
    return VIDEO if Path(text).suffix.lower() in VIDEO_SUFFIXES else FOLDER


class SourcePicker(QWidget):
    """A kind and, below it, what that kind needs."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.kind = QComboBox()
        bind_text(self.kind.setAccessibleName, "Source")
        self.camera = QComboBox()
        self.camera.setEditable(True)
        bind_text(self.camera.setAccessibleName, "Camera")
        self.resolution = QComboBox()
        bind_text(self.resolution.setAccessibleName, "Resolution")
        bind_text(self.resolution.setToolTip, "Resolution")
        self.video, video_row = self._path_row("Video file", self._choose_video)
        self.folder, folder_row = self._path_row("Folder of pictures", self._choose_folder)
        self.stream = QLineEdit()
        self.stream.setPlaceholderText("rtsp://…  http://…")
        bind_text(self.stream.setAccessibleName, "Network stream")
        self.synthetic = label(
            "Drawn people who walk about: no camera is needed.", "hint", wrap=True
        )
        look = tool_button("refresh", "Look for cameras", self.find_cameras)
        camera_row = QWidget()
        camera_row.setProperty("role", "clear")
        camera_column = QVBoxLayout(camera_row)
        camera_column.setContentsMargins(0, 0, 0, 0)
        camera_column.setSpacing(8)
        camera_column.addWidget(_row(self.camera, look))
        camera_column.addWidget(self.resolution)
        self._parts = (camera_row, video_row, folder_row, self.stream, self.synthetic)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.kind)
        for part in self._parts:
            column.addWidget(part)
        self.kind.currentIndexChanged.connect(self._kind_changed)
        for edit in (self.video, self.folder, self.stream):
            edit.textChanged.connect(self.changed)
        self.camera.currentTextChanged.connect(self.changed)
        translator.language_changed.connect(self._retext)
        self._retext()
        self.find_cameras()

    def source(self) -> str:
        """The source as the job takes it; "" where something is missing."""
        kind = self.kind.currentData()
        if kind == CAMERA:
            index = self.camera.findText(self.camera.currentText())
            found = self.camera.itemData(index) if index >= 0 else None
            return str(found) if found is not None else self.camera.currentText().strip()
        if kind == SYNTHETIC:
            return "synthetic:"
        edit = {VIDEO: self.video, FOLDER: self.folder, STREAM: self.stream}[kind]
        return edit.text().strip()

    def wish(self) -> dict[str, int]:
        """The resolution that a camera is asked for; empty leaves it to the camera."""
        size = self.resolution.currentData()
        if self.kind.currentData() != CAMERA or size is None:
            return {}
        return {"width": size[0], "height": size[1]}

    def set_source(self, source: str) -> None:
        """Show a source's text in the editor of its kind."""
        kind = kind_of(source)
        self.kind.setCurrentIndex(self.kind.findData(kind))
        if kind == CAMERA:
            index = self.camera.findData(int(source)) if source.isdigit() else -1
            if index >= 0:
                self.camera.setCurrentIndex(index)
            else:
                self.camera.setEditText(source)
        elif kind != SYNTHETIC:
            edit = {VIDEO: self.video, FOLDER: self.folder, STREAM: self.stream}[kind]
            edit.setText(source)

    def find_cameras(self) -> None:
        """List the cameras again."""
        chosen = self.camera.currentData()
        self.camera.blockSignals(True)
        self.camera.clear()
        for item in cameras():
            name = item.name or tr("Camera {number}", number=item.index)
            self.camera.addItem(f"{item.index}: {name}" if item.name else name, item.index)
        self.camera.setCurrentIndex(max(0, self.camera.findData(chosen)))
        if self.camera.count() == 0:
            self.camera.setEditText("0")
        self.camera.blockSignals(False)
        self.changed.emit()

    def _kind_changed(self, index: int) -> None:
        self._show_part(index)
        self.changed.emit()

    def _show_part(self, index: int) -> None:
        for number, part in enumerate(self._parts):
            part.setVisible(number == index)

    def _retext(self) -> None:
        chosen = self.kind.currentIndex()
        self.kind.blockSignals(True)
        self.kind.clear()
        for kind, title in KINDS:
            self.kind.addItem(tr(title), kind)
        self.kind.blockSignals(False)
        self.kind.setCurrentIndex(max(0, chosen))
        self._show_part(max(0, chosen))
        size = max(0, self.resolution.currentIndex())
        self.resolution.clear()
        self.resolution.addItem(tr("Automatic"), None)
        for width, height in RESOLUTIONS:
            self.resolution.addItem(f"{width} × {height}", (width, height))
        self.resolution.setCurrentIndex(size)

    def _path_row(self, name: str, choose: Any) -> tuple[QLineEdit, QWidget]:
        edit = QLineEdit()
        bind_text(edit.setAccessibleName, name)
        bind_text(edit.setPlaceholderText, name)
        return edit, _row(edit, tool_button("folder", "Browse…", choose))

    def _choose_video(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Video file"), self.video.text(), f"{tr('Videos')} ({kinds})"
        )
        if chosen:
            self.video.setText(chosen)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, tr("Folder of pictures"), self.folder.text()
        )
        if chosen:
            self.folder.setText(chosen)


class ModelPicker(QWidget):
    """Models of the project, those that come with the studio, and any file."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._extra: list[Path] = []
        self._project: Path | None = None
        self.combo = QComboBox()
        self.combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.combo.setMinimumContentsLength(10)
        bind_text(self.combo.setAccessibleName, "Model")
        self.hint = label("", "hint", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(
            _row(self.combo, tool_button("folder", "Choose a model file…", self._browse))
        )
        column.addWidget(self.hint)
        self.combo.currentIndexChanged.connect(self._chosen)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def model(self) -> str:
        """The path of the chosen model; "" where there is none."""
        return str(self.combo.currentData() or "")

    def set_model(self, path: Path) -> None:
        """Choose a model, also one that is not on the list."""
        if self.combo.findData(str(path)) < 0:
            self._extra.append(path)
            self.refresh()
        self.combo.setCurrentIndex(self.combo.findData(str(path)))

    def set_project(self, project: Path | None) -> None:
        """List the models of another project."""
        self._project = project
        self.refresh()

    def refresh(self) -> None:
        """Look for models again; the chosen one stays."""
        chosen = self.model()
        items: Sequence[ModelItem] = models(self._project)
        self.combo.blockSignals(True)
        self.combo.clear()
        for item in items:
            self.combo.addItem(item.title, str(item.path))
            self.combo.setItemData(
                self.combo.count() - 1, tr(ORIGINS[item.origin]), Qt.ItemDataRole.ToolTipRole
            )
        for path in self._extra:
            self.combo.addItem(path.name, str(path))
        self.combo.setCurrentIndex(max(0, self.combo.findData(chosen)))
        self.combo.blockSignals(False)
        self._chosen()

    def _chosen(self) -> None:
        tip = self.combo.currentData(Qt.ItemDataRole.ToolTipRole)
        none = tr("No model yet: train one, or choose a .pt, .onnx or OpenVINO .xml file.")
        self.hint.setText(none if not self.combo.count() else str(tip or ""))
        self.hint.setVisible(bool(self.hint.text()))
        self.combo.setToolTip(self.model())
        self.changed.emit()

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a model file…"), "", f"{tr('Models')} ({MODEL_FILES})"
        )
        if chosen:
            self.set_model(Path(chosen))


class ValueSlider(QWidget):
    """A slider with its name above and its value at the right; values are low + step * n."""

    changed = Signal(float)

    def __init__(self, title: str, low: float, high: float, step: float, value: float) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._low, self._step = low, step
        self._decimals = 2 if step < 0.1 else 1 if step < 1 else 0
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        bind_text(self.slider.setAccessibleName, title)
        self.number = QLabel()
        self.number.setProperty("role", "muted")
        head = QHBoxLayout()
        head.addWidget(label(title))
        head.addStretch(1)
        head.addWidget(self.number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._moved)
        self.set_value(value)

    def value(self) -> float:
        """The value of the moment."""
        return round(self._low + self.slider.value() * self._step, 4)

    def set_value(self, value: float) -> None:
        """Move the slider to the nearest step."""
        self.slider.setValue(round((value - self._low) / self._step))
        self._moved()

    def _moved(self) -> None:
        self.number.setText(f"{self.value():.{self._decimals}f}")
        self.changed.emit(self.value())


def check(title: str, on: bool) -> QCheckBox:
    """A check box with a translated text."""
    box = QCheckBox()
    bind_text(box.setText, title)
    box.setChecked(on)
    return box


def _row(*parts: QWidget) -> QWidget:
    widget = QWidget()
    widget.setProperty("role", "clear")
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for number, part in enumerate(parts):
        layout.addWidget(part, 1 if number == 0 else 0)
    return widget
