"""Plugins: found in all places, broken ones kept as rows with a reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio.registry as registry
from studio.core.errors import PluginError
from studio.core.options import Options

MANIFEST = """
name = "{name}"
title = "Title of {name}"
requires = {requires}
install = "pip install it"
[[contributes]]
kind = "{kind}"
id = "{name}-id"
title = "A {name}"
aliases = ["other-{name}"]
options = "config:Config"
entry = "code:Entry"
"""


def make(root: Path, name: str, *, kind: str = "tracker", requires: str = "[]") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST.format(name=name, kind=kind, requires=requires))
    (folder / "__init__.py").write_text("")
    (folder / "config.py").write_text(
        "from dataclasses import dataclass\n"
        "from studio.core.options import Options, option\n"
        "@dataclass(frozen=True)\n"
        "class Config(Options):\n"
        "    size: int = option(3, title='Size')\n"
    )
    (folder / "code.py").write_text("class Entry:\n    word = 'here'\n")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    registry.reload()
    yield tmp_path / "mine"
    monkeypatch.undo()
    registry.reload()


def row(name: str) -> registry.PluginInfo:
    registry.reload()
    return next(p for p in registry.plugins() if p.name == name)


def test_a_users_plugin_is_found_and_loaded_only_when_used(root: Path) -> None:
    make(root, "zz_mine")
    assert row("zz_mine").enabled
    found = registry.find("tracker", "other-zz_mine")
    assert "studio.plugins.zz_mine.code" not in sys.modules
    assert issubclass(found.options_class(), Options)
    assert found.options_class().from_mapping({"size": 4}).size == 4
    assert found.load().word == "here"


def test_broken_plugins_are_rows_with_a_reason(root: Path) -> None:
    make(root, "zz_needs", requires='["no_such_package"]')
    make(root, "zz_kind", kind="banana")
    make(root, "zz_renamed").rename(root / "zz_other")
    (make(root, "zz_toml") / "plugin.toml").write_text("name = [broken")
    assert "it needs no_such_package. Install with: pip install it" in row("zz_needs").reason
    assert "'banana'" in row("zz_kind").reason
    assert "must be called zz_renamed" in row("zz_other").reason
    assert "cannot be read" in row("zz_toml").reason
    with pytest.raises(PluginError, match="it needs no_such_package"):
        registry.find("tracker", "zz_needs-id")


def test_code_that_fails_to_import_is_explained(root: Path) -> None:
    (make(root, "zz_fails") / "code.py").write_text("import no_such_package\n")
    assert row("zz_fails").enabled
    with pytest.raises(PluginError, match="no_such_package"):
        registry.find("tracker", "zz_fails-id").load()


def test_the_same_name_twice_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, "zz_twin")
    make(root.parent / "second", "zz_twin")
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", f"{root}:{root.parent / 'second'}")
    registry.reload()
    twins = [p for p in registry.plugins() if p.name == "zz_twin"]
    assert [p.enabled for p in twins] == [True, False]
    assert "already called" in twins[1].reason


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(PluginError, match="yolo-pose"):
        registry.find("family", "zz")


def test_every_bundled_plugin_is_usable_here() -> None:
    bundled = [p for p in registry.plugins() if p.origin == "bundled"]
    assert {"yolo_pose", "openvino"} <= {p.name for p in bundled}
    for plugin in bundled:
        assert plugin.enabled, plugin.reason
        for contribution in plugin.contributes:
            assert issubclass(contribution.options_class(), Options)
            assert contribution.load() is not None
