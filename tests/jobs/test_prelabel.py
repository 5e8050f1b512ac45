"""Pre-labelling with a real little network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Instance, shapes_of
from studio.core.errors import UsageError
from studio.core.job import JobContext, JobSpec
from studio.core.prelabels import proposals_of
from studio.io import labelme
from studio.io.images import write_image
from studio.io.proposals import read_proposals
from studio.io.skeletons import load_skeleton
from studio.jobs.prelabel import run as prelabel
from studio.registry.jobs import options_for
from tests.jobs.listening import Listener
from tests.runtime.toy import centre, picture_with


def _run(run_dir: Path, project: Path | None, listener: Listener | None = None, **options: object):
    run_dir.mkdir(parents=True, exist_ok=True)
    listener = listener or Listener()
    values = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    spec = JobSpec("prelabel", values)
    return prelabel(options_for(spec), JobContext(listener.emit, listener, run_dir, project))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two people, one, none; the last one is annotated already and has a person nobody marked."""
    folder = tmp_path / "project"
    folder.mkdir()
    write_image(folder / "a.png", picture_with((2, 1), (8, 4), size=(640, 384)))
    write_image(folder / "b.png", picture_with((5, 5), size=(384, 640)))
    write_image(folder / "c.png", picture_with(size=(640, 384)))
    write_image(folder / "d.png", picture_with((2, 1), (8, 4), size=(640, 384)))
    skeleton = load_skeleton("coco17")
    x, y = centre(2, 1)
    mine = Instance("person", np.zeros((17, 3)), box=np.array([x - 16, y - 16, 32.0, 32.0]))
    shapes = shapes_of(mine, skeleton, 3)
    labelme.write(folder / "d.json", AnnotatedImage("d.png", 640, 384, shapes))
    return folder


def test_proposals_stand_in_the_files_of_pictures_without_people(
    toy_model: Path, project: Path, tmp_path: Path
) -> None:
    accepted = (project / "d.json").read_bytes()
    listener = Listener()
    result = _run(tmp_path / "run", project, listener, model=toy_model, precision="f32")
    assert (result["pictures"], result["people"], result["skipped"]) == (2, 3, 1)
    assert result["problems"] == []
    image = labelme.read(project / "a.json")
    assert (image.width, image.height) == (640, 384)
    found = proposals_of(image)
    assert {p.group_id for p in found} == {1, 2}
    assert len(found) == 2
    assert len([s for s in image.shapes if s.shape_type == "point"]) == 34
    assert not (project / "c.json").exists()
    assert (project / "d.json").read_bytes() == accepted
    scores = [row["score"] for row in result["doubtful"]]
    assert scores == sorted(scores)
    assert Path(result["doubtful"][0]["picture"]).name in ("a.png", "b.png")
    assert listener.of("progress")[-1]["stage"] == "write"
    manifest = json.loads((Path(result["snapshot"]) / "snapshot.json").read_text())
    assert len(manifest["files"]) == 2


def test_people_already_there_are_left_out_and_untouched(
    toy_model: Path, project: Path, tmp_path: Path
) -> None:
    before = labelme.read(project / "d.json").shapes
    result = _run(
        tmp_path / "run", project, model=toy_model, source=project / "d.png", only_empty=False
    )
    assert (result["people"], result["left_out"]) == (2, 1)
    image = labelme.read(project / "d.json")
    assert image.shapes[: len(before)] == before
    assert [p.group_id for p in proposals_of(image)] == [4]


def test_again_replaces_what_was_proposed(toy_model: Path, project: Path, tmp_path: Path) -> None:
    _run(tmp_path / "run", project, model=toy_model, source=project / "a.png")
    _run(tmp_path / "run", project, model=toy_model, source=project / "a.png")
    assert len(proposals_of(labelme.read(project / "a.json"))) == 2


def test_without_writing_only_the_list_is_made(
    toy_model: Path, project: Path, tmp_path: Path
) -> None:
    result = _run(tmp_path / "run", project, model=toy_model, filter="state:empty", write=False)
    assert result["snapshot"] is None
    assert not (project / "a.json").exists()
    skeleton = load_skeleton("coco17")
    items = list(read_proposals(Path(result["proposals"]), skeleton))
    assert [(i.picture.name, len(i.people)) for i in items] == [("a.png", 2), ("b.png", 1)]
    assert items[0].people[0].source


def test_a_stop_keeps_what_was_found_and_damaged_pictures_are_told(
    toy_model: Path, project: Path, tmp_path: Path
) -> None:
    (project / "a.png").write_bytes(b"no picture")
    result = _run(tmp_path / "run", project, model=toy_model, source=project)
    assert [Path(p["where"]).name for p in result["problems"]] == ["a.png"]
    assert (project / "b.json").is_file()
    listener = Listener()
    listener.stop()
    result = _run(tmp_path / "run", project, listener, model=toy_model, source=project)
    assert result["pictures"] == 0


def test_what_cannot_be_asked(toy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Which pictures"):
        _run(tmp_path / "run", None, model=toy_model)
    with pytest.raises(UsageError, match="not both"):
        _run(tmp_path / "run", tmp_path, model=toy_model, source="x", filter="y")
