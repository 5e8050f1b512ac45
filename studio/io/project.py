"""The project folder: the user's pictures where they are, and what was made of them."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import FileProblem, FormatError, StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import atomic_write_text, read_json, read_text
from studio.io.picture_index import PictureIndex
from studio.io.plain import is_list, is_table
from studio.io.runs import RunSummary, list_runs
from studio.io.skeletons import list_skeletons, load_skeleton

__all__ = ["Project", "ProjectConfig", "RunSummary", "list_runs", "read_config", "write_config"]

CONFIG = "studio.toml"
INNER = ".studio"
DATASETS, RUNS, EXPORTS = "datasets", "runs", "exports"
_OWN = frozenset({DATASETS, RUNS, EXPORTS, "skeletons"})


@dataclass(frozen=True)
class ProjectConfig:
    """What `studio.toml` says. pictures: folders, relative to the project or absolute.

    `defaults` are the user's own starting values for the forms, by job.
    """

    name: str
    skeletons: tuple[str, ...] = ("coco17",)
    categories: tuple[str, ...] = ("person",)
    pictures: tuple[str, ...] = (".",)
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Project:
    """An open project. Any folder of pictures is one; `studio.toml` only says more about it."""

    def __init__(self, folder: Path, config: ProjectConfig) -> None:
        self.folder = folder
        self.config = config
        self._index: PictureIndex | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path | str) -> Project:
        """Open a folder; nothing is written. Raises FileProblem or FormatError."""
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            raise FileProblem(
                "There is no such folder.", where=folder, hint="Choose the project's folder."
            )
        folder = folder.resolve()
        return cls(folder, read_config(folder))

    @classmethod
    def create(cls, folder: Path | str, config: ProjectConfig | None = None) -> Project:
        """Make a folder a project by writing its `studio.toml`. Raises FileProblem."""
        folder = Path(folder).expanduser().absolute()
        write_config(folder, config or ProjectConfig(folder.name))
        return cls.open(folder)

    @property
    def name(self) -> str:
        """The name for titles and lists."""
        return self.config.name

    @property
    def picture_folders(self) -> tuple[Path, ...]:
        """Where the pictures stand; folders that are not there are left out."""
        folders = (self.folder / text for text in self.config.pictures)
        return tuple(dict.fromkeys(f.resolve() for f in folders if f.is_dir()))

    def skeletons(self) -> tuple[Skeleton, ...]:
        """The project's skeletons, the first one for new people. Raises StudioError."""
        return tuple(load_skeleton(name, self.folder) for name in self.config.skeletons)

    def all_skeletons(self) -> tuple[Skeleton, ...]:
        """Every skeleton that may be chosen here. Raises StudioError."""
        return list_skeletons(self.folder)

    def save_config(self, config: ProjectConfig) -> None:
        """Write `studio.toml`, keeping its comments and what we do not know. Raises FileProblem."""
        write_config(self.folder, config)
        self.config = config
        self.close()

    def contains(self, path: Path) -> bool:
        """Whether a file stands inside the project, links followed."""
        return path.resolve().is_relative_to(self.folder)

    def datasets(self) -> tuple[Path, ...]:
        """Folders of converted datasets, the newest first."""
        return _newest(path.parent for path in (self.folder / DATASETS).glob("*/dataset.json"))

    def runs(self) -> tuple[Path, ...]:
        """Folders of training runs, the newest first."""
        return _newest(path.parent for path in (self.folder / RUNS).glob("*/*/events.jsonl"))

    def exports(self) -> tuple[Path, ...]:
        """Folders of exported artefacts, the newest first."""
        return _newest(path.parent for path in (self.folder / EXPORTS).glob("*/model.json"))

    @property
    def index(self) -> PictureIndex:
        """The list of pictures, opened on first use, from any thread. Raises StudioError."""
        with self._lock:
            if self._index is None:
                self._index = PictureIndex(
                    self.folder,
                    self.picture_folders,
                    self.skeletons(),
                    skip=self.is_own,
                    splits=self.sides,
                )
            return self._index

    def is_own(self, path: str) -> bool:
        """Whether a folder is one of the project's own (runs, datasets, ...), not one of pictures."""
        place = Path(path)
        return place.parent == self.folder and place.name in _OWN

    def sides(self) -> dict[str, str]:
        """The side of each picture, by its absolute path, in the newest dataset that has it."""
        found: dict[str, str] = {}
        for dataset in self.datasets():
            try:
                data = read_json(dataset / "dataset.json")
            except StudioError:
                # A damaged dataset is told where it is opened; the list of pictures goes on.
                continue
            pictures = data.get("pictures") if is_table(data) else None
            split = data.get("split") if is_table(data) else None
            if is_table(pictures) and is_table(split):
                for name, picture in pictures.items():
                    if is_table(picture) and name in split:
                        found.setdefault(str(picture.get("source")), str(split[name]))
        return found

    def close(self) -> None:
        """Let go of the index's file."""
        with self._lock:
            if self._index is not None:
                self._index.close()
                self._index = None


