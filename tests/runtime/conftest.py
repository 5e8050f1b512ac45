"""Toy models made once for all tests of the runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime import toy


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the toy network, open sizes, and its model.json."""
    return toy.write_artifact(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="session")
def fixed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for 320 x 320 only."""
    return toy.write_artifact(tmp_path_factory.mktemp("toy") / "fixed", size=320, dynamic=False)
