"""The sample project, on the disk as a person gets it."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.annotation import instances_of
from studio.core.errors import Cancelled, FileProblem
from studio.core.job import JobContext, JobEvent, NoControl
from studio.core.requests.sample import SampleOptions
from studio.io import labelme
from studio.io.images import read_image
from studio.io.skeletons import load_skeleton
from studio.io.video import VideoReader
from studio.jobs import sample
from studio.vision.synthetic import make_clip, make_picture

SKELETON = load_skeleton("coco17")
PHOTOS = {"bus": 4, "zidane": 2}


def run(out: Path, control: Any = None, **values: Any) -> tuple[dict[str, Any], list[JobEvent]]:
    settings = {"pictures": 3, "clips": 1, "frames": 21, "size": 128, "photos": False} | values
    options = SampleOptions(out=out, **settings).validated()
    events: list[JobEvent] = []
    return sample.run(options, JobContext(events.append, control or NoControl())), events


def people_in(path: Path) -> tuple[Any, ...]:
    return instances_of(labelme.read(path), SKELETON)


def test_annotations_are_those_of_the_drawn_people(tmp_path: Path) -> None:
    result, events = run(tmp_path / "p", seed=5)
    notes = sorted((tmp_path / "p" / "pictures" / "drawn").glob("*.json"))
    assert len(notes) == 3
    for number, path in enumerate(notes):
        truth = make_picture(np.random.default_rng((5, number)), 128)
        people = people_in(path)
        assert len(people) == len(truth.people)
        for read, drawn in zip(people, truth.people, strict=True):
            assert np.allclose(read.keypoints, drawn.keypoints, atol=0.006)
            assert len(read.polygons) == len(drawn.polygons)
            assert drawn.head_rotation is not None
            assert read.head_rotation is not None
            assert np.allclose(read.head_rotation, drawn.head_rotation)
        picture = read_image(path.with_suffix(".jpg"))
        assert np.abs(picture.astype(int) - truth.image).mean() < 15
        assert labelme.read(path).reviewed
    assert (tmp_path / "p" / "studio.toml").is_file()
    done = [e for e in events if e.event == "progress" and e.data["stage"] == "pictures"]
    assert done[-1].data["done"] == 3
    assert result["people"] >= 3


def test_a_clip_comes_with_annotated_frames_and_lasting_ids(tmp_path: Path) -> None:
    result, _ = run(tmp_path / "p", pictures=0)
    (clip,) = result["clips"]
    with VideoReader(clip) as video:
        assert sum(1 for _ in video) == 21
        width, height = video.size
        assert video.fps == 25
    notes = sorted((tmp_path / "p" / "pictures" / "clip_1").glob("*.json"))
    assert [p.stem[-6:] for p in notes] == ["000000", "000010", "000020"]
    film = list(make_clip(1000, 21, (width, height), 3))
    for path in notes:
        truth = {p.track_id: p for p in film[int(path.stem[-6:])].people}
        for person in people_in(path):
            drawn = truth.pop(person.track_id)
            assert np.allclose(person.keypoints, drawn.keypoints, atol=0.006)
        assert not truth


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = [p for p in folder.rglob("*") if p.suffix in (".jpg", ".json", ".toml")]
        return {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        }

    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, seed=seed, frames=1)
    assert len(digest(tmp_path / "a")) == 9
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileProblem):
        run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    class Cancelling(NoControl):
        cancel_requested = True

    with pytest.raises(Cancelled):
        run(tmp_path / "p", Cancelling())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", PHOTOS)
def test_our_notes_on_the_photographs_are_whole(name: str) -> None:
    note = labelme.read(sample.PHOTO_NOTES / f"{name}.json")
    people = instances_of(note, SKELETON)
    assert len(people) == PHOTOS[name]
    assert note.image_path == f"{name}.jpg"
    for person in people:
        assert person.polygons
        assert person.labelled >= 4
        box = person.tight_box()
        assert box is not None
        points = person.keypoints[person.keypoints[:, 2] > 0, :2]
        assert np.all(points >= box[:2])
        assert np.all(points <= box[:2] + box[2:])
        assert np.all(box[:2] + box[2:] <= (note.width, note.height))


def test_photographs_come_from_the_installed_package(tmp_path: Path) -> None:
    if sample.photo_folder() is None:
        pytest.skip("ultralytics is not installed, so its photographs are not here")
    result, events = run(tmp_path / "p", pictures=0, clips=0, photos=True)
    assert [Path(p).name for p in result["photos"]] == ["bus.jpg", "zidane.jpg"]
    assert not [e for e in events if e.event == "log"]
    for path in map(Path, result["photos"]):
        note = labelme.read(path.with_suffix(".json"))
        assert read_image(path).shape[:2] == (note.height, note.width)


def test_without_the_package_the_photographs_are_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    result, events = run(tmp_path / "p", pictures=1, clips=0, photos=True)
    assert result["photos"] == []
    (told,) = [e.data for e in events if e.event == "log"]
    assert told["level"] == "warning"
    assert "ultralytics" in told["message"]


def test_the_package_is_found_without_importing_it() -> None:
    code = (
        "import sys; from studio.jobs import sample; sample.photo_folder();"
        "print([m for m in ('ultralytics', 'torch', 'openvino') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def test_no_more_people_than_asked_for(tmp_path: Path) -> None:
    run(tmp_path / "p", pictures=12, clips=0, people=1)
    notes = list((tmp_path / "p" / "pictures" / "drawn").glob("*.json"))
    counts = [len(people_in(path)) for path in notes]
    assert len(counts) == 12
    assert max(counts) == 1
