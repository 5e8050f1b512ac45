"""What comes back from a cluster's machine: files into the run's folder, paths in words of here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from studio.core.errors import FileProblem
from studio.io.files import atomic_write_text, part_path, problem_of, read_text, replace

# Small text files of a run that name paths.
_NAMING = (".toml", ".yaml", ".json")
_LARGEST = 1 << 20


class Arrivals:
    """Files as they come piece by piece; each takes its place when it is whole."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._open: tuple[str, Path, IO[bytes]] | None = None

    def take(self, piece: Mapping[str, Any]) -> None:
        """One piece. Raises FileProblem, also for a name that leads out of the folder."""
        name = str(piece["name"])
        try:
            if piece["first"]:
                self.close()
                target = self._place(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                part = part_path(target)
                self._open = name, part, part.open("xb")
            if self._open is None or self._open[0] != name:
                raise FileProblem("Pieces of a file came out of order.", where=name)
            _, part, stream = self._open
            stream.write(piece["data"])
            if piece["last"]:
                stream.close()
                self._open = None
                replace(part, self._place(name))
        except OSError as error:
            raise problem_of(error, self._run_dir / name, "write") from error

    def close(self) -> None:
        """A file that did not come whole is not kept."""
        if self._open is not None:
            _, part, stream = self._open
            stream.close()
            part.unlink(missing_ok=True)
            self._open = None

    def _place(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        outside = not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name
        place = self._run_dir.joinpath(*parts)
        if outside or not place.parent.resolve().is_relative_to(self._run_dir.resolve()):
            raise FileProblem("A file was sent that leads out of the run's folder.", where=name)
        return place


def in_words_of_here(value: Any, words: Mapping[str, str]) -> Any:
    """`value` with every path of the other machine in its texts put as it is called here."""
    if isinstance(value, str):
        for there, here in words.items():
            value = value.replace(there, here)
        return value
    if isinstance(value, Mapping):
        return {k: in_words_of_here(v, words) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [in_words_of_here(v, words) for v in value]
    return value


def rewrite_paths(run_dir: Path, words: Mapping[str, str]) -> None:
    """The run's small text files in words of here, so that it goes on and is judged here too."""
    for path in sorted(run_dir.iterdir()):
        small = path.is_file() and path.suffix in _NAMING and path.stat().st_size < _LARGEST
        if not small or path.name == "spec.json":
            continue
        text = read_text(path)
        changed = in_words_of_here(text, words)
        if changed != text:
            atomic_write_text(path, changed)
