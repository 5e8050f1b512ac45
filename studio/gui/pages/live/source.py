"""Where frames come from: a camera, a video, a folder, a stream, or drawn people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.i18n import bind_text, bind_told, tr, translator
from studio.gui.pages.live.parts import beside, choice_box, titled
from studio.gui.theme import set_role
from studio.gui.widgets.basics import button, label, tool_button
from studio.io.video import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from studio.io.cameras import Camera

CAMERA, VIDEO, FOLDER, STREAM, SYNTHETIC = "camera", "video", "folder", "stream", "synthetic"
KINDS = (
    (CAMERA, N_("Camera")),
    (VIDEO, N_("Video file")),
    (FOLDER, N_("Folder of pictures")),
    (STREAM, N_("Network stream")),
    (SYNTHETIC, N_("Synthetic people")),
)
# What is offered where a camera does not tell what it can do.
SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
RATES = (15.0, 30.0, 60.0)
RECENT = 8
# A camera by its name is found again after it was unplugged, whatever its number is then.
NAMED = "camera:"


def kind_of(source: str) -> str:
    """Which of the kinds a source's text belongs to."""
    text = source.strip()
    if text.startswith("synthetic:"):
        return SYNTHETIC
    if text.isdigit() or text.startswith(("/dev/video", NAMED)):
        return CAMERA
    if "://" in text:
        return STREAM
    return VIDEO if Path(text).suffix.lower() in VIDEO_SUFFIXES else FOLDER


def holds_password(source: str) -> bool:
    """Whether an address tells a secret, which is not kept for the next time."""
    if "://" not in source:
        return False
    try:
        return urlsplit(source).password is not None
    except ValueError:
        return "@" in source


def short(source: str) -> str:
    """A source as a menu names it."""
    if kind_of(source) in (VIDEO, FOLDER):
        return Path(source).name or source
    if source.startswith(NAMED):
        return source.removeprefix(NAMED)
    if kind_of(source) == CAMERA:
        return tr("Camera {number}", number=source)
    return tr("Synthetic people") if kind_of(source) == SYNTHETIC else source


