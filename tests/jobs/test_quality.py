"""The quality desk over a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Shape, shapes_of
from studio.core.errors import UsageError
from studio.io import labelme
from studio.io.findings import read_report
from studio.io.images import write_image
from studio.io.skeletons import load_skeleton
from studio.metrics.quality import Finding
from studio.metrics.usual import Usual
from studio.vision.synthetic import make_picture
from tests.jobs.listening import Listener, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty pictures of synthetic people; in one of them the hips are exchanged and a joint lies
    outside; one file is damaged, one picture has none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    skeleton = load_skeleton("coco17")
    for seed in range(30):
        made = make_picture(seed, (160, 160))
        path = folder / f"{seed:02}.png"
        write_image(path, np.zeros((160, 160, 3), np.uint8))
        shapes = [s for n, p in enumerate(made.people, 1) for s in shapes_of(p, skeleton, n)]
        if seed == 7:
            shapes.append(Shape("nose", "point", ((300.0, 20.0),), 99))
        labelme.write(path.with_suffix(".json"), AnnotatedImage(path.name, 160, 160, tuple(shapes)))
    (folder / "03.json").write_text("damaged")
    (folder / "04.json").unlink()
    return folder


def test_findings_stand_most_serious_first(folder: Path, tmp_path: Path) -> None:
    listener = Listener()
    before = {p: p.read_bytes() for p in folder.glob("*.json")}
    result = run("quality", tmp_path, listener, source=folder)
    assert result["pictures"] == 28
    assert [Path(p["where"]).name for p in result["problems"]] == ["03.json"]
    report = read_report(Path(result["report"]))
    found = [(p, Finding.from_mapping(row)) for p, row in report.found]
    assert len(found) == result["findings"] == sum(result["kinds"].values())
    assert (found[0][0].name, found[0][1].kind) == ("07.png", "picture")
    severities = [f.severity for _, f in found]
    assert severities == sorted(severities, reverse=True)
    assert not np.isnan(Usual.from_mapping(report.usual).length).all()
    assert listener.of("progress")[-1] == {"stage": "check", "done": 29, "total": 29}
    assert {p: p.read_bytes() for p in folder.glob("*.json")} == before


def test_a_stop_keeps_what_was_found(folder: Path, tmp_path: Path) -> None:
    listener = Listener()
    listener.on("progress", 1, listener.stop)
    result = run("quality", tmp_path, listener, source=folder)
    assert result["pictures"] < 28
    assert Path(result["report"]).is_file()


def test_which_pictures(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Which pictures"):
        run("quality", tmp_path)
