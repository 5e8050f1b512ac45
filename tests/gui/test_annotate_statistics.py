"""What has been annotated, counted on the real page."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.gui.annotating import Hands, annotation, make_project


def test_counts_are_shown_and_saved(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    box = {"label": "person", "shape_type": "rectangle", "points": [[1.0, 1.0], [99.0, 99.0]]}
    nose = {"label": "nose", "points": [[5.0, 5.0]]}
    annotation(pictures[0], [{**box, "group_id": 1}, {**nose, "group_id": 1}])
    annotation(pictures[1], [{**box, "group_id": 1}, {"label": "tree", "points": [[1.0, 1.0]]}])
    page = hands.open(tmp_path / "p", 3)
    page.assist.show_statistics()
    dialog = page.assist.statistics
    assert dialog is not None
    hands.wait_until(lambda: dialog.statistics is not None, timeout=8000)
    found = dialog.statistics
    assert found is not None
    assert (found.pictures, found.people) == (2, 2)
    assert found.labels["person"].shapes == 2
    assert dialog.body.isVisible()
    assert not dialog.bar.isVisible()
    dialog.holdings.write(tmp_path / "counts.csv")
    hands.wait_until(lambda: "counts.csv" in dialog.note.text(), timeout=5000)
    with (tmp_path / "counts.csv").open(encoding="utf-8-sig") as stream:
        rows = [tuple(row) for row in csv.reader(stream)]
    assert ("joint", "nose", "visible", "1") in rows
    dialog.accept()
