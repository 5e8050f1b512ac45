"""A tracker beside a source: its options by name, also under the guides' spellings."""

from __future__ import annotations

import pytest

from studio.core.errors import PluginError, UsageError
from studio.runtime.tracking import tracker_called
from studio.vision.synthetic.scene import coco17


def test_options_are_understood_under_each_of_their_spellings() -> None:
    for spelt in ("every=3", "k=3", "--k=3"):
        found = tracker_called("klt", [spelt, "max-error=2"], coco17(), 25.0)
        assert found is not None
        assert found.options.every == 3
        assert found.options.max_error == 2.0


def test_what_is_wrong_is_said() -> None:
    assert tracker_called("", [], coco17(), 25.0) is None
    with pytest.raises(UsageError, match="needs --track"):
        tracker_called("", ["lost=3"], coco17(), 25.0)
    with pytest.raises(UsageError, match="says no value"):
        tracker_called("oks", ["lost"], coco17(), 25.0)
    with pytest.raises(UsageError, match="Unknown option"):
        tracker_called("oks", ["k=3"], coco17(), 25.0)
    with pytest.raises(PluginError):
        tracker_called("magic", [], coco17(), 25.0)
