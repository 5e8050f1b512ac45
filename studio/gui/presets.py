"""Option sets that a person keeps by name: one TOML file each, of changed values only."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio import RESOURCES
from studio.core.errors import FormatError, UsageError

FOLDER = "presets"


class Presets:
    """The presets of one kind of options ("train/yolo-pose"): bundled ones and the person's."""

    def __init__(self, config_folder: Path, kind: str) -> None:
        self._own = config_folder / FOLDER / kind
        self._bundled = RESOURCES / FOLDER / kind

    def names(self) -> list[str]:
        """All names, sorted; an own preset hides a bundled one of its name."""
        found = {p.stem for f in (self._bundled, self._own) for p in f.glob("*.toml")}
        return sorted(found)

    def is_own(self, name: str) -> bool:
        """Whether it can be deleted."""
        return self._file(name).is_file()

    def load(self, name: str) -> dict[str, Any]:
        """The values. Raises FormatError, FileProblem, UsageError for an unknown name."""
        from studio.io.files import read_text

        own = self._file(name)
        path = own if own.is_file() else self._bundled / f"{name}.toml"
        if not path.is_file():
            raise UsageError(f"There is no preset called {name!r}.")
        try:
            return tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise FormatError(
                f"The preset cannot be read: {error}.", where=path, hint="Delete it, or mend it."
            ) from error

    def save(self, name: str, values: Mapping[str, Any]) -> Path:
        """Keep plain values. Raises UsageError for a name that is no file name, FileProblem."""
        import tomlkit

        from studio.io.files import atomic_write_text

        path = self._file(name)
        atomic_write_text(path, tomlkit.dumps(dict(values)))
        return path

    def delete(self, name: str) -> None:
        """Forget an own preset."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        if not name.strip() or any(c in name for c in '/\\:*?"<>|') or name.startswith("."):
            raise UsageError(f"{name!r} cannot be a preset's name.", hint="Use letters and digits.")
        return self._own / f"{name}.toml"
