"""What the window remembers between starts: choices, sizes, recent projects."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar, cast

import platformdirs
from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from studio.core.errors import UsageError

T = TypeVar("T")


def config_folder() -> Path:
    """Where settings stand; `POSE_STUDIO_CONFIG_DIR` puts them elsewhere."""
    given = os.environ.get("POSE_STUDIO_CONFIG_DIR")
    if given:
        return Path(given)
    return Path(platformdirs.user_config_dir("pose-studio", appauthor=False))


class Settings(QObject):
    """Typed access to a QSettings file. Any plain JSON value and QByteArray can be kept."""

    changed = Signal(str)

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder or config_folder()
        path = self.folder / "window.ini"
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def get(self, key: str, default: T) -> T:
        """The kept value if it is of `default`'s type (any where `default` is None)."""
        return cast("T", self._read(key, default))

    def _read(self, key: str, default: Any) -> Any:
        raw = self._store.value(key)
        if isinstance(default, QByteArray):
            return raw if isinstance(raw, QByteArray) else default
        if not isinstance(raw, str):
            return default
        try:
            value = json.loads(raw)
        except ValueError:
            return default
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if default is not None and type(value) is not type(default):
            return default
        return value

    def set(self, key: str, value: Any) -> None:
        """Keep a plain value or a QByteArray; `changed` tells who cares."""
        if isinstance(value, QByteArray):
            self._store.setValue(key, value)
            return
        try:
            text = json.dumps(value, ensure_ascii=False)
        except TypeError as error:
            raise UsageError(f"The setting {key!r} cannot be kept: {error}.") from error
        if self._store.value(key) != text:
            self._store.setValue(key, text)
            self.changed.emit(key)

    def remove(self, key: str) -> None:
        """Forget one value."""
        self._store.remove(key)

    def sync(self) -> None:
        """Write to the disk now."""
        self._store.sync()

    def recent_projects(self) -> list[Path]:
        """Folders opened before that still exist, the newest first."""
        kept = self.get("recent_projects", [])
        return [Path(p) for p in kept if Path(p).is_dir()]

    def add_recent_project(self, folder: Path) -> None:
        """Put `folder` first among the recent ones; ten are kept."""
        others = [p for p in self.recent_projects() if p != folder]
        self.set("recent_projects", [str(p) for p in (folder, *others)][:10])
