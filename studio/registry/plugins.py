"""Plugin manifests: bundled folder, user folder, `POSE_STUDIO_PLUGINS`, and entry points.

A plugin that cannot be used is kept as a row with the reason, so that a person sees what is
missing; nothing of a plugin is imported before it is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import platformdirs

import studio
from studio.core.errors import PluginError
from studio.core.options import Options

MANIFEST = "plugin.toml"
KINDS = ("family", "target", "tracker", "format", "head-format", "outlet")
ENTRY_POINT_GROUP = "pose_studio.plugins"


@dataclass(frozen=True)
class Contribution:
    """One thing that a plugin adds: `kind` and `id` name it, `entry` is the code behind it.
    install: the command that brings what is missing, where `reason` says that something is.
    """

    kind: str
    id: str
    title: str
    entry: str
    options: str
    package: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    reason: str = ""
    install: str = ""
    extra: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)

    @property
    def enabled(self) -> bool:
        """Whether it can be used; else `reason` says why not."""
        return not self.reason

    @property
    def worker(self) -> str:
        """The tools that it runs in, by the name of their environment; "" where it needs none."""
        return str(self.extra.get("worker", ""))

    def options_class(self) -> type[Options]:
        """The declared options. Raises PluginError where they cannot be loaded."""
        found = self._resolve(self.options) if self.options else Options
        if not (isinstance(found, type) and issubclass(found, Options)):
            raise PluginError(f"{self.options} declares no options.", where=self.package)
        return found

    def load(self) -> Any:
        """An instance of the entry class. Raises PluginError where it cannot be made."""
        if self.reason:
            raise PluginError(f"{self.title} cannot be used: {self.reason}", where=self.package)
        return self._resolve(self.entry)()

    def _resolve(self, spec: str) -> Any:
        module_name, _, name = spec.partition(":")
        try:
            module = importlib.import_module(f"{self.package}.{module_name}")
            return getattr(module, name)
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"{self.title} cannot be used: {error}.",
                where=f"{self.package}, {spec}",
                hint="Install what it needs, or remove the plugin.",
            ) from error


@dataclass(frozen=True)
class PluginInfo:
    """One plugin's manifest, usable or with the `reason` why not."""

    name: str
    folder: Path
    title: str = ""
    version: str = ""
    origin: str = "bundled"
    requires: tuple[str, ...] = ()
    install: str = ""
    contributes: tuple[Contribution, ...] = ()
    reason: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it can be used; else `reason` says why not."""
        return not self.reason


def user_plugin_folder() -> Path:
    """Where a person puts plugins of their own."""
    return Path(platformdirs.user_data_dir("pose-studio", appauthor=False)) / "plugins"


@cache
def plugins() -> tuple[PluginInfo, ...]:
    """Every plugin found, bundled ones first; a name that comes again is a row with a reason."""
    found: dict[str, PluginInfo] = {}
    extra: list[PluginInfo] = []
    for folder, origin in _folders():
        info = _read(folder, origin)
        if info.name in found:
            extra.append(_refused(folder, origin, f"another plugin is already called {info.name}"))
        else:
            found[info.name] = info
    return (*found.values(), *extra)


def reload() -> None:
    """Look again, after a plugin was added or a package installed."""
    plugins.cache_clear()
    importlib.invalidate_caches()


def contributions(kind: str) -> tuple[Contribution, ...]:
    """All contributions of one kind, usable or not, in the order of their plugins."""
    return tuple(c for plugin in plugins() for c in plugin.contributes if c.kind == kind)


def find(kind: str, name: str) -> Contribution:
    """The usable contribution called `name` (or by one of its aliases).

    Raises PluginError where there is none, or where it cannot be used, with the reason.
    """
    known = contributions(kind)
    for contribution in known:
        if name == contribution.id or name in contribution.aliases:
            if contribution.reason:
                raise PluginError(
                    f"{contribution.title} cannot be used: {contribution.reason}",
                    where=contribution.package,
                )
            return contribution
    listed = ", ".join(c.id for c in known) or "none"
    raise PluginError(f"There is no {kind} called {name!r}.", hint=f"Known are: {listed}.")


def _folders() -> Iterator[tuple[Path, str]]:
    roots = [(studio.PLUGINS, "bundled"), (user_plugin_folder(), "user")]
    roots += [
        (Path(p), "user") for p in os.environ.get("POSE_STUDIO_PLUGINS", "").split(os.pathsep) if p
    ]
    for root, origin in roots:
        if root.is_dir():
            for folder in sorted(root.iterdir()):
                if (folder / MANIFEST).is_file():
                    yield folder, origin
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        spec = importlib.util.find_spec(point.value)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(place), f"package {point.value}"


def _read(folder: Path, origin: str) -> PluginInfo:
    try:
        data = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return _info(folder, origin, data)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return _refused(folder, origin, f"{MANIFEST} cannot be read: {error}")
    except (KeyError, TypeError, ValueError) as error:
        return _refused(folder, origin, f"{MANIFEST} is not complete: {error}")


def _refused(folder: Path, origin: str, reason: str) -> PluginInfo:
    return PluginInfo(
        name=folder.name, folder=folder, origin=origin, title=folder.name, reason=reason
    )


def _info(folder: Path, origin: str, data: dict[str, Any]) -> PluginInfo:
    name = str(data["name"])
    if not name.isidentifier():
        raise ValueError(f"the name {name!r} is no identifier")
    requires = tuple(str(r) for r in data.get("requires", ()))
    missing = [r for r in requires if importlib.util.find_spec(r) is None]
    install = str(data.get("install", ""))
    reason = ""
    if missing:
        reason = f"it needs {', '.join(missing)}." + (
            f" Install with: {install}" if install else ""
        )
    package = _package(folder, name, origin)
    rows = cast("list[dict[str, Any]]", data.get("contributes", []))
    return PluginInfo(
        name=name,
        folder=folder,
        title=str(data.get("title", name)),
        version=str(data.get("version", "")),
        origin=origin,
        requires=requires,
        install=install,
        contributes=tuple(_contribution(row, package, reason, install) for row in rows),
        reason=reason,
    )


def _package(folder: Path, name: str, origin: str) -> str:
    """The import name: `studio.plugins.<name>`, also for a folder of the user's."""
    if origin.startswith("package "):
        return origin.removeprefix("package ")
    if folder.name != name:
        raise ValueError(f"the folder must be called {name}, as the plugin")
    if origin == "user":
        parent = importlib.import_module("studio.plugins")
        if str(folder.parent) not in parent.__path__:
            parent.__path__.append(str(folder.parent))
    return f"studio.plugins.{name}"


def _contribution(
    row: dict[str, Any], package: str, reason: str, install: str = ""
) -> Contribution:
    kind = str(row["kind"])
    if kind not in KINDS:
        raise ValueError(f"the kind {kind!r} is none of {', '.join(KINDS)}")
    known = {"kind", "id", "title", "entry", "options", "summary", "aliases"}
    return Contribution(
        kind=kind,
        id=str(row["id"]),
        title=str(row.get("title", row["id"])),
        entry=str(row["entry"]),
        options=str(row.get("options", "")),
        package=package,
        summary=str(row.get("summary", "")),
        aliases=tuple(str(a) for a in row.get("aliases", ())),
        reason=reason,
        install=install if reason else "",
        extra={k: v for k, v in row.items() if k not in known},
    )
