"""Every option set that comes with the studio is one that its family or target takes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from studio import RESOURCES
from studio.registry import contributions

PRESETS = sorted((RESOURCES / "presets").glob("*/*/*.toml"))
KINDS = {"train": "family", "export": "target"}


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_preset_is_taken(path: Path) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    kind = KINDS[path.parents[1].name]
    found = next(c for c in contributions(kind) if c.id == path.parent.name)
    if not found.enabled:
        pytest.skip(found.reason)
    options = found.options_class()
    options.from_mapping(values).validated()
    # It suits every machine and every dataset.
    assert not {"data", "device", "calibration"} & set(values)