class SizeAndRate(QWidget):
    """What a camera is asked for; it may answer with something else."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.size_box = choice_box("Resolution")
        self.rate_box = choice_box("Frames per second")
        self._modes: Any = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(titled("Resolution", self.size_box), 1)
        columns.addWidget(titled("Frames per second", self.rate_box), 1)
        column.addLayout(columns)
        self.size_box.currentIndexChanged.connect(lambda _index: self._fill_rates())
        self.set_modes(())

    def set_modes(self, modes: Sequence[Any]) -> None:
        """What the camera says it can do; nothing: the usual sizes and rates."""
        self._modes = modes
        sizes = sorted({(m.width, m.height) for m in modes}) or list(SIZES)
        chosen = self.size_box.currentData()
        _fill(self.size_box, [(None, tr("Automatic"))] + [(s, f"{s[0]} × {s[1]}") for s in sizes])
        self.size_box.setCurrentIndex(max(0, _place(self.size_box, chosen)))
        self._fill_rates()

    def wish(self) -> dict[str, float]:
        """width, height and fps, where they are not left to the camera."""
        size, rate = self.size_box.currentData(), self.rate_box.currentData()
        wish: dict[str, float] = {} if size is None else {"width": size[0], "height": size[1]}
        return wish if rate is None else {**wish, "fps": rate}

    def set_wish(self, wish: dict[str, float]) -> None:
        """Choose what was wished before, where it is offered."""
        size = (int(wish.get("width", 0)), int(wish.get("height", 0)))
        self.size_box.setCurrentIndex(max(0, _place(self.size_box, size)))
        self.rate_box.setCurrentIndex(max(0, _place(self.rate_box, wish.get("fps"))))

    def retext(self) -> None:
        """Again in the language of the moment."""
        self.set_modes(self._modes)

    def _fill_rates(self) -> None:
        size, chosen = self.size_box.currentData(), self.rate_box.currentData()
        fitting = [m for m in self._modes if size is None or (m.width, m.height) == size]
        rates = sorted({float(r) for m in fitting for r in m.rates}) or list(RATES)
        _fill(self.rate_box, [(None, tr("Automatic"))] + [(r, f"{r:g} fps") for r in rates])
        self.rate_box.setCurrentIndex(max(0, _place(self.rate_box, chosen)))


class SourcePicker(QWidget):
    """A kind and, below it, what that kind needs. `check_wanted` carries an address to try."""

    changed = Signal()
    check_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._recent: list[str] = []
        # Which of the drawn scenes: "synthetic:7" plays another one.
        self._scene = "synthetic:"
        self._background = Background(self)
        self.kind = choice_box("Source")
        self.recent_button = tool_button("history", "Recent sources")
        self.recent_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.recent_menu = QMenu(self.recent_button)
        self.recent_button.setMenu(self.recent_menu)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.camera = choice_box("Camera")
        self.camera.setEditable(True)
        self.modes = SizeAndRate()
        look = tool_button("refresh", "Look for cameras", self.find_cameras)
        self.camera_row = beside(self.camera, look)
        self.video, video_row = self._path_row("Video file", self._choose_video)
        self.folder, folder_row = self._path_row("Folder of pictures", self._choose_folder)
        self.stream = QLineEdit()
        self.stream.setPlaceholderText("rtsp://…  http://…")
        bind_text(self.stream.setAccessibleName, "Network stream")
        self.check_button = button(
            "Check", self._check, tooltip="Ask the stream for a frame before it is used"
        )
        self.verdict = label("", "hint", wrap=True)
        self.verdict.hide()
        synthetic = label("Drawn people who walk about: no camera is needed.", "hint", wrap=True)
        self._parts: dict[str, tuple[QWidget, ...]] = {
            CAMERA: (self.camera_row, self.modes),
            VIDEO: (video_row,),
            FOLDER: (folder_row,),
            STREAM: (beside(self.stream, self.check_button),),
            SYNTHETIC: (synthetic, self.modes),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(beside(self.kind, self.recent_button))
        for part in dict.fromkeys(p for parts in self._parts.values() for p in parts):
            column.addWidget(part)
        column.addWidget(self.verdict)
        self._connect()
        self._retext()
        self.find_cameras()

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _index: self._kind_changed())
        for edit in (self.video, self.folder, self.stream):
            edit.textChanged.connect(self.changed)
        self.stream.textChanged.connect(lambda _text: self.verdict.hide())
        self.camera.currentTextChanged.connect(lambda _text: self._camera_changed())
        translator.language_changed.connect(self._retext)

    def source(self) -> str:
        """The source as the job takes it; "" where something is missing."""
        kind = self.kind.currentData()
        if kind == CAMERA:
            camera = self._camera()
            return self.camera.currentText().strip() if camera is None else self._text_of(camera)
        if kind == SYNTHETIC:
            return self._scene
        return self._edit(kind).text().strip()

    def wish(self) -> dict[str, float]:
        """What a camera is asked for; empty leaves it to the camera."""
        return self.modes.wish() if self.kind.currentData() in (CAMERA, SYNTHETIC) else {}

    def set_source(self, source: str) -> None:
        """Show a source's text in the editor of its kind."""
        kind = kind_of(source)
        self.kind.setCurrentIndex(self.kind.findData(kind))
        if kind == CAMERA:
            self._choose_camera(source)
        elif kind == SYNTHETIC:
            self._scene = source.strip()
        else:
            self._edit(kind).setText(source)

    def recent(self) -> list[str]:
        """Sources used before, the newest first."""
        return list(self._recent)

    def set_recent(self, sources: Sequence[str]) -> None:
        """The sources that the menu offers."""
        self._recent = [s for s in sources if s][:RECENT]
        self.recent_button.setEnabled(bool(self._recent))

    def remember(self) -> None:
        """Put the present source first among the recent ones; no password is kept."""
        source = self.source()
        if source and not holds_password(source):
            self.set_recent([source, *(s for s in self._recent if s != source)])

    def show_verdict(self, text: str, role: str = "hint") -> None:
        """What came of a check, below the address."""
        set_role(self.verdict, role)
        bind_told(self.verdict.setText, text)
        self.verdict.setVisible(bool(text))

    def find_cameras(self) -> None:
        """List the cameras again; none is opened, and asking them is done in a thread."""

        def found() -> tuple[Camera, ...]:
            from studio.io.cameras import list_cameras

            return list_cameras()

        self._background.start(found, self.show_cameras, lambda _error: self.show_cameras(()))

    def show_cameras(self, cameras: Sequence[Camera]) -> None:
        """Offer these; what was chosen or written stays."""
        chosen = self.source() if self.kind.currentData() == CAMERA else ""
        self.camera.blockSignals(True)
        self.camera.clear()
        for camera in cameras:
            name = camera.name or tr("Camera {number}", number=camera.index)
            self.camera.addItem(f"{camera.index}: {name}" if camera.name else name, camera)
        self.camera.blockSignals(False)
        self._choose_camera(chosen or (self._text_of(cameras[0]) if cameras else "0"))

    def _text_of(self, camera: Camera) -> str:
        """By its name, by its number where it has none or shares it with another."""
        listed: list[Camera] = [self.camera.itemData(i) for i in range(self.camera.count())]
        alone = [c.name for c in listed].count(camera.name) == 1
        return f"{NAMED}{camera.name}" if camera.name and alone else str(camera.index)

    def _camera(self) -> Camera | None:
        index = self.camera.findText(self.camera.currentText())
        return self.camera.itemData(index) if index >= 0 else None

    def _choose_camera(self, source: str) -> None:
        for index in range(self.camera.count()):
            camera: Camera = self.camera.itemData(index)
            if source in (self._text_of(camera), str(camera.index)):
                self.camera.setCurrentIndex(index)
                break
        else:
            self.camera.setCurrentIndex(-1)
            self.camera.setEditText(source)
        self._camera_changed()

    def _camera_changed(self) -> None:
        camera = self._camera()
        self.modes.set_modes(() if camera is None else camera.modes)
        self.changed.emit()

    def _check(self) -> None:
        if self.stream.text().strip():
            self.check_wanted.emit(self.stream.text().strip())

    def _edit(self, kind: str) -> QLineEdit:
        return {VIDEO: self.video, FOLDER: self.folder, STREAM: self.stream}[kind]

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for source in self._recent:
            action = self.recent_menu.addAction(short(source).replace("&", "&&"))
            action.setToolTip(source)
            action.triggered.connect(partial(self.set_source, source))

    def _kind_changed(self) -> None:
        self._show_part()
        self.verdict.hide()
        if self.kind.currentData() == SYNTHETIC:
            self.modes.set_modes(())
        self.changed.emit()

    def _show_part(self) -> None:
        shown = self._parts[self.kind.currentData() or CAMERA]
        for part in {p for parts in self._parts.values() for p in parts}:
            part.setVisible(part in shown)

    def _retext(self) -> None:
        chosen = self.kind.currentData()
        _fill(self.kind, [(kind, tr(title)) for kind, title in KINDS])
        self.kind.setCurrentIndex(max(0, self.kind.findData(chosen)))
        self._show_part()
        self.modes.retext()

    def _path_row(self, name: str, choose: Any) -> tuple[QLineEdit, QWidget]:
        edit = QLineEdit()
        bind_text(edit.setAccessibleName, name)
        bind_text(edit.setPlaceholderText, name)
        return edit, beside(edit, tool_button("folder", "Browse…", choose))

    def _choose_video(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
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


def _fill(combo: QComboBox, rows: Sequence[tuple[Any, str]]) -> None:
    combo.blockSignals(True)
    combo.clear()
    for value, title in rows:
        combo.addItem(title, value)
    combo.blockSignals(False)


def _place(combo: QComboBox, value: Any) -> int:
    """Where an entry stands; findData does not look into tuples."""
    return next((i for i in range(combo.count()) if combo.itemData(i) == value), -1)
