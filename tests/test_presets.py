"""Every option set that comes with the studio is one that its family takes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from studio import RESOURCES
from studio.registry import find

PRESETS = sorted((RESOURCES / "presets").glob("train/*/*.toml"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_preset_is_taken(path: Path) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    options = find("family", path.parent.name).options_class()
    options.from_mapping(values).validated()
    # It suits every machine and every dataset.
    assert not {"data", "device"} & set(values)
