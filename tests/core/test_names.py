"""Names that hold on every system."""

from __future__ import annotations

import pytest

from studio.core.errors import UsageError
from studio.core.names import is_usable_name
from studio.core.requests.train import TrainRequest


@pytest.mark.parametrize(
    "name", ["people", "été 2", "人物", "a.b", "console", "com10", "v1.2", "_x"]
)
def test_usable(name):
    assert is_usable_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "con", "NUL", "nul.txt", "Com1", "LPT9.log", "aux ", "a.", "a ", "a/b", "a\\b",
     "a:b", "a?", 'a"b', "tab\there", "x" * 121],
)  # fmt: skip
def test_not_usable(name):
    assert not is_usable_name(name)


def test_a_run_is_not_called_so():
    assert TrainRequest(family="f", name="").validated()
    with pytest.raises(UsageError, match="every system"):
        TrainRequest(family="f", name="nul").validated()