def _newest(folders: Any) -> tuple[Path, ...]:
    return tuple(sorted(set(folders), key=lambda p: (-p.stat().st_mtime, p.name)))


def read_config(folder: Path) -> ProjectConfig:
    """`studio.toml`, or the defaults where there is none. Raises FormatError naming the key."""
    path = folder / CONFIG
    if not path.is_file():
        return ProjectConfig(name=folder.name)
    try:
        data = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(
            f"The project's settings are not TOML: {error}.",
            where=path,
            hint="Mend the line named, or delete the file: your pictures need it not.",
        ) from error
    standard = ProjectConfig(name=folder.name)
    defaults = data.get("defaults", {})
    if not is_table(defaults):
        raise _wrong(path, "defaults", "a table")
    return ProjectConfig(
        name=_text(data, "name", standard.name, path),
        skeletons=_texts(data, "skeletons", standard.skeletons, path),
        categories=_texts(data, "categories", standard.categories, path),
        pictures=_texts(data, "pictures", standard.pictures, path),
        defaults=defaults,
    )


def write_config(folder: Path, config: ProjectConfig) -> None:
    """Write `studio.toml` atomically. Raises FileProblem, and FormatError as `config_text`."""
    atomic_write_text(folder / CONFIG, config_text(folder, config))


def config_text(folder: Path, config: ProjectConfig) -> str:
    """What `studio.toml` would say; comments and unknown keys of an old one stay.

    Raises FormatError where the old one is damaged.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = folder / CONFIG
    try:
        data = tomlkit.parse(read_text(path)) if path.is_file() else tomlkit.document()
    except TOMLKitError as error:
        raise FormatError(
            f"The project's settings are not TOML: {error}.",
            where=path,
            hint="Mend the line named.",
        ) from error
    data["name"] = config.name
    data["skeletons"] = list(config.skeletons)
    data["categories"] = list(config.categories)
    data["pictures"] = list(config.pictures)
    if config.defaults or "defaults" in data:
        data["defaults"] = dict(config.defaults)
    return tomlkit.dumps(data)


def _text(data: dict[str, Any], key: str, standard: str, path: Path) -> str:
    value = data.get(key, standard)
    if not isinstance(value, str):
        raise _wrong(path, key, "text")
    return value or standard


def _texts(
    data: dict[str, Any], key: str, standard: tuple[str, ...], path: Path
) -> tuple[str, ...]:
    value = data.get(key, list(standard))
    if isinstance(value, str):
        value = [value]
    if not is_list(value) or not all(isinstance(v, str) for v in value):
        raise _wrong(path, key, "a list of texts")
    return tuple(value) or standard


def _wrong(path: Path, key: str, wanted: str) -> FormatError:
    return FormatError(
        f'"{key}" in the project\'s settings is not {wanted}.', where=path, hint="Mend that line."
    )
